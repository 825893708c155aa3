//! What people configure: groups of rules, sources, receivers.

#[cfg(test)]
mod tests;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::id::{GroupKey, RuleKey};
use crate::label::{ALERT_NAME, Labels};
use crate::limits::Limit;

pub use validate::{DIGEST_WANTED, INTERVAL_MS_MAX, RULES_MAX, SpecError, is_digest};

/// The source of a rule that names none, where one of that name exists.
pub const DEFAULT_SOURCE: &str = "default";

/// Whether a label or an annotation of a rule is a template, which the rule's module may expand.
#[must_use]
pub fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// What alerts of this server carry beside their own, as templates know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct External {
    /// Where people reach the server, without a slash at its end.
    pub url: String,
    pub labels: BTreeMap<String, String>,
}

/// The receiver of a rule that names none, where one of that name exists.
pub const DEFAULT_RECEIVER: &str = "default";

/// A group of rules that are evaluated in order at the same slots.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    /// At least 1.
    pub interval_ms: i64,
    /// How far before the slot queries look; 0 or more.
    pub query_offset_ms: i64,
    /// Labels under those of the rules; an empty value deletes the finding's.
    pub labels: BTreeMap<String, String>,
    pub rules: Vec<Arc<RuleSpec>>,
}

/// One rule of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSpec {
    /// The alert's name, which becomes its label `alertname`.
    pub name: String,
    pub module: String,
    /// None follows the module's promoted version.
    pub version: Option<u32>,
    /// `sha256:` and 64 hexadecimal digits: the bytes that the module has to have.
    pub digest: Option<String>,
    /// A JSON text; `{}` when nothing was given.
    pub config: Arc<str>,
    pub for_ms: i64,
    pub keep_firing_for_ms: i64,
    /// Over the finding's labels; an empty value deletes the finding's.
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub source: Option<String>,
    /// None of them stands for [`DEFAULT_RECEIVER`].
    pub receivers: Vec<String>,
    /// Lower than the server's.
    pub limits: BTreeMap<Limit, u64>,
}

impl RuleSpec {
    /// The labels that the host puts on every alert of the rule.
    #[must_use]
    pub fn labels_within(&self, group: &GroupSpec) -> Labels {
        let mut labels: Labels = host_labels(&group.labels, &self.labels).collect();
        labels.set(ALERT_NAME, &self.name);
        labels
    }

    /// What a component is told beside what every rule knows: the templates in labels and annotations, which it
    /// may expand and give back with its findings, and what they may refer to.
    #[must_use]
    pub fn extras_within(&self, group: &GroupSpec, external: &External) -> Vec<(String, String)> {
        let labels = host_labels(&group.labels, &self.labels).map(|(name, text)| ("label", name, text));
        let annotations = self.annotations.iter();
        let annotations = annotations.map(|(name, text)| ("annotation", &**name, &**text));
        let templates = labels.chain(annotations).filter(|(_, _, text)| is_template(text));
        let of_server = external.labels.iter();
        let of_server = of_server.map(|(name, value)| ("external-label", &**name, &**value));
        let named = templates.chain(of_server);
        let mut extras: Vec<(String, String)> = named
            .map(|(kind, name, text)| (format!("{kind}:{name}"), text.to_owned()))
            .collect();
        extras.push(("external-url".to_owned(), external.url.clone()));
        extras
    }
}

/// The labels of a group under those of a rule, each name once.
pub(crate) fn host_labels<'a>(
    group: &'a BTreeMap<String, String>,
    rule: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_group = group.iter().filter(|(name, _)| !rule.contains_key(*name));
    of_group.chain(rule).map(|(name, value)| (&**name, &**value))
}

impl GroupSpec {
    /// The keys of the rules, in their order; no two are the same.
    ///
    /// The first rule of a name has it to itself, and each further one gets the
    /// next free one of `name#2`, `name#3`, …: a rule that is itself called
    /// `name#2` keeps that name.
    #[must_use]
    pub fn rule_keys(&self, group: &GroupKey) -> Vec<RuleKey> {
        let names: BTreeSet<&str> = self.rules.iter().map(|rule| &*rule.name).collect();
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        let mut key_of = |name| {
            let number = seen.entry(name).or_insert(0);
            *number += 1;
            if *number == 1 {
                return Arc::from(name);
            }
            loop {
                let numbered = format!("{name}#{number}");
                if !names.contains(&*numbered) {
                    return Arc::from(numbered);
                }
                *number += 1;
            }
        };
        let keys = self.rules.iter().map(|rule| RuleKey {
            group: group.clone(),
            rule: key_of(&rule.name),
        });
        keys.collect()
    }
}
