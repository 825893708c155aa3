//! Source settings.

use serde_json::json;

use super::*;

fn parse(spec: serde_json::Value) -> SourceSpec {
    serde_json::from_value(spec).expect("a spec")
}

fn prometheus(spec: serde_json::Value) -> PrometheusSpec {
    let SourceSpec::Prometheus(spec) = parse(spec);
    spec
}

#[test]
fn the_shortest_spec_has_the_defaults() {
    let spec = prometheus(json!({"kind": "prometheus", "url": "http://127.0.0.1:9090"}));
    assert_eq!(spec.timeout(), Duration::from_secs(10));
    assert_eq!(spec.response_bytes_max(), 64 << 20);
    assert_eq!(SourceSpec::Prometheus(spec).validate(), Ok(()));
}

#[test]
fn a_spec_survives_serialisation() {
    let json = json!({
        "kind": "prometheus", "url": "https://{{secret:host}}/prometheus", "headers": {"X-Scope-OrgID": "{{secret:org}}"},
        "basic_auth": {"username": "u", "password": "{{secret:p}}"}, "timeout": "1m30s", "max_response_bytes": 1000,
    });
    let spec = parse(json.clone());
    assert_eq!(spec.validate(), Ok(()));
    assert_eq!(serde_json::to_value(&spec).expect("JSON"), json);
    assert_eq!(spec.redacted(), spec, "placeholders may be shown");
}

#[test]
fn unknown_fields_and_kinds_are_refused() {
    for (spec, says) in [
        (
            json!({"kind": "prometheus", "url": "http://a", "tiemout": "1s"}),
            "unknown field `tiemout`",
        ),
        (
            json!({"kind": "prometheus", "url": "http://a", "basic_auth": {"user": "u"}}),
            "unknown field `user`",
        ),
        (
            json!({"kind": "graphite", "url": "http://a"}),
            "unknown variant `graphite`",
        ),
        (json!({"kind": "prometheus"}), "missing field `url`"),
    ] {
        let error = serde_json::from_value::<SourceSpec>(spec)
            .expect_err("is refused")
            .to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn every_error_is_reported_at_once() {
    let spec = parse(json!({
        "kind": "prometheus", "url": "http://user:s3cr3t@host", "timeout": "soon", "max_response_bytes": 0,
        "headers": {"Host": "a", "a b": "c", "X-A": "b\r\nc: d", "Authorization": "x", "Accept-Encoding": "br"},
        "basic_auth": {"username": "u", "password": "p"}, "bearer_token": "",
    }));
    let errors = spec.validate().expect_err("is refused");
    let fields: Vec<&str> = errors
        .iter()
        .filter_map(|error| error.split(':').next())
        .collect();
    let expected = [
        "url",
        "headers",
        "headers",
        "headers",
        "headers",
        "headers",
        "bearer_token",
        "bearer_token",
        "timeout",
        "max_response_bytes",
    ];
    assert_eq!(fields, expected, "{errors:#?}");
    assert!(!errors.concat().contains("s3cr3t"), "{errors:?}");
    assert!(Source::new("prom", 1, spec, Arc::default()).is_err_and(|e| e == errors));
}

#[test]
fn urls() {
    let check = |url: &str| parse(json!({"kind": "prometheus", "url": url})).validate();
    for url in [
        "http://[::1]:9090/x/",
        "https://{{secret:host}}:{{secret:port}}/",
        "{{secret:url}}",
        "http://a?b=c",
    ] {
        let result = check(url);
        assert!(result.is_ok() || url.contains("port"), "{url}: {result:?}");
    }
    for url in [
        "",
        "prometheus:9090",
        "ftp://a",
        "file:///etc/passwd",
        "http://",
        "http://a#b",
        "http://u@a",
    ] {
        assert!(check(url).is_err(), "{url}");
    }
}

#[test]
fn credentials_are_not_shown() {
    let spec = parse(json!({
        "kind": "prometheus", "url": "http://a", "headers": {"X-Key": "s3cr3t"},
        "basic_auth": {"username": "u", "password": "s3cr3t"}, "bearer_token": "Bearer {{secret:a}} s3cr3t",
    }));
    assert!(!format!("{spec:?}").contains("s3cr3t"));
    let shown = serde_json::to_string(&spec.redacted()).expect("JSON");
    assert!(
        !shown.contains("s3cr3t") && shown.contains(r#""X-Key":"***""#),
        "{shown}"
    );
    assert!(!format!("{:?}", plain("http://a")).contains("s3cr3t"));
}

#[test]
fn timeouts() {
    for (text, ms) in [
        ("1ms", Some(1)),
        ("1m30s", Some(90_000)),
        ("10m", Some(600_000)),
        ("10m1ms", None),
        ("", None),
        ("0", None),
        ("10", None),
        ("-1s", None),
        ("99999999999999999999s", None),
    ] {
        let spec = format!(r#"{{"kind": "prometheus", "url": "http://a", "timeout": "{text}"}}"#);
        let spec: SourceSpec = serde_json::from_str(&spec).expect("a source");
        assert_eq!(spec.validate().is_ok(), ms.is_some(), "{text}");
        let SourceSpec::Prometheus(spec) = spec;
        assert_eq!(
            spec.timeout(),
            Duration::from_millis(ms.unwrap_or(10_000)),
            "{text}"
        );
    }
}
