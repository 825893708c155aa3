//! From what an evaluation has answered to what it changes: limits and missing data first, then the lifecycle.

#[cfg(test)]
mod tests;

use super::lifecycle::repeat;
use super::{AlertState, Alerts, Observation, Observed, Policy, Step, identify, step};
use crate::evaluation::Outcome;
use crate::fault::{Fault, FaultCode};
use crate::label::Labels;
use crate::spec::{GroupSpec, NoData, OverLimit, RuleSpec};

/// What a successful evaluation comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    pub step: Step,
    /// What there was no room for under the group's limit, in the order of labels.
    pub dropped: Vec<Labels>,
}

/// Decides what an evaluation changes; `has_data` unless all of its queries have found nothing.
///
/// # Errors
/// [`FaultCode::DuplicateLabels`] when two findings have the same labels, [`FaultCode::GroupLimit`] when there are
/// more alerts or samples than the group allows and the rule does not drop them.
pub fn judge(
    alerts: &Alerts,
    (outcome, has_data): (&Outcome, bool),
    (group, rule): (&GroupSpec, &RuleSpec),
    now_ms: i64,
    policy: &Policy,
) -> Result<Judged, Fault> {
    let identify = |finding| {
        identify(
            finding,
            &rule.name,
            &group.labels,
            &rule.labels,
            &rule.annotations,
        )
    };
    if !has_data && rule.options.no_data == NoData::Keep {
        let step = repeat(alerts, now_ms, policy);
        let dropped = Vec::new();
        return Ok(Judged { step, dropped });
    }
    let mut observed: Vec<Observed> = outcome.findings.iter().map(identify).collect();
    check(group.limit, outcome.samples.len() as u64, "series")?;
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
    let active = alerts.len() - alerts.count(AlertState::Inactive);
    let mut room = limit.saturating_sub(active as u64);
    observed.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
    let (kept, dropped): (Vec<Observed>, Vec<Observed>) = observed.into_iter().partition(|finding| {
        let has_room = is_active(&finding.labels) || room > 0;
        if has_room && !is_active(&finding.labels) {
            room -= 1;
        }
        has_room
    });
    (kept, dropped.into_iter().map(|finding| finding.labels).collect())
}
