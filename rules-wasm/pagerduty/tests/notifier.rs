//! The events.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use pagerduty::PagerDuty;
use serde_json::{Value, json};
use wasmalert::testing::{FakeHost, START_MS, alert, response};
use wasmalert::{Alert, Notifier, Request};

const CONFIG: &str = r#"{"routing_key": "{{secret:pd}}"}"#;

fn requests(config: &str, alerts: &[Alert]) -> Vec<Request> {
    FakeHost::new()
        .config(config)
        .notify::<PagerDuty>(alerts)
        .unwrap()
}

fn events(config: &str, alerts: &[Alert]) -> Vec<Value> {
    requests(config, alerts).iter().map(event).collect()
}

fn event(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn payload(config: &str, alert: Alert) -> Value {
    events(config, &[alert])[0]["payload"].clone()
}

#[test]
fn an_alert_triggers_and_resolves() {
    let mut down = alert(r#"{alertname="Down", instance="a:9100", job="node", severity="page"}"#)
        .annotated("summary", "a is \"down\"")
        .annotated("runbook", "r");
    down.generator_url = "http://w/graph?g0.expr=up".to_owned();
    let up = down.clone().resolved(START_MS + 1);
    let dedup_key = format!("default:test:test:Test:5d9d63067d360bda-{}", down.fingerprint);
    let trigger = json!({
        "routing_key": "{{secret:pd}}",
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "payload": {
            "summary": "a is \"down\"",
            "source": "a:9100",
            "severity": "critical",
            "timestamp": "2027-01-15T08:00:00.000Z",
            "component": "node",
            "group": "test/test",
            "class": "Down",
            "custom_details": {
                "alertname": "Down",
                "instance": "a:9100",
                "job": "node",
                "severity": "page",
                "summary": "a is \"down\"",
                "runbook": "r"
            }
        },
        "client": "wasmalert",
        "client_url": "http://wasmalert.example",
        "links": [{"href": "http://w/graph?g0.expr=up", "text": "Rule"}]
    });
    let resolve = json!({
        "routing_key": "{{secret:pd}}",
        "event_action": "resolve",
        "dedup_key": dedup_key
    });
    assert_eq!(events(CONFIG, &[down, up]), [trigger, resolve]);
}

#[test]
fn where_it_goes() {
    let request = &requests(CONFIG, &[alert("{}")])[0];
    assert_eq!(
        (&*request.method, &*request.url),
        ("POST", "https://events.pagerduty.com/v2/enqueue")
    );
    assert!(
        request
            .body
            .starts_with(br#"{"routing_key":"{{secret:pd}}","event_action":"trigger","#)
    );
    let config = r#"{"routing_key": "0123456789abcdef0123456789ABCDEF", "url": "https://events.eu.pagerduty.com/v2/enqueue"}"#;
    let request = &requests(config, &[alert("{}")])[0];
    assert_eq!(request.url, "https://events.eu.pagerduty.com/v2/enqueue");
    assert!(
        request
            .body
            .starts_with(br#"{"routing_key":"0123456789abcdef0123456789ABCDEF","#)
    );
}

#[test]
fn an_alert_without_labels_has_all_that_is_required() {
    let payload = payload(CONFIG, alert("{}"));
    assert_eq!(payload["summary"], "Test");
    assert_eq!(payload["source"], "test/test");
    assert_eq!(payload["severity"], "error");
    assert_eq!(payload["class"], "Test");
    assert_eq!(payload.get("component"), None);
    let event = &events(CONFIG, &[alert("{}")])[0];
    assert_eq!(event.get("links"), None);
}

#[test]
fn severities() {
    let config = r#"{"routing_key": "{{secret:pd}}", "severities": {"ticket": "info", "page": "warning"},
        "default_severity": "critical"}"#;
    let of = |config, word| payload(config, alert(&format!(r#"{{severity="{word}"}}"#)))["severity"].clone();
    for (word, usual, told) in [
        ("critical", "critical", "critical"),
        ("page", "critical", "warning"),
        ("High", "error", "error"),
        ("warn", "warning", "warning"),
        ("none", "info", "info"),
        ("ticket", "error", "info"),
        ("", "error", "critical"),
    ] {
        assert_eq!(
            (of(CONFIG, word), of(config, word)),
            (json!(usual), json!(told)),
            "{word}"
        );
    }
}

#[test]
fn source_and_component_are_labels_of_choice() {
    let config = r#"{"routing_key": "{{secret:pd}}", "source_label": "host", "component_label": "service"}"#;
    let payload = payload(config, alert(r#"{host="h", service="s", instance="i", job="j"}"#));
    assert_eq!(
        (&payload["source"], &payload["component"]),
        (&json!("h"), &json!("s"))
    );
}

#[test]
fn texts_are_cut_to_pagerdutys_limits() {
    let huge = "𝄞".repeat(20_000);
    let long = alert(&format!(r#"{{alertname="{huge}", instance="{huge}"}}"#)).annotated("summary", &huge);
    let payload = payload(CONFIG, long);
    let units = |field: &str| payload[field].as_str().unwrap().encode_utf16().count();
    // A pair of units does not fit in the last one, which the mark of the cut leaves.
    assert_eq!(
        (units("summary"), units("source"), units("class")),
        (1_023, 255, 255)
    );
    assert!(payload["summary"].as_str().unwrap().ends_with("𝄞…"));
    let details = payload["custom_details"].as_object().unwrap();
    let units = |text: &str| text.encode_utf16().count();
    let all = details
        .iter()
        .map(|(name, value)| units(name) + units(value.as_str().unwrap()));
    assert!((7_900..=8_000).contains(&all.sum::<usize>()));
}

#[test]
fn every_alert_has_its_own_event() {
    let alerts: Vec<_> = (0..256).map(|i| alert(&format!(r#"{{i="{i}"}}"#))).collect();
    let requests = requests(CONFIG, &alerts);
    let keys: BTreeSet<_> = requests
        .iter()
        .map(|request| event(request)["dedup_key"].to_string())
        .collect();
    assert_eq!((requests.len(), keys.len()), (256, 256));
}

/// 512 KB, and 256 of them in what a notifier may hand to its host.
#[test]
fn an_event_is_small_however_hostile_its_alert() {
    let huge = "\"\\ä".repeat(20_000);
    let long = alert("{}").annotated("summary", &huge).annotated("d", &huge);
    assert!(requests(CONFIG, &[long])[0].body.len() < 32_000);
}

#[test]
fn hostile_labels_stay_text() {
    let down = alert("{alertname=\"a\nb\u{0}\", instance=\"{{secret:pd}}\"}");
    let request = &requests(CONFIG, &[down])[0];
    let body = str::from_utf8(&request.body).unwrap();
    assert_eq!(body.matches("{{secret:").count(), 1, "{body}");
    let event: Value = serde_json::from_str(body).unwrap();
    assert_eq!(event["payload"]["source"], "{{secret:pd}}");
    assert!(
        !event["payload"]["class"]
            .as_str()
            .unwrap()
            .contains(char::is_control)
    );
}

#[test]
fn answers() {
    let mut host = FakeHost::new().config(CONFIG);
    let mut of = |status, headers: &[(&str, &str)], body| {
        let answer = host.interpret::<PagerDuty>(&response(status, headers, body));
        (answer.kind, answer.retry_after_ms, answer.reason)
    };
    let told = |kind: &str, after_ms, reason: &str| (kind.to_owned(), after_ms, reason.to_owned());
    assert_eq!(
        of(202, &[], r#"{"status": "success"}"#),
        told("delivered", None, "")
    );
    let invalid = r#"{"status": "invalid event", "errors": ["'payload.summary' is missing"]}"#;
    assert_eq!(
        of(400, &[], invalid),
        told("failed", None, &format!("status 400: {invalid}"))
    );
    assert_eq!(of(429, &[], ""), told("retry", None, "status 429: "));
    assert_eq!(
        of(429, &[("Retry-After", "60")], ""),
        told("retry", Some(60_000), "status 429: ")
    );
    assert_eq!(of(503, &[], "later"), told("retry", None, "status 503: later"));
}

#[test]
fn a_bad_configuration_is_refused() {
    let key = r#""routing_key": "{{secret:pd}}""#;
    for (config, says) in [
        ("{}".to_owned(), "missing field `routing_key`"),
        (
            r#"{"routing_key": ""}"#.to_owned(),
            "routing_key: neither {{secret:NAME}} nor 32 letters",
        ),
        (
            r#"{"routing_key": "{{secret:a}}\",\"x\":\""}"#.to_owned(),
            "routing_key: neither",
        ),
        (
            format!(r#"{{{key}, "url": "events.pagerduty.com"}}"#),
            "url: \"events.pagerduty.com\"",
        ),
        (
            format!(r#"{{{key}, "default_severity": "page"}}"#),
            "unknown variant `page`",
        ),
        (
            format!(r#"{{{key}, "severities": {{"a": "P1"}}}}"#),
            "unknown variant `P1`",
        ),
        (
            format!(r#"{{{key}, "serverity": {{}}}}"#),
            "unknown field `serverity`",
        ),
    ] {
        let failure = FakeHost::new()
            .config(&config)
            .notify::<PagerDuty>(&[alert("{}")])
            .unwrap_err();
        assert_eq!(failure.code, "bad_config", "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    }
}

#[test]
fn the_schema_is_json() {
    let schema: Value = serde_json::from_str(&PagerDuty::describe().config_schema).unwrap();
    assert_eq!(schema["required"], json!(["routing_key"]));
}
