//! The series that an evaluation leaves: the samples its rule records, and
//! `ALERTS` and `ALERTS_FOR_STATE` of its alerts, as Prometheus has them.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::alert::{Alert, AlertState, Alerts};
use crate::evaluation::RecordedSample;
use crate::label::{Labels, METRIC_NAME};
use crate::sample::stale_nan;
use crate::spec::{GroupSpec, RuleSpec};

/// 1 while an alert is pending or firing, with its state as a label.
pub const ALERTS: &str = "ALERTS";
const ALERT_STATE: &str = "alertstate";
/// Since when an alert is active, in seconds since the epoch.
pub const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// What an evaluation leaves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// What is to be written, all at one time: the series with their values, then
    /// a stale marker for each that the evaluation before has left and this one
    /// has not.
    pub samples: Vec<(Arc<Labels>, f64)>,
    /// The series, sorted, to be told at the next evaluation.
    pub series: Vec<Arc<Labels>>,
}

impl Recorded {
    /// What follows from the samples and the alerts of an evaluation; `before` are
    /// the series that the one before has left.
    #[must_use]
    pub fn new(
        before: &[Arc<Labels>],
        samples: &[RecordedSample],
        alerts: &Alerts,
        group: &GroupSpec,
        rule: &RuleSpec,
    ) -> Self {
        let of_rule = samples.iter().map(|sample| of_rule(sample, group, rule));
        let active = alerts.iter().filter(|alert| alert.state != AlertState::Inactive);
        let of_alerts = active.flat_map(|alert| [state_of(alert), since_of(alert)]);
        let mut samples: Vec<(Arc<Labels>, f64)> = of_rule
            .chain(of_alerts)
            .map(|(labels, value)| (Arc::new(labels), value))
            .collect();
        samples.sort_by(|a, b| a.0.cmp(&b.0));
        let series: Vec<Arc<Labels>> = samples.iter().map(|(labels, _)| labels.clone()).collect();
        let gone = before
            .iter()
            .filter(|labels| series.binary_search(labels).is_err());
        samples.extend(gone.map(|labels| (labels.clone(), stale_nan())));
        Self { samples, series }
    }
}

/// The labels that two of the samples have in common, once the host's are put on.
#[must_use]
pub fn equal_labels(samples: &[RecordedSample], group: &GroupSpec, rule: &RuleSpec) -> Option<Labels> {
    let mut all: Vec<Labels> = match samples.len() {
        0 | 1 => return None,
        _ => samples
            .iter()
            .map(|sample| of_rule(sample, group, rule).0)
            .collect(),
    };
    all.sort_unstable();
    let pair = all.windows(2).find(|pair| pair[0] == pair[1])?;
    pair.first().cloned()
}

/// The labels of group and rule go over those that the rule gave; the name is
/// the rule's own, whatever they say.
fn of_rule(sample: &RecordedSample, group: &GroupSpec, rule: &RuleSpec) -> (Labels, f64) {
    let of_host = group.labels.iter().chain(&rule.labels);
    let of_host = of_host.map(|(name, value)| (&**name, &**value));
    let name = sample.labels.get(METRIC_NAME).unwrap_or_default();
    let labels = sample.labels.iter().chain(of_host).chain([(METRIC_NAME, name)]);
    (labels.collect(), sample.value)
}

fn state_of(alert: &Alert) -> (Labels, f64) {
    let own = [(METRIC_NAME, ALERTS), (ALERT_STATE, alert.state.as_str())];
    (alert.labels.iter().chain(own).collect(), 1.0)
}

fn since_of(alert: &Alert) -> (Labels, f64) {
    let own = [(METRIC_NAME, ALERTS_FOR_STATE)];
    let since_seconds = alert.active_at_ms.div_euclid(1_000) as f64;
    (alert.labels.iter().chain(own).collect(), since_seconds)
}
