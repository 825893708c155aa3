//! What waits in the outbox: the alerts of one rule for one receiver.

use serde::{Deserialize, Serialize};
use wasmalert_core::alert::{Alert, AlertState, Notification, NotifyReason};
use wasmalert_core::delivery::ends_at_on_delivery;
use wasmalert_core::label::Labels;
use wasmalert_core::spec::External;
use wasmalert_ingest::relabel::Relabel;
use wasmalert_sandbox::{AlertStatus, NotifyAlert};

use crate::catalog::TenantCatalog;
use crate::live::LiveRule;
use crate::record::{LabelMap, NotifyRecord, label_map, number};
use crate::store::{NewOutboxRow, OutboxKind};

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
    /// The labels of the server are there too, where the alert has none of that name.
    fn new(alert: &Alert, ends_at_ms: i64, external: &External) -> Self {
        let of_server = external.labels.iter();
        let of_server = of_server.map(|(name, value)| (name.as_str(), value.as_str()));
        Self {
            firing: alert.state == AlertState::Firing,
            labels: label_map(of_server.chain(alert.labels.iter())),
            annotations: alert
                .annotations
                .iter()
                .map(|(n, t)| (n.to_owned(), t.to_owned()))
                .collect(),
            value: number(alert.value),
            starts_at_ms: alert.fired_at_ms.unwrap_or(alert.active_at_ms),
            ends_at_ms,
        }
    }
}

impl Payload {
    /// The labels that its alerts may have in their rule: as they were told, and without those of the server.
    pub(super) fn labels_of_alerts(&self, external: &External) -> impl Iterator<Item = Labels> {
        self.alerts.iter().flat_map(|alert| {
            let is_own = |(name, value): &(&String, &String)| external.labels.get(*name) != Some(*value);
            let own: Labels = alert.labels.iter().filter(is_own).collect();
            [alert.labels.iter().collect(), own]
        })
    }

    /// The alerts as a notifier gets them at the time of delivery, without those that are dropped.
    pub(super) fn alerts(&self, now_ms: i64, relabel: &Relabel) -> Vec<NotifyAlert> {
        let alert = |alert: &PayloadAlert| {
            let labels = relabel.apply(alert.labels.iter().collect())?;
            Some(NotifyAlert {
                status: if alert.firing {
                    AlertStatus::Firing
                } else {
                    AlertStatus::Resolved
                },
                fingerprint: format!("{:016x}", labels.fingerprint()),
                labels,
                annotations: alert.annotations.clone(),
                value: alert.value.parse().unwrap_or(f64::NAN),
                starts_at_ms: alert.starts_at_ms,
                ends_at_ms: ends_at_on_delivery(self.at_ms, alert.ends_at_ms, now_ms, alert.firing),
                generator_url: self.generator_url.clone(),
            })
        };
        self.alerts.iter().filter_map(alert).collect()
    }
}

/// What a rule's evaluation has to tell, and whom.
pub(crate) struct Told<'a> {
    pub rule: &'a LiveRule,
    pub catalog: &'a TenantCatalog,
    pub notify: &'a [&'a Notification],
    /// The time of the evaluation.
    pub slot_ms: i64,
    pub now_ms: i64,
    pub external: &'a External,
}

impl Told<'_> {
    /// The rows for the outbox: one for each receiver, kind and
    /// [`BATCH_ALERTS_MAX`] alerts. What is sent again goes only to receivers
    /// whose notifier asks for it.
    pub(crate) fn enqueue(&self, next_id: impl Fn() -> String) -> (Vec<NewOutboxRow>, Vec<NotifyRecord>) {
        let (mut rows, mut records) = (Vec::new(), Vec::new());
        for (reason, kind) in KINDS {
            let of_reason = self.notify.iter().filter(|told| told.reason == reason);
            let told: Vec<&Notification> = of_reason.copied().collect();
            if told.is_empty() {
                continue;
            }
            let payloads = self.payloads(&told);
            let receivers = self.catalog.receivers_of(&self.rule.spec);
            for receiver in receivers.filter(|receiver| self.goes_to(receiver, reason)) {
                let alerts = told.len() as u64;
                records.push(NotifyRecord {
                    receiver: receiver.to_owned(),
                    kind: kind.as_str().into(),
                    alerts,
                });
                rows.extend(payloads.iter().map(|payload| {
                    let id = next_id();
                    NewOutboxRow {
                        idempotency_key: id.clone(),
                        id,
                        receiver: receiver.to_owned(),
                        kind,
                        payload: payload.clone(),
                        created_ms: self.now_ms,
                        next_attempt_ms: self.now_ms,
                    }
                }));
            }
        }
        (rows, records)
    }

    fn goes_to(&self, receiver: &str, reason: NotifyReason) -> bool {
        let notifier = self
            .catalog
            .receivers
            .get(receiver)
            .and_then(|spec| self.catalog.notifier(spec).ok());
        reason != NotifyReason::Resend || notifier.is_none_or(|notifier| notifier.wants_resend())
    }

    fn payloads(&self, told: &[&Notification]) -> Vec<String> {
        let generator_url = generator_url(&self.external.url, self.rule.expr());
        let batches = told.chunks(BATCH_ALERTS_MAX);
        batches
            .map(|batch| payload(self.slot_ms, (&generator_url, self.external), batch))
            .collect()
    }
}

/// The payload of one notification.
pub(crate) fn payload(
    at_ms: i64,
    (generator_url, external): (&str, &External),
    told: &[&Notification],
) -> String {
    let alerts = told
        .iter()
        .map(|told| PayloadAlert::new(&told.alert, told.ends_at_ms, external));
    let payload = Payload {
        at_ms,
        generator_url: generator_url.to_owned(),
        alerts: alerts.collect(),
    };
    // Maps with text keys and numbers: nothing that JSON cannot hold.
    serde_json::to_string(&payload).unwrap_or_default()
}

/// Each reason to tell, and its name in the outbox.
const KINDS: [(NotifyReason, OutboxKind); 3] = [
    (NotifyReason::Fired, OutboxKind::Fired),
    (NotifyReason::Resolved, OutboxKind::Resolved),
    (NotifyReason::Resend, OutboxKind::Resend),
];

/// Number of alerts in the payload of an outbox row; 0 when it is damaged.
#[must_use]
pub(crate) fn alerts_in(payload: &str) -> usize {
    serde_json::from_str::<Payload>(payload).map_or(0, |payload| payload.alerts.len())
}

/// A link to the rule's expression, as Prometheus makes it; empty where the rule
/// has none.
fn generator_url(external_url: &str, expr: Option<&str>) -> String {
    let Some(expr) = expr else {
        return String::new();
    };
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
