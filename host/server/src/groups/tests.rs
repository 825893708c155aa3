use super::*;

fn body(json: &str) -> GroupBody {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_rule_as_prometheus_users_write_it() {
    let body = body(
        r#"{"interval": "15s", "rules": [{"alert": "Down", "expr": "up == 0", "for": "1m",
            "labels": {"severity": "page", "job": ""}, "annotations": {"summary": "gone"},
            "source": "prom", "receivers": ["am"]}]}"#,
    );
    let spec = body.to_spec(&Limits::default()).unwrap();
    let rule = &spec.rules[0];
    assert_eq!(
        (spec.interval_ms, rule.for_ms, rule.keep_firing_for_ms),
        (15_000, 60_000, 0)
    );
    assert_eq!((rule.name.as_str(), rule.module.as_str()), ("Down", "prometheus"));
    assert_eq!(&*rule.config, r#"{"expr":"up == 0"}"#);
    assert_eq!(
        rule.labels["job"], "",
        "an empty label deletes the finding's, so it is kept"
    );
}

#[test]
fn a_group_without_an_interval_has_one_minute() {
    assert_eq!(
        body(r#"{"rules": []}"#)
            .to_spec(&Limits::default())
            .unwrap()
            .interval_ms,
        60_000
    );
}

#[test]
fn every_problem_is_reported_at_once_with_its_place() {
    let body = body(
        r#"{"interval": "soon", "query_offset": "-1s", "rules": [
            {"alert": "", "expr": "up", "config": {"expr": "down"}},
            {"alert": "B", "for": "1x", "limits": {"fule": 1, "fuel": 0, "stack_bytes": 1, "findings": 99999999}}]}"#,
    );
    let problems = body.to_spec(&Limits::default()).unwrap_err().join("\n");
    for place in [
        "interval: ",
        "query_offset: ",
        "rules[0].expr: is given here and in config",
        "rules[1].for: ",
        "rules[1].limits.fule: no limit has this name",
        "rules[1].limits.fuel: 0 is not from 1",
        "rules[1].limits.stack_bytes: is set for the whole server",
        "rules[1].limits.findings: 99999999 is not from 1",
    ] {
        assert!(problems.contains(place), "{place} is missing in:\n{problems}");
    }
}

#[test]
fn unknown_fields_are_refused() {
    for json in [
        r#"{"rules": [], "intervall": "1m"}"#,
        r#"{"rules": [{"alert": "A", "fro": "1m"}]}"#,
    ] {
        assert!(
            serde_json::from_str::<GroupBody>(json)
                .unwrap_err()
                .to_string()
                .contains("unknown field")
        );
    }
}

#[test]
fn a_rules_limits_are_lower_than_the_servers() {
    let spec = body(r#"{"rules": [{"alert": "A", "limits": {"fuel": 1000}}]}"#).to_spec(&Limits::default());
    assert_eq!(spec.unwrap().rules[0].limits[&Limit::Fuel], 1_000);
}

#[test]
fn what_is_named_and_not_there_is_reported() {
    let spec = body(r#"{"rules": [{"alert": "A", "version": 3, "source": "prom", "receivers": ["am"]}]}"#);
    let problems = check_references(
        &spec.to_spec(&Limits::default()).unwrap(),
        &TenantCatalog::default(),
    );
    assert_eq!(
        problems,
        [
            "rules[0].module: there is no module prometheus version 3: upload it",
            "rules[0].source: there is no source prom",
            "rules[0].receivers: there is no receiver am",
        ]
    );
}

#[test]
fn remembered_queries_read_back() {
    let query = |time| Query {
        source: "prom".into(),
        expr: "up".into(),
        time,
    };
    let asked = [
        query(QueryTime::Instant { at_ms: 5 }),
        query(QueryTime::Range {
            start_ms: 1,
            end_ms: 9,
            step_ms: 2,
        }),
    ];
    let read: Remembered = serde_json::from_str(&remember(7, &asked)).unwrap();
    assert_eq!(read.at_ms, 7);
    let read: Vec<Query> = read.queries.iter().map(RememberedQuery::query).collect();
    assert_eq!(read, asked);
}
