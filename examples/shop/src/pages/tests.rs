use super::{Alert, Webhook};

fn alert(status: &str, summary: &str) -> Alert {
    let payload = serde_json::json!({
        "version": "4",
        "alerts": [{
            "status": status,
            "labels": {"alertname": "ManyErrors", "severity": "page", "job": "shop", "env": "demo"},
            "annotations": {"summary": summary, "runbook": "none"},
            "startsAt": "2026-01-02T03:04:05.600Z",
            "endsAt": "2026-01-02T03:05:00.000Z",
            "fingerprint": "0011223344556677",
        }],
    });
    let mut webhook: Webhook = serde_json::from_value(payload).unwrap();
    webhook.alerts.remove(0)
}

#[test]
fn an_alert_is_a_line() {
    assert_eq!(
        alert("firing", "Requests fail").to_string(),
        "page     firing   ManyErrors       since 03:04:05        Requests fail  env=demo  job=shop"
    );
    assert_eq!(
        alert("resolved", "Requests fail").to_string(),
        "page     resolved ManyErrors       03:04:05 to 03:05:00  Requests fail  env=demo  job=shop"
    );
}

#[test]
fn no_alert_commands_the_terminal_or_makes_a_second_line() {
    let line = alert("firing", "a\u{1b}[2Jb\nc").to_string();
    assert!(line.contains("a\u{fffd}[2Jb\u{fffd}c"), "{line}");
    assert!(!line.contains(char::is_control), "{line:?}");
}
