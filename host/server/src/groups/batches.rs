//! Which rules of a group may be evaluated at the same time.
//!
//! A rule sees what those before it in the group have recorded in the same cycle, and of those after it what they
//! recorded in the one before. Rules that follow each other and of which none asks for what another leaves make up a
//! batch, whose order is nobody's matter; batches go one after the other.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use wasmalert_core::label::METRIC_NAME;
use wasmalert_core::recorded::{ALERTS, ALERTS_FOR_STATE};
use wasmalert_core::spec::{GroupSpec, RuleSpec, is_template};
use wasmalert_promql::{Limits, MatchOp, Query};

use super::MODULE_DEFAULT;

/// The batches of a group, in its order, as ranges of its rules.
#[must_use]
pub(crate) fn batches(group: &GroupSpec) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    // None is of a rule that nothing may go beside.
    let mut of_batch: Option<Touches> = None;
    for (at, rule) in group.rules.iter().enumerate() {
        let touches = Touches::of(group, rule);
        match (batches.last_mut(), &mut of_batch, touches) {
            (Some(batch), Some(of_batch), Some(touches)) if !of_batch.is_touched_by(&touches) => {
                batch.end = at + 1;
                of_batch.add(touches);
            }
            (_, _, touches) => {
                batches.push(at..at + 1);
                of_batch = touches;
            }
        }
    }
    batches
}

/// What rules ask for and what they leave.
#[derive(Default)]
struct Touches {
    /// Names of metrics.
    reads: BTreeSet<String>,
    /// Names of metrics, those of alerts' series included.
    writes: BTreeSet<String>,
    /// Names of metrics that are recorded, and of alerts: two rules of the same may leave the same series.
    records: BTreeSet<(bool, String)>,
}

/// The part of the configuration of `prometheus` that is of interest.
#[derive(Deserialize)]
struct Config {
    expr: String,
    record: Option<String>,
    resolve_when: Option<String>,
}

impl Touches {
    /// None where it cannot be known before, as of rules of other modules.
    fn of(group: &GroupSpec, rule: &RuleSpec) -> Option<Self> {
        if rule.module != MODULE_DEFAULT || asks_in_templates(group, rule) {
            return None;
        }
        let config: Config = serde_json::from_str(&rule.config).ok()?;
        let mut reads = names_in(&config.expr)?;
        if let Some(resolve_when) = &config.resolve_when {
            reads.extend(names_in(resolve_when)?);
        }
        let is_record = config.record.is_some();
        let writes = match &config.record {
            Some(name) => [name.clone()].into(),
            None => [ALERTS.to_owned(), ALERTS_FOR_STATE.to_owned()].into(),
        };
        let name = config.record.unwrap_or_else(|| rule.name.clone());
        Some(Self {
            reads,
            writes,
            records: [(is_record, name)].into(),
        })
    }

    fn is_touched_by(&self, rule: &Self) -> bool {
        !(self.writes.is_disjoint(&rule.reads)
            && self.reads.is_disjoint(&rule.writes)
            && self.records.is_disjoint(&rule.records))
    }

    fn add(&mut self, rule: Self) {
        self.reads.extend(rule.reads);
        self.writes.extend(rule.writes);
        self.records.extend(rule.records);
    }
}

/// Whether templates may call `query`. A word that only looks like it costs no more than time.
fn asks_in_templates(group: &GroupSpec, rule: &RuleSpec) -> bool {
    let texts = group.labels.values().chain(rule.labels.values());
    let texts = texts.chain(rule.annotations.values()).map(String::as_str);
    // Its configuration may have templates too.
    let mut texts = texts.chain([&*rule.config]);
    texts.any(|text| is_template(text) && text.contains("query"))
}

/// The metrics that an expression selects; none where it may be any.
fn names_in(expr: &str) -> Option<BTreeSet<String>> {
    let query = Query::parse(expr, &Limits::default()).ok()?;
    let selections = query.selections();
    let names = selections.iter().map(|selection| {
        let name = selection.matchers.iter().find(|matcher| {
            &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal && !matcher.value.is_empty()
        });
        name.map(|name| name.value.to_string())
    });
    names.collect()
}
