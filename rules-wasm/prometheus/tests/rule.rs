//! Alerts and recordings of expressions.

use prometheus::Prometheus;
use wasmalert::testing::FakeHost;

const DOWN: &[(&str, f64)] = &[
    (r#"up{job="node", host="a"}"#, 0.0),
    (r#"up{job="node", host="b"}"#, f64::NAN),
];

fn host(config: &str) -> FakeHost {
    let mut host = FakeHost::new().config(config);
    host.instant("up == 0", DOWN);
    host
}

#[test]
fn every_series_fires_whatever_its_value() {
    let evaluation = host(r#"{"expr": "up == 0"}"#).evaluate::<Prometheus>().unwrap();
    assert_eq!(
        evaluation.found(),
        [r#"{host="a", job="node"}"#, r#"{host="b", job="node"}"#]
    );
    assert_eq!(evaluation.findings[0].value, 0.0);
    assert!(evaluation.findings[1].value.is_nan());
    assert!(evaluation.samples.is_empty() && evaluation.state.is_empty());
}

#[test]
fn labels_and_annotations_are_added() {
    let config =
        r#"{"expr": "up == 0", "labels": {"job": "", "team": "core"}, "annotations": {"s": "down"}}"#;
    let evaluation = host(config).evaluate::<Prometheus>().unwrap();
    let finding = evaluation.finding(r#"{host="a", team="core"}"#);
    assert_eq!(finding.annotations, [("s".to_owned(), "down".to_owned())]);
    assert_eq!(evaluation.findings.len(), 2);
}

#[test]
fn no_series_fires_nothing() {
    let mut host = host(r#"{"expr": "up == 0"}"#);
    host.instant("up == 0", &[]);
    assert!(host.evaluate::<Prometheus>().unwrap().findings.is_empty());
}

#[test]
fn with_record_series_are_recorded() {
    let config =
        r#"{"expr": "up == 0", "record": "node:down", "labels": {"host": "", "team": "core", "job": "x"}}"#;
    let mut host = FakeHost::new().config(config);
    host.instant("up == 0", &DOWN[..1]);
    let evaluation = host.evaluate::<Prometheus>().unwrap();
    let wanted = r#"{__name__="node:down", job="x", team="core"}"#.to_owned();
    assert_eq!(evaluation.recorded(), [(wanted, 0.0)]);
    assert!(evaluation.findings.is_empty());
}

#[test]
fn what_has_fired_goes_on_until_the_other_expression_ends_it() {
    let config = r#"{"expr": "load > 9", "resolve_when": "load < 5", "labels": {"team": "core"},
        "annotations": {"s": "{{ $labels.host }} {{ $value }}"}}"#;
    let mut state = Default::default();
    let mut told = Vec::new();
    let load = |host: &'static str, value: f64| match host {
        "a" => (r#"load{host="a"}"#, value),
        _ => (r#"load{host="b"}"#, value),
    };
    for (above, below) in [
        (vec![load("a", 10.0), load("b", f64::NAN)], vec![]),
        (vec![load("a", 11.0)], vec![]),
        // Between both, for whatever reason, a goes on too.
        (vec![], vec![load("b", 4.0)]),
        (vec![load("b", 12.0)], vec![load("a", 1.0)]),
        (vec![], vec![load("b", 1.0)]),
    ] {
        let mut host = FakeHost::new().config(config);
        host.state = state;
        host.instant("load > 9", &above);
        host.instant("load < 5", &below);
        let evaluation = host.evaluate::<Prometheus>().unwrap();
        let texts = evaluation
            .findings
            .iter()
            .map(|finding| finding.annotations[0].1.clone());
        told.push((evaluation.found(), texts.collect::<Vec<_>>().join(", ")));
        state = evaluation.state;
    }
    let (a, b) = (r#"{host="a", team="core"}"#, r#"{host="b", team="core"}"#);
    let expected = [
        (vec![a, b], "a 10, b NaN"),
        (vec![a, b], "a 11, b NaN"),
        (vec![a], "a 11"),
        (vec![b], "b 12"),
        (vec![], ""),
    ];
    let told: Vec<(Vec<&str>, &str)> = told
        .iter()
        .map(|(found, texts)| (found.iter().map(String::as_str).collect(), texts.as_str()))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    for (config, says) in [
        ("{}", "missing field `expr`"),
        (r#"{"expr": "up", "for": "5m"}"#, "unknown field `for`"),
        (r#"{"expr": "up", "record": ""}"#, "record: the name is empty"),
        (
            r#"{"expr": "up", "record": "a", "resolve_when": "b"}"#,
            "resolve_when: a recording rule has none",
        ),
        (
            r#"{"expr": "up", "record": "a", "annotations": {"a": "b"}}"#,
            "annotations: a recording rule has none",
        ),
        (
            r#"{"expr": "up", "record": "a", "labels": {"__name__": "b"}}"#,
            "remove `__name__`",
        ),
    ] {
        let failure = host(config).evaluate::<Prometheus>().unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}

#[test]
fn a_failed_query_fails_the_evaluation() {
    let mut host = host(r#"{"expr": "up == 0"}"#);
    host.fail("up == 0", "query_too_large", "too much");
    assert_eq!(host.evaluate::<Prometheus>().unwrap_err().code, "query_too_large");
}
