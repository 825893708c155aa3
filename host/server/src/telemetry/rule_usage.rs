//! What each rule has used, for its tenant to scrape.

use std::collections::BTreeMap;

use wasmalert_core::RuleKey;
use wasmalert_core::usage::Usage;

use super::exposition::Exposition;

const NAME: &str = "wasmalert_rule_usage_total";

/// A tenant's usage since the start, by rule, in the Prometheus text format. What no
/// rule has used has no label of one.
#[must_use]
pub fn rule_usage(used: &BTreeMap<Option<RuleKey>, Usage>) -> String {
    let mut out = Exposition::default();
    out.family(
        NAME,
        "counter",
        "What rules have used since the server's start, in the units of docs/limits.md.",
    );
    for (rule, used) in used {
        for info in Usage::TABLE {
            let resource = ("resource", info.name);
            let value = used.get(info.resource) as f64;
            match rule {
                Some(rule) => {
                    let labels = [
                        ("namespace", &*rule.group.namespace),
                        ("group", &*rule.group.group),
                        ("rule", &*rule.rule),
                        resource,
                    ];
                    out.sample(NAME, "", &labels, value);
                }
                None => out.sample(NAME, "", &[resource], value),
            }
        }
    }
    out.finish()
}
