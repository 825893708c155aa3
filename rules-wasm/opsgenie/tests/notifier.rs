//! The requests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::slice;

use opsgenie::Opsgenie;
use serde_json::{Value, json};
use wasmalert::testing::{FakeHost, START_MS, alert, response};
use wasmalert::{Alert, Label, Notifier, Request};

const CONFIG: &str = r#"{"api_key": "{{secret:og}}"}"#;

fn requests(config: &str, alerts: &[Alert]) -> Vec<Request> {
    FakeHost::new().config(config).notify::<Opsgenie>(alerts).unwrap()
}

fn created(config: &str, alert: Alert) -> Value {
    serde_json::from_slice(&requests(config, &[alert])[0].body).unwrap()
}

#[test]
fn an_alert_is_created_and_closed() {
    let mut down = alert(r#"{alertname="Down", instance="a:9100", severity="page"}"#)
        .annotated("summary", "a > b")
        .annotated("description", "<b>more</b>");
    down.generator_url = "http://w/graph?g0.expr=up&b=1".to_owned();
    let up = down.clone().resolved(START_MS);
    let alias = format!("default:test:test:Test:5d9d63067d360bda-{}", down.fingerprint);
    let config = r#"{"api_key": "{{secret:og}}", "tags": ["t"],
        "responders": [{"type": "team", "name": "core"}, {"type": "user", "username": "a@b"}]}"#;
    let requests = requests(config, &[down, up]);
    let urls: Vec<_> = requests
        .iter()
        .map(|request| (&*request.method, &*request.url))
        .collect();
    let close = format!("https://api.opsgenie.com/v2/alerts/{alias}/close?identifierType=alias");
    assert_eq!(
        urls,
        [("POST", "https://api.opsgenie.com/v2/alerts"), ("POST", &*close)]
    );
    let headers = [
        Label::new("Content-Type", "application/json"),
        Label::new("Authorization", "GenieKey {{secret:og}}"),
    ];
    assert!(requests.iter().all(|request| request.headers == headers));
    let create = json!({
        "message": "a › b",
        "alias": alias,
        "description": "http://w/graph?g0.expr=up&b=1\n‹b›more‹/b›\n• instance: a:9100\n• severity: page",
        "responders": [{"type": "team", "name": "core"}, {"type": "user", "username": "a@b"}],
        "tags": ["t"],
        "details": {
            "alertname": "Down",
            "instance": "a:9100",
            "severity": "page",
            "summary": "a > b",
            "description": "<b>more</b>"
        },
        "entity": "a:9100",
        "source": "wasmalert",
        "priority": "P1"
    });
    let body = |at: usize| serde_json::from_slice::<Value>(&requests[at].body).unwrap();
    assert_eq!((body(0), body(1)), (create, json!({"source": "wasmalert"})));
}

#[test]
fn an_alert_without_labels_has_all_that_is_required() {
    let created = created(CONFIG, alert("{}"));
    assert_eq!(
        (&created["message"], &created["priority"]),
        (&json!("Test"), &json!("P3"))
    );
    for absent in ["description", "responders", "tags", "entity"] {
        assert_eq!(created.get(absent), None, "{absent}");
    }
}

#[test]
fn jira_service_management() {
    let config = r#"{"api_key": "a-1", "url": "https://api.atlassian.com/jsm/ops/integration/"}"#;
    let request = &requests(config, &[alert("{}")])[0];
    assert_eq!(
        request.url,
        "https://api.atlassian.com/jsm/ops/integration/v2/alerts"
    );
    assert_eq!(request.headers[1], Label::new("Authorization", "GenieKey a-1"));
}

