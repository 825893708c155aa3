use serde_json::json;
use wasmalert_core::limits::Limits;

use super::batches;
use crate::groups::GroupBody;

/// The batches of a group with these rules, each as the numbers of its rules.
fn of(rules: &serde_json::Value) -> Vec<Vec<usize>> {
    let body: GroupBody = serde_json::from_value(json!({"rules": rules})).expect("a group");
    let spec = body.to_spec(&Limits::default()).expect("it is valid");
    batches(&spec).into_iter().map(Iterator::collect).collect()
}

fn record(name: &str, expr: &str) -> serde_json::Value {
    json!({"alert": name, "config": {"expr": expr, "record": name}})
}

fn alert(name: &str, expr: &str) -> serde_json::Value {
    json!({"alert": name, "expr": expr})
}

#[test]
fn rules_of_which_none_reads_another_are_one_batch() {
    assert_eq!(of(&json!([])), Vec::<Vec<usize>>::new());
    let rules = json!([record("a", "x"), record("b", "sum(y)"), alert("C", "x / y > 1")]);
    assert_eq!(of(&rules), [vec![0, 1, 2]]);
}

#[test]
fn a_rule_waits_for_what_it_reads() {
    let rules = json!([
        record("a", "x"),
        record("b", "rate(y[5m])"),
        alert("Of", "max_over_time(a[5m:1m]) > 1"),
        record("c", "b"),
        record("d", "c unless c"),
    ]);
    // The fourth reads what is of a batch before its own.
    assert_eq!(of(&rules), [vec![0, 1], vec![2, 3], vec![4]]);
}

#[test]
fn what_a_rule_reads_is_not_recorded_anew_meanwhile() {
    let rules = json!([record("before", "now"), record("now", "x"), record("y", "x")]);
    assert_eq!(of(&rules), [vec![0], vec![1, 2]]);
    let rules = json!([record("n", "count(ALERTS)"), alert("A", "x")]);
    assert_eq!(of(&rules), [vec![0], vec![1]]);
    assert_eq!(
        of(&json!([record("a", "a + 1"), record("b", "x")])),
        [vec![0, 1]],
        "itself it may read"
    );
}

#[test]
fn what_is_recorded_twice_is_recorded_in_order() {
    assert_eq!(
        of(&json!([record("a", "x"), record("a", "y")])),
        [vec![0], vec![1]]
    );
    assert_eq!(of(&json!([alert("A", "x"), alert("A", "y")])), [vec![0], vec![1]]);
    assert_eq!(
        of(&json!([alert("a", "x"), alert("b", "y"), record("A", "y")])),
        [vec![0, 1, 2]]
    );
}

#[test]
fn series_of_alerts_are_read_too() {
    for name in ["ALERTS", "ALERTS_FOR_STATE"] {
        let expr = format!("count({name}{{alertname=\"A\"}})");
        assert_eq!(
            of(&json!([alert("A", "x"), record("n", &expr)])),
            [vec![0], vec![1]]
        );
        assert_eq!(of(&json!([record("m", "x"), record("n", &expr)])), [vec![0, 1]]);
    }
}

#[test]
fn what_may_read_anything_is_evaluated_alone() {
    let alone = |rule: serde_json::Value| {
        let rules = json!([record("a", "x"), rule, record("b", "y")]);
        assert_eq!(of(&rules), [vec![0], vec![1], vec![2]], "{rule}");
    };
    alone(record("n", "{__name__=~\"a.*\"}"));
    alone(json!({"alert": "T", "expr": "y", "annotations": {"s": "{{ query \"a\" | first | value }}"}}));
    alone(json!({"alert": "T", "expr": "y", "labels": {"s": "{{ with query \"a\" }}1{{ end }}"}}));
    alone(json!({"alert": "T", "config": {"expr": "y", "annotations": {"s": "{{ query \"a\" }}"}}}));
    alone(json!({"alert": "O", "module": "composite", "config": {}}));
    let resolve = json!({"alert": "R", "config": {"expr": "y > 2", "resolve_when": "a < 1"}});
    assert_eq!(of(&json!([record("a", "x"), resolve])), [vec![0], vec![1]]);
    let plain = json!({"alert": "P", "expr": "y", "annotations": {"s": "a query, {{ $value }}"}});
    assert_eq!(
        of(&json!([record("a", "x"), plain])),
        [vec![0], vec![1]],
        "it looks like one"
    );
}
