//! The samples that an evaluation leaves: those its rule records, and the series
//! `ALERTS` and `ALERTS_FOR_STATE` of its alerts, as Prometheus has them.

use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::alert::{Alert, AlertState, Alerts};
use wasmalert_core::evaluation::RecordedSample;
use wasmalert_core::label::METRIC_NAME;
use wasmalert_core::spec::{GroupSpec, RuleSpec};
use wasmalert_promql::stale_nan;
use wasmalert_tsdb::{Db, Entry, Sample};

/// 1 while an alert is pending or firing, with its state as a label.
const ALERTS: &str = "ALERTS";
const ALERT_STATE: &str = "alertstate";
/// Since when an alert is active, in seconds since the epoch.
const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// The series that an evaluation leaves, with their values.
pub(crate) fn series_after(
    recorded: &[RecordedSample],
    alerts: &Alerts,
    group: &GroupSpec,
    rule: &RuleSpec,
) -> Vec<(Arc<Labels>, f64)> {
    let of_host = group.labels.iter().chain(&rule.labels);
    let of_host = of_host.map(|(name, value)| (&**name, &**value));
    let recorded = recorded.iter().map(|sample| {
        // The name is the rule's own, whatever labels say.
        let labels = sample.labels.iter().chain(of_host.clone());
        let name = [(METRIC_NAME, sample.labels.get(METRIC_NAME).unwrap_or_default())];
        (labels.chain(name).collect(), sample.value)
    });
    let active = alerts.iter().filter(|alert| alert.state != AlertState::Inactive);
    let of_alerts = active.flat_map(|alert| [state_series(alert), since_series(alert)]);
    recorded
        .chain(of_alerts)
        .map(|(labels, value): (Labels, f64)| (Arc::new(labels), value))
        .collect()
}

fn state_series(alert: &Alert) -> (Labels, f64) {
    let own = [(METRIC_NAME, ALERTS), (ALERT_STATE, alert.state.as_str())];
    (alert.labels.iter().chain(own).collect(), 1.0)
}

fn since_series(alert: &Alert) -> (Labels, f64) {
    let own = [(METRIC_NAME, ALERTS_FOR_STATE)];
    let since_seconds = alert.active_at_ms.div_euclid(1_000) as f64;
    (alert.labels.iter().chain(own).collect(), since_seconds)
}

/// Puts an evaluation's series in the place of the last one's: what was there and
/// is not any more gets a stale marker. Gives the series to be told next time, and
/// what the store refused, as a text.
pub(crate) fn append(
    db: &Db,
    before: &[Arc<Labels>],
    series: Vec<(Arc<Labels>, f64)>,
    at_ms: i64,
    now_ms: i64,
) -> (Vec<Arc<Labels>>, Option<String>) {
    let mut series = series;
    series.sort_by(|a, b| a.0.cmp(&b.0));
    let is_gone = |labels: &&Arc<Labels>| series.binary_search_by(|known| known.0.cmp(labels)).is_err();
    let gone = before.iter().filter(is_gone).map(|labels| (labels, stale_nan()));
    let present = series.iter().map(|(labels, value)| (labels, *value));
    let samples: Vec<(&Arc<Labels>, [Sample; 1])> = present
        .chain(gone)
        .map(|(labels, value)| {
            let timestamp_ms = at_ms;
            (labels, [Sample { timestamp_ms, value }])
        })
        .collect();
    let entries: Vec<Entry<'_>> = samples
        .iter()
        .map(|(labels, samples)| Entry { labels, samples })
        .collect();
    let appended = db.append(&entries, now_ms);
    let refused: Vec<String> = appended.refused.iter().map(ToString::to_string).collect();
    let refused = (!refused.is_empty()).then(|| refused.join("; "));
    (series.into_iter().map(|(labels, _)| labels).collect(), refused)
}
