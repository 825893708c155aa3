//! What waits in the outbox: the alerts of one rule for one receiver.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasmalert_core::alert::{Alert, AlertState, NotifyReason, Notification};
use wasmalert_core::delivery::ends_at_on_delivery;
use wasmalert_core::label::Labels;
use wasmalert_sandbox::{AlertStatus, NotifyAlert};

use crate::catalog::TenantCatalog;
use crate::live::LiveRule;
use crate::record::{LabelMap, NotifyRecord, label_map, number};
use crate::store::OutboxRow;

/// Alerts in one notification, as Prometheus sends them.
const BATCH_ALERTS_MAX: usize = 256;

/// The body of an outbox row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Payload {
    /// The time of the evaluation that caused it.
    pub(super) at_ms: i64,
    pub(super) generator_url: String,
    pub(super) alerts: Vec<PayloadAlert>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PayloadAlert {
    firing: bool,
    labels: LabelMap,
    annotations: Vec<(String, String)>,
    value: String,
    starts_at_ms: i64,
    ends_at_ms: i64,
}

impl PayloadAlert {
    fn new(alert: &Alert, ends_at_ms: i64) -> Self {
        Self {
            firing: alert.state == AlertState::Firing,
            labels: label_map(alert.labels.iter()),
            annotations: alert.annotations.iter().map(|(n, t)| (n.to_owned(), t.to_owned())).collect(),
            value: number(alert.value),
            starts_at_ms: alert.fired_at_ms.unwrap_or(alert.active_at_ms),
            ends_at_ms,
        }
    }
}

impl Payload {
    /// The alerts as a notifier gets them at the time of delivery.
    pub(super) fn alerts(&self, now_ms: i64) -> Vec<NotifyAlert> {
        let alert = |alert: &PayloadAlert| {
            let labels: Labels = alert.labels.iter().collect();
            NotifyAlert {
                status: if alert.firing { AlertStatus::Firing } else { AlertStatus::Resolved },
                fingerprint: format!("{:016x}", labels.fingerprint()),
                labels,
                annotations: alert.annotations.clone(),
                value: alert.value.parse().unwrap_or(f64::NAN),
                starts_at_ms: alert.starts_at_ms,
                ends_at_ms: ends_at_on_delivery(self.at_ms, alert.ends_at_ms, now_ms, alert.firing),
                generator_url: self.generator_url.clone(),
            }
        };
        self.alerts.iter().map(alert).collect()
    }
}

/// The outbox rows for what a rule's evaluation has to tell: one for each
/// receiver, kind and [`BATCH_ALERTS_MAX`] alerts. What is sent again goes only
/// to receivers whose notifier asks for it.
pub fn enqueue(
    rule: &LiveRule,
    catalog: &TenantCatalog,
    notify: &[Notification],
    at_ms: i64,
    external_url: &str,
    mut next_id: impl FnMut() -> String,
) -> (Vec<OutboxRow>, Vec<NotifyRecord>) {
    let mut by_reason: BTreeMap<&str, Vec<&Notification>> = BTreeMap::new();
    for notification in notify {
        by_reason.entry(notification.reason.as_str()).or_default().push(notification);
    }
    let generator_url = generator_url(external_url, &rule.spec.config);
    let (mut rows, mut records) = (Vec::new(), Vec::new());
    for receiver in &rule.spec.receivers {
        let notifier = catalog.receivers.get(receiver).and_then(|spec| catalog.notifier(spec));
        let wants_resend = notifier.is_none_or(|notifier| notifier.wants_resend());
        for (kind, notifications) in &by_reason {
            if *kind == NotifyReason::Resend.as_str() && !wants_resend {
                continue;
            }
            let alerts = notifications.len() as u64;
            records.push(NotifyRecord { receiver: receiver.clone(), kind: (*kind).to_owned(), alerts });
            for batch in notifications.chunks(BATCH_ALERTS_MAX) {
                let alerts = batch.iter().map(|told| PayloadAlert::new(&told.alert, told.ends_at_ms)).collect();
                let payload = Payload { at_ms, generator_url: generator_url.clone(), alerts };
                // Maps with text keys and numbers: nothing that JSON cannot hold.
                let payload = serde_json::to_string(&payload).unwrap_or_default();
                let id = next_id();
                rows.push(OutboxRow::new(id, receiver, kind, batch.len() as u32, payload, at_ms));
            }
        }
    }
    (rows, records)
}

/// A link to the rule's expression, as Prometheus makes it; empty where the rule
/// has none.
fn generator_url(external_url: &str, config: &str) -> String {
    #[derive(Deserialize)]
    struct WithExpr {
        expr: String,
    }
    let Ok(WithExpr { expr }) = serde_json::from_str(config) else { return String::new() };
    let mut escaped = String::with_capacity(expr.len() * 2);
    for byte in expr.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(byte as char),
            b' ' => escaped.push('+'),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{external_url}/graph?g0.expr={escaped}&g0.tab=1")
}

#[cfg(test)]
mod tests;
