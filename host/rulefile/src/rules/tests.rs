use serde_json::{Value, json};
use wasmalert_core::limits::Limit;

use super::*;

fn read_str(text: &str) -> (RuleFile, Vec<String>) {
    let (file, problems) = read("r.yml", Path::new(""), text);
    (file, problems.iter().map(ToString::to_string).collect())
}

fn config(group: &Group, at: usize) -> Value {
    serde_json::from_str(&group.spec.rules[at].config).unwrap()
}

#[test]
fn a_file_of_prometheus_becomes_rules_of_the_stock_module() {
    let (file, problems) = read_str(
        "groups:
- name: g
  interval: 30s
  query_offset: 10s
  limit: 5
  labels: {team: core, tier: 1}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {tier: 2}
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1m
    labels: {severity: page, code: 500}
    annotations: {summary: gone, empty: ''}
",
    );
    assert_eq!(problems, [""; 0]);
    let group = &file.groups[0];
    assert_eq!((&*group.name, &*group.namespace, group.line), ("g", "r", 2));
    assert_eq!(
        (group.spec.interval_ms, group.spec.query_offset_ms),
        (30_000, 10_000)
    );
    assert_eq!(group.rule_lines, [8, 11]);
    assert_eq!(
        config(group, 0),
        json!({"expr": "sum by (job) (up)", "record": "job:up:sum"})
    );
    assert_eq!(
        (&*group.spec.labels["team"], &*group.spec.rules[0].labels["tier"]),
        ("core", "2")
    );
    assert_eq!(group.spec.limit, 5);
    let down = &group.spec.rules[1];
    assert_eq!((&*down.name, &*down.module), ("Down", "prometheus"));
    assert_eq!((down.for_ms, down.keep_firing_for_ms), (300_000, 60_000));
    assert_eq!(down.labels["code"], "500");
    assert_eq!(down.annotations["empty"], "");
    assert_eq!(config(group, 1), json!({"expr": "up == 0"}));
}

#[test]
fn documents_of_apply_are_read_too() {
    let (file, problems) = read_str(
        "source: {name: prom, spec: {kind: prometheus}}
---
- group:
    namespace: n
    name: g
    spec:
      rules:
      - alert: High
        module: hysteresis
        config: {expr: up, fire_above: 2}
        limits: {fuel: 1000}
        receivers: [am]
      - {name: Down, expr: up == 0, source: prom}
- secret: {name: s, from_env: NOT_SET_HERE}
",
    );
    assert_eq!(problems, [""; 0]);
    let group = &file.groups[0];
    assert_eq!((&*group.namespace, &*group.name), ("n", "g"));
    assert_eq!(group.spec.interval_ms, INTERVAL_MS_DEFAULT);
    assert_eq!(config(group, 0), json!({"expr": "up", "fire_above": 2}));
    assert_eq!(group.spec.rules[0].limits[&Limit::Fuel], 1000);
    assert_eq!(group.spec.rules[1].source.as_deref(), Some("prom"));
    assert_eq!(config(group, 1), json!({"expr": "up == 0"}));
}

#[test]
fn every_problem_comes_at_once_with_its_line() {
    let (_, problems) = read_str(
        "groups:
- name: g
  intervall: 1m
  rules:
  - alert: A
    expr: up ==
    for: 5 minutes
  - record: r
    alert: B
    expr: up
  - expr: up
  - record: r
    expr: up
    for: 1m
  - alert: C
    labels: {__name__: x, l: [1]}
- name: g
  rules: 7
- rules: []
---
group: {name: g, namespace: n, spec: {rules: [{alert: D, limits: {fuel: 0, nope: 1, stack_bytes: 1}}]}}
---
grup: {}
---
source: {name: a b}
",
    );
    let starts = [
        "r.yml:3: groups[0].intervall: unknown field",
        "r.yml:6: groups[0].rules[0].expr: 1:",
        "r.yml:7: groups[0].rules[0].for: \"5 minutes\" is not a duration",
        "r.yml:8: groups[0].rules[1]: give exactly one of alert and record",
        "r.yml:11: groups[0].rules[2]: give exactly one of alert and record",
        "r.yml:14: groups[0].rules[3].for: a recording rule has none",
        "r.yml:15: groups[0].rules[4].expr is missing",
        "r.yml:15: groups[0].rules[4].labels.__name__: is the metric's name",
        "r.yml:16: groups[0].rules[4].labels.l: expected a text, not a list",
        "r.yml:17: group \"g\" of \"r\" is there already, in line 2",
        "r.yml:18: groups[1].rules: expected a list, not a number",
        "r.yml:19: groups[2].name is missing",
        "r.yml:21: group.spec.rules[0].limits.fuel: is not from 1 to",
        "r.yml:21: group.spec.rules[0].limits.nope: no limit has this name",
        "r.yml:21: group.spec.rules[0].limits.stack_bytes: is set for the whole server",
        "r.yml:23: unknown kind \"grup\"",
        "r.yml:25: source.name: \"a b\" may only have",
        "r.yml:25: source.spec is missing",
    ];
    for (problem, start) in problems.iter().zip(starts) {
        assert!(
            problem.starts_with(start),
            "{problem}\nshould start with\n{start}\n{problems:#?}"
        );
    }
    assert_eq!(problems.len(), starts.len(), "{problems:#?}");
}