#[test]
fn priorities() {
    let config = r#"{"api_key": "{{secret:og}}", "priorities": {"ticket": "P4", "page": "P2"}, "default_priority": "P5"}"#;
    let of = |config, word| created(config, alert(&format!(r#"{{severity="{word}"}}"#)))["priority"].clone();
    for (word, usual, told) in [
        ("critical", "P1", "P1"),
        ("page", "P1", "P2"),
        ("error", "P2", "P2"),
        ("Warning", "P3", "P3"),
        ("info", "P5", "P5"),
        ("ticket", "P3", "P4"),
        ("", "P3", "P5"),
    ] {
        assert_eq!(
            (of(CONFIG, word), of(config, word)),
            (json!(usual), json!(told)),
            "{word}"
        );
    }
}

#[test]
fn texts_are_cut_to_opsgenies_limits() {
    let huge = "ä".repeat(20_000);
    let long = alert(&format!(r#"{{alertname="{huge}", host="{huge}"}}"#)).annotated("description", &huge);
    let config = r#"{"api_key": "{{secret:og}}", "entity_label": "host"}"#;
    let created = created(config, long);
    let units = |text: &Value| text.as_str().unwrap().encode_utf16().count();
    assert_eq!(units(&created["message"]), 130);
    assert_eq!(units(&created["description"]), 15_000);
    assert_eq!(units(&created["entity"]), 512);
    assert!(created["message"].as_str().unwrap().ends_with("ä…"));
    let details = created["details"].as_object().unwrap();
    let all = details.iter().map(|(name, value)| name.len() + units(value));
    assert!(all.sum::<usize>() <= 8_000);
}

#[test]
fn every_alert_has_its_own_alias() {
    let alerts: Vec<_> = (0..256).map(|i| alert(&format!(r#"{{i="{i}"}}"#))).collect();
    let requests = requests(CONFIG, &alerts);
    let body = |request: &Request| serde_json::from_slice::<Value>(&request.body).unwrap();
    let aliases: BTreeSet<_> = requests
        .iter()
        .map(|request| body(request)["alias"].to_string())
        .collect();
    assert_eq!((requests.len(), aliases.len()), (256, 256));
}

#[test]
fn the_alerts_of_a_large_batch_share_the_room() {
    let huge = "x".repeat(3_000);
    let alerts: Vec<_> = (0..256)
        .map(|i| alert(&format!(r#"{{i="{i}"}}"#)).annotated("description", &huge))
        .collect();
    for request in requests(CONFIG, &alerts) {
        let created: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            created["description"].as_str().unwrap().encode_utf16().count(),
            500_000 / 256
        );
        assert!(created["details"].to_string().len() < 2_100);
    }
}

#[test]
fn hostile_labels_stay_text() {
    let down = alert("{alertname=\"<a href='http://evil'>\nx\u{0}\", a=\"{{secret:og}}\"}");
    let request = &requests(CONFIG, slice::from_ref(&down))[0];
    let body = str::from_utf8(&request.body).unwrap();
    assert!(!body.contains("{{secret:"), "{body}");
    let created = created(CONFIG, down.clone());
    assert_eq!(created["message"], "‹a href='http://evil'› x  a={{secret:og}}");

    let mut host = FakeHost::new().config(CONFIG);
    host.now_ms += 1;
    let close = &host.notify::<Opsgenie>(&[down.resolved(START_MS)]).unwrap()[0];
    let alias = created["alias"].as_str().unwrap();
    assert!(
        close.url.contains(&format!("/v2/alerts/{alias}/close?")),
        "{}",
        close.url
    );
}

#[test]
fn answers() {
    let mut host = FakeHost::new().config(CONFIG);
    let mut of = |status, body: &str| {
        let answer = host.interpret::<Opsgenie>(&response(status, &[], body));
        (answer.kind, answer.reason)
    };
    let told = |kind: &str, reason: &str| (kind.to_owned(), reason.to_owned());
    assert_eq!(
        of(202, r#"{"result": "Request will be processed"}"#),
        told("delivered", "")
    );
    let invalid = r#"{"message": "Request body is not processable", "code": 422}"#;
    assert_eq!(
        of(422, invalid),
        told("failed", &format!("status 422: {invalid}"))
    );
    assert_eq!(of(401, ""), told("failed", "status 401: "));
    assert_eq!(of(429, ""), told("retry", "status 429: "));
    assert_eq!(of(503, ""), told("retry", "status 503: "));
    let answer = host.interpret::<Opsgenie>(&response(429, &[("Retry-After", "3")], ""));
    assert_eq!(answer.retry_after_ms, Some(3_000));
}

#[test]
fn a_bad_configuration_is_refused() {
    let key = r#""api_key": "{{secret:og}}""#;
    let tags = vec!["x"; 21];
    for (config, says) in [
        ("{}".to_owned(), "missing field `api_key`"),
        (
            r#"{"api_key": ""}"#.to_owned(),
            "api_key: neither {{secret:NAME}} nor letters",
        ),
        (r#"{"api_key": "a\nb"}"#.to_owned(), "api_key: neither"),
        (
            format!(r#"{{{key}, "url": "api.opsgenie.com"}}"#),
            "url: \"api.opsgenie.com/v2/alerts\"",
        ),
        (
            format!(r#"{{{key}, "default_priority": "P0"}}"#),
            "unknown variant `P0`",
        ),
        (
            format!(r#"{{{key}, "responders": [{{"type": "team"}}]}}"#),
            "responders: each has one of",
        ),
        (
            format!(r#"{{{key}, "responders": [{{"type": "team", "id": "1", "name": "x"}}]}}"#),
            "responders: each has one of id, name and username",
        ),
        (
            format!(r#"{{{key}, "responders": [{{"type": "bot", "id": "1"}}]}}"#),
            "unknown variant `bot`",
        ),
        (
            format!(r#"{{{key}, "tags": [""]}}"#),
            "tags: \"\" has not 1 to 50 characters",
        ),
        (format!(r#"{{{key}, "tags": {tags:?}}}"#), "tags: more than 20"),
        (format!(r#"{{{key}, "team": "x"}}"#), "unknown field `team`"),
    ] {
        let failure = FakeHost::new()
            .config(&config)
            .notify::<Opsgenie>(&[alert("{}")])
            .unwrap_err();
        assert_eq!(failure.code, "bad_config", "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    }
}

#[test]
fn the_schema_is_json() {
    let schema: Value = serde_json::from_str(&Opsgenie::describe().config_schema).unwrap();
    assert_eq!(schema["required"], json!(["api_key"]));
}
