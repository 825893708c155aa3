use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmalert_core::alert::Policy;
use wasmalert_core::spec::RuleSpec;
use wasmalert_core::{GroupKey, RuleKey, TenantId};

use super::*;
use crate::live::RuleNow;

fn rule(receivers: &[&str]) -> LiveRule {
    let group = GroupKey {
        tenant: TenantId::new("default").unwrap(),
        namespace: "ns".into(),
        group: "g".into(),
    };
    let spec = RuleSpec {
        name: "Down".into(),
        module: "prometheus".into(),
        config: r#"{"expr":"up == 0 and x{a=\"b\"}"}"#.into(),
        receivers: receivers.iter().map(|name| (*name).to_owned()).collect(),
        ..RuleSpec::default()
    };
    let key = RuleKey {
        group,
        rule: "Down".into(),
    };
    LiveRule::new(key, spec.into(), Policy::default(), RuleNow::default())
}

fn notification(at: usize, reason: NotifyReason) -> Notification {
    let state = if reason == NotifyReason::Resolved {
        AlertState::Inactive
    } else {
        AlertState::Firing
    };
    let alert = Alert {
        labels: Arc::new(Labels::from_iter([("instance", format!("host-{at}"))])),
        annotations: Arc::default(),
        value: f64::NAN,
        state,
        active_at_ms: 1_000,
        fired_at_ms: Some(2_000),
        resolved_at_ms: None,
        last_sent_at_ms: Some(3_000),
        keep_firing_since_ms: None,
        seen: 1,
    };
    Notification {
        alert,
        reason,
        ends_at_ms: 243_000,
    }
}

fn enqueue(receivers: &[&str], notify: &[Notification]) -> (Vec<NewOutboxRow>, Vec<NotifyRecord>) {
    let (rule, catalog, ids) = (rule(receivers), TenantCatalog::default(), AtomicUsize::new(0));
    let notify: Vec<&Notification> = notify.iter().collect();
    let external = External {
        url: "http://here".to_owned(),
        labels: [("cluster", "eu"), ("instance", "not this")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    let told = Told {
        rule: &rule,
        catalog: &catalog,
        notify: &notify,
        slot_ms: 3_000,
        now_ms: 3_050,
        external: &external,
    };
    told.enqueue(|| format!("{:04}", ids.fetch_add(1, Ordering::Relaxed)))
}

#[test]
fn each_receiver_and_kind_gets_rows_of_at_most_256_alerts() {
    let mut notify: Vec<Notification> = (0..300).map(|at| notification(at, NotifyReason::Fired)).collect();
    notify.push(notification(300, NotifyReason::Resolved));
    let (rows, records) = enqueue(&["a", "b"], &notify);
    let shape: Vec<(&str, OutboxKind, usize)> = rows
        .iter()
        .map(|row| (row.receiver.as_str(), row.kind, alerts_in(&row.payload)))
        .collect();
    use OutboxKind::{Fired, Resolved};
    assert_eq!(
        shape,
        [
            ("a", Fired, 256),
            ("a", Fired, 44),
            ("b", Fired, 256),
            ("b", Fired, 44),
            ("a", Resolved, 1),
            ("b", Resolved, 1)
        ]
    );
    assert!(rows.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert_eq!(
        records.iter().map(|record| record.alerts).collect::<Vec<_>>(),
        [300, 300, 1, 1]
    );
}

#[test]
fn nothing_to_tell_and_nobody_to_tell_make_no_rows() {
    assert!(enqueue(&["a"], &[]).0.is_empty());
    assert!(enqueue(&[], &[notification(1, NotifyReason::Fired)]).0.is_empty());
}

#[test]
fn a_payload_becomes_the_alerts_a_notifier_gets() {
    let (rows, _) = enqueue(&["a"], &[notification(7, NotifyReason::Fired)]);
    let payload: Payload = serde_json::from_str(&rows[0].payload).unwrap();
    let alert = payload.alerts(3_100, &Relabel::default()).remove(0);
    assert_eq!(alert.status, AlertStatus::Firing);
    assert_eq!((alert.starts_at_ms, alert.ends_at_ms), (2_000, 243_000));
    assert!(alert.value.is_nan());
    assert_eq!(alert.fingerprint, format!("{:016x}", alert.labels.fingerprint()));
    assert_eq!(
        alert.generator_url,
        "http://here/graph?g0.expr=up+%3D%3D+0+and+x%7Ba%3D%22b%22%7D&g0.tab=1"
    );
}

#[test]
fn an_alert_that_still_fires_is_told_as_firing_however_late() {
    let (rows, _) = enqueue(&["a"], &[notification(7, NotifyReason::Fired)]);
    let payload: Payload = serde_json::from_str(&rows[0].payload).unwrap();
    let hour_later_ms = 3_600_000;
    assert!(payload.alerts(hour_later_ms, &Relabel::default())[0].ends_at_ms > hour_later_ms);

    let (rows, _) = enqueue(&["a"], &[notification(7, NotifyReason::Resolved)]);
    let payload: Payload = serde_json::from_str(&rows[0].payload).unwrap();
    assert_eq!(
        payload.alerts(hour_later_ms, &Relabel::default())[0].ends_at_ms,
        243_000
    );
}

#[test]
fn a_damaged_payload_counts_no_alerts() {
    assert_eq!(alerts_in("{\"at_ms\": 1"), 0);
}

#[test]
fn alerts_are_relabelled_before_the_notifier_gets_them() {
    let notify: Vec<Notification> = (0..3).map(|at| notification(at, NotifyReason::Fired)).collect();
    let (rows, _) = enqueue(&["a"], &notify);
    let payload: Payload = serde_json::from_str(&rows[0].payload).unwrap();
    let of = |rules: serde_json::Value| {
        let rules: Vec<wasmalert_ingest::relabel::Rule> = serde_json::from_value(rules).unwrap();
        payload.alerts(3_100, &Relabel::new(&rules).unwrap())
    };
    let all = of(serde_json::json!([]));
    let instance = all[1].labels.get("instance").unwrap_or_default().to_owned();
    let one = of(serde_json::json!([
        {"keep_series": {"label": "instance", "regex": instance}},
        {"label_drop": "cluster"},
        {"label_rename": {"from": "instance", "to": "host"}},
    ]));
    assert_eq!((all.len(), one.len()), (3, 1));
    let names: Vec<&str> = one[0].labels.iter().map(|(name, _)| name).collect();
    assert!(
        names.contains(&"host") && !names.contains(&"instance") && !names.contains(&"cluster"),
        "{names:?}"
    );
    assert_ne!(
        one[0].fingerprint, all[1].fingerprint,
        "it is of the labels that are told"
    );
    assert!(of(serde_json::json!([{"drop_series": {"label": "alertname", "regex": ".*"}}])).is_empty());
}
