//! The payload.

use serde_json::{Value, json};
use wasmalert::Label;
use wasmalert::testing::{FakeHost, START_MS, alert};
use webhook::Webhook;

const CONFIG: &str =
    r#"{"url": "https://hook.example/x", "headers": {"Authorization": "Bearer {{secret:hook}}"}}"#;

#[test]
fn the_payload_is_alertmanagers() {
    let down = alert(r#"{alertname="Down", host="a", team="core"}"#)
        .annotated("runbook", "r")
        .annotated("s", "1");
    let up = alert(r#"{alertname="Down", host="b", team="core"}"#)
        .annotated("runbook", "r")
        .resolved(START_MS + 1);
    let fingerprints = [down.fingerprint.clone(), up.fingerprint.clone()];
    let requests = FakeHost::new()
        .config(CONFIG)
        .notify::<Webhook>(&[down, up])
        .unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (&*requests[0].method, &*requests[0].url),
        ("POST", "https://hook.example/x")
    );
    assert_eq!(requests[0].headers[1], Label::new("Idempotency-Key", "key-1"));
    assert_eq!(
        requests[0].headers[2],
        Label::new("Authorization", "Bearer {{secret:hook}}")
    );
    let wanted = json!({
        "version": "4",
        "groupKey": "test/test/Test:{alertname=\"Down\"}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "test",
        "groupLabels": {"alertname": "Down"},
        "commonLabels": {"alertname": "Down", "team": "core"},
        "commonAnnotations": {"runbook": "r"},
        "externalURL": "http://wasmalert.example",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "Down", "host": "a", "team": "core"},
                "annotations": {"runbook": "r", "s": "1"},
                "startsAt": "2027-01-15T08:00:00.000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": fingerprints[0]
            },
            {
                "status": "resolved",
                "labels": {"alertname": "Down", "host": "b", "team": "core"},
                "annotations": {"runbook": "r"},
                "startsAt": "2027-01-15T08:00:00.000Z",
                "endsAt": "2027-01-15T08:00:00.001Z",
                "generatorURL": "",
                "fingerprint": fingerprints[1]
            }
        ]
    });
    assert_eq!(
        serde_json::from_slice::<Value>(&requests[0].body).unwrap(),
        wanted
    );
}

#[test]
fn a_batch_of_resolved_alerts_is_resolved() {
    let up = alert(r#"{alertname="Down"}"#).resolved(START_MS);
    let requests = FakeHost::new().config(CONFIG).notify::<Webhook>(&[up]).unwrap();
    let payload: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(payload["status"], "resolved");
}

#[test]
fn a_label_cannot_ask_for_a_secret() {
    let alerts = [alert(r#"{alertname="{{secret:hook}}"}"#)];
    let requests = FakeHost::new().config(CONFIG).notify::<Webhook>(&alerts).unwrap();
    let body = String::from_utf8(requests[0].body.clone()).unwrap();
    assert!(!body.contains("{{secret:"), "{body}");
}

#[test]
fn a_bad_configuration_is_refused() {
    let failure = FakeHost::new()
        .config(r#"{"url": ""}"#)
        .notify::<Webhook>(&[])
        .unwrap_err();
    assert_eq!(failure.code, "bad_config");
}
