//! What Alertmanager is sent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use alertmanager::Alertmanager;
use serde_json::json;
use wasmalert::testing::{FakeHost, START_MS, alert, response};
use wasmalert::{Label, Notifier, Request};

fn host() -> FakeHost {
    FakeHost::new().config(r#"{"url": "http://am:9093/", "headers": {"X-Tenant": "{{secret:t}}"}}"#)
}

fn body(request: &Request) -> serde_json::Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn alerts_are_posted_as_prometheus_posts_them() {
    let mut down = alert(r#"{alertname="Down", host="a"}"#)
        .annotated("summary", "it's \"down\"")
        .annotated("empty", "");
    down.generator_url = "http://w/graph?g0.expr=up".to_owned();
    let gone = alert(r#"{alertname="Gone"}"#).resolved(START_MS + 61_500);
    let requests = host().notify::<Alertmanager>(&[down, gone]).unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(
        (&*request.method, &*request.url),
        ("POST", "http://am:9093/api/v2/alerts")
    );
    let headers = [
        Label::new("Content-Type", "application/json"),
        Label::new("X-Tenant", "{{secret:t}}"),
    ];
    assert_eq!(request.headers, headers);
    let wanted = json!([
        {
            "labels": {"alertname": "Down", "host": "a"},
            "annotations": {"summary": "it's \"down\""},
            "startsAt": "2027-01-15T08:00:00.000Z",
            "endsAt": "2027-01-15T08:04:00.000Z",
            "generatorURL": "http://w/graph?g0.expr=up"
        },
        {
            "labels": {"alertname": "Gone"},
            "startsAt": "2027-01-15T08:00:00.000Z",
            "endsAt": "2027-01-15T08:01:01.500Z"
        }
    ]);
    assert_eq!(body(request), wanted);
}

#[test]
fn it_asks_to_be_told_again() {
    assert_eq!(Alertmanager::describe().extras, [Label::new("resend", "true")]);
    let schema: serde_json::Value = serde_json::from_str(&Alertmanager::describe().config_schema).unwrap();
    assert_eq!(schema["required"], json!(["url"]));
}

#[test]
fn a_bad_configuration_is_refused() {
    for (config, says) in [
        ("{}", "missing field `url`"),
        (r#"{"url": "am:9093"}"#, "url: \"am:9093/api/v2/alerts\""),
        (r#"{"url": "http://am", "urls": []}"#, "unknown field `urls`"),
    ] {
        let failure = FakeHost::new()
            .config(config)
            .notify::<Alertmanager>(&[])
            .unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}

#[test]
fn answers() {
    let mut host = host();
    let mut of = |status, headers: &[(&str, &str)]| {
        let answer = host.interpret::<Alertmanager>(&response(status, headers, "text"));
        (answer.kind, answer.retry_after_ms)
    };
    assert_eq!(of(200, &[]), ("delivered".to_owned(), None));
    assert_eq!(
        of(429, &[("retry-after", "7")]),
        ("retry".to_owned(), Some(7_000))
    );
    assert_eq!(of(500, &[]), ("retry".to_owned(), None));
    assert_eq!(of(400, &[]), ("failed".to_owned(), None));
}
