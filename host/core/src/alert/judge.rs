//! From what an evaluation has answered to what it changes: limits and missing data first, then the lifecycle.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::lifecycle::repeat;
use super::{AlertState, Alerts, Observation, Observed, Policy, Step, identify, step};
use crate::evaluation::Outcome;
use crate::fault::{Fault, FaultCode};
use crate::label::{Labels, METRIC_NAME};
use crate::recorded::equal_labels;
use crate::spec::{GroupSpec, NoData, OverLimit, RuleSpec};

/// What a successful evaluation comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    pub step: Step,
    /// What there was no room for under the group's limit, in the order of labels.
    pub dropped: Vec<Labels>,
}

/// What an evaluation has come to.
#[derive(Debug, Clone, Copy)]
pub struct Evaluated<'a> {
    pub outcome: &'a Outcome,
    /// Unless all of its queries have found nothing.
    pub has_data: bool,
    /// Since when alerts are active that appear now, where that is known from elsewhere.
    pub since: &'a Since,
}

/// Since when alerts are active, as series `ALERTS_FOR_STATE` say.
#[derive(Debug, Clone, Default)]
pub struct Since {
    /// Milliseconds since the epoch, by the labels of the series without its name.
    known: BTreeMap<Labels, i64>,
    /// Labels that series may have beside those of the alert, where that has none of the name.
    external: Labels,
}

impl Since {
    /// Of none; series may have these labels beside those of alerts.
    #[must_use]
    pub fn new(external: &BTreeMap<String, String>) -> Self {
        Self {
            known: BTreeMap::new(),
            external: external.iter().collect(),
        }
    }

    /// Adds a series and its value, seconds since the epoch. What is no time is left out.
    pub fn add<'l>(&mut self, labels: impl Iterator<Item = (&'l str, &'l str)>, seconds: f64) {
        let ms = seconds * 1_000.0;
        if ms > 0.0 && ms < i64::MAX as f64 {
            let labels = labels.filter(|(name, _)| *name != METRIC_NAME);
            self.known.insert(labels.collect(), ms as i64);
        }
    }

    fn of(&self, labels: &Labels) -> Option<i64> {
        if self.known.is_empty() {
            return None;
        }
        let outside = || self.external.iter().chain(labels.iter()).collect::<Labels>();
        let known = self.known.get(labels).or_else(|| self.known.get(&outside()));
        known.copied()
    }
}

/// Decides what an evaluation changes.
///
/// # Errors
/// [`FaultCode::DuplicateLabels`] when two findings, or two samples, have the same labels, [`FaultCode::GroupLimit`]
/// when there are more alerts or samples than the group allows and the rule does not drop them.
pub fn judge(
    alerts: &Alerts,
    evaluated: Evaluated<'_>,
    (group, rule): (&GroupSpec, &RuleSpec),
    now_ms: i64,
    policy: &Policy,
) -> Result<Judged, Fault> {
    let Evaluated {
        outcome,
        has_data,
        since,
    } = evaluated;
    let identify = |finding| {
        let observed = identify(
            finding,
            &rule.name,
            &group.labels,
            &rule.labels,
            &rule.annotations,
        );
        Observed {
            since_ms: since.of(&observed.labels),
            ..observed
        }
    };
    if !has_data && rule.options.no_data == NoData::Keep {
        let step = repeat(alerts, now_ms, policy);
        let dropped = Vec::new();
        return Ok(Judged { step, dropped });
    }
    let mut observed: Vec<Observed> = outcome.findings.iter().map(identify).collect();
    check(group.limit, outcome.samples.len() as u64, "series")?;
    if let Some(labels) = equal_labels(&outcome.samples, group, rule) {
        let message = format!(
            "vector contains metrics with the same labelset after applying rule labels: two series are {labels}; keep \
             a label that tells them apart, or aggregate them into one"
        );
        return Err(Fault::new(FaultCode::DuplicateLabels, message));
    }
    let mut dropped = Vec::new();
    if rule.options.over_limit == OverLimit::Keep && group.limit > 0 {
        (observed, dropped) = within(group.limit, observed, alerts);
    }
    let step = step(alerts, Observation::Findings(observed), now_ms, policy)?;
    if rule.options.over_limit == OverLimit::Fail {
        check(group.limit, step.active_of(alerts), "alerts")?;
    }
    Ok(Judged { step, dropped })
}

/// In the words of Prometheus.
fn check(limit: u64, has: u64, what: &str) -> Result<(), Fault> {
    if limit == 0 || has <= limit {
        return Ok(());
    }
    let message = format!("exceeded limit of {limit} with {has} {what}");
    Err(Fault::new(FaultCode::GroupLimit, message))
}

/// What has an alert already, and as many others as there is room for.
fn within(limit: u64, mut observed: Vec<Observed>, alerts: &Alerts) -> (Vec<Observed>, Vec<Labels>) {
    let is_active = |labels: &Labels| {
        alerts
            .get(labels)
            .is_some_and(|alert| alert.state != AlertState::Inactive)
    };
    let mut room = limit.saturating_sub(alerts.active() as u64);
    observed.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
    let (kept, dropped): (Vec<Observed>, Vec<Observed>) = observed.into_iter().partition(|finding| {
        if is_active(&finding.labels) {
            return true;
        }
        let has_room = room > 0;
        room = room.saturating_sub(1);
        has_room
    });
    (kept, dropped.into_iter().map(|finding| finding.labels).collect())
}
