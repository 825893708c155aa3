use std::fs;

use super::*;

/// A folder of files that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("wasmalert-offline-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for (file, content) in files {
            fs::write(path.join(file), content).unwrap();
        }
        Self(path)
    }

    fn load(&self, file: &str) -> Result<Suite, LoadError> {
        Suite::load(&self.0.join(file))
    }

    fn problems(&self, file: &str) -> Vec<String> {
        let prefix = format!("{}/", self.0.display());
        match self.load(file) {
            Err(LoadError::Problems(problems)) => problems
                .iter()
                .map(|problem| problem.to_string().replace(&prefix, ""))
                .collect(),
            other => panic!("expected problems, got {other:?}"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RULES: &str = "groups:
- {name: b, rules: [{alert: B, expr: up}]}
- {name: a, rules: [{alert: A, expr: up}, {alert: A, expr: down}]}
- {name: c, rules: [{alert: A, expr: up}]}
";

#[test]
fn a_suite_has_everything_of_its_file() {
    let folder = Folder::new(
        "suite",
        &[
            ("r1.yml", RULES),
            (
                "t.yml",
                "rule_files: [r*.yml, r1.yml]
evaluation_interval: 30s
fuzzy_compare: true
group_eval_order: [c, a]
tests:
- name: first
  interval: 1m
  start_timestamp: 2026-01-01T00:00:00Z
  input_series:
  - {series: 'up{i=\"1\"}', values: 0x2 _ stale}
  external_labels: {region: eu}
  external_url: http://x
  alert_rule_test:
  - eval_time: 5m
    alertname: A
    exp_alerts:
    - exp_labels: {i: 1, alertname: A}
      exp_annotations: {s: text}
  promql_expr_test:
  - expr: up > 1
    eval_time: 1m
    exp_samples: [{labels: 'up{i=\"1\"}', value: -.inf}, {value: 1_000}]
  state_test:
  - {eval_time: 2m, rule: 'A#2', exp_state: {k: text, h: {hex: 00 ff}}}
  timer_test:
  - {eval_time: 3m, rule: A, group: c, exp_timers: [{name: t, due: 4m, payload: p}]}
  notification_test:
  - {alertname: A, exp_notifications: [{reason: fired, exp_labels: {i: 1}}]}
- alert_rule_test: []
  start_timestamp: 1.5
",
            ),
        ],
    );
    let suite = folder.load("t.yml").unwrap();
    let names: Vec<_> = suite.groups.iter().map(|group| &*group.name).collect();
    assert_eq!(names, ["c", "a", "b"]);
    assert_eq!((suite.every, suite.fuzzy), (Every::Ms(30_000), true));
    assert_eq!(suite.names().collect::<Vec<_>>(), ["first", "test 2 in line 29"]);
    let test = &suite.tests[0];
    assert_eq!((test.start_ms, test.interval_ms), (1_767_225_600_000, 60_000));
    assert_eq!(
        (suite.tests[1].start_ms, suite.tests[1].interval_ms),
        (1_500, 30_000)
    );
    assert_eq!(test.inputs[0].values.len(), 5);
    let times: Vec<_> = test
        .checks
        .iter()
        .map(|check| (check.at_ms, check.line))
        .collect();
    assert_eq!(
        times,
        [(0, 28), (60_000, 20), (120_000, 24), (180_000, 26), (300_000, 14)]
    );
    let Expected::Samples { samples, .. } = &test.checks[1].expected else {
        panic!()
    };
    assert_eq!((samples[0].1, samples[1].1), (f64::NEG_INFINITY, 1_000.0));
    let Expected::State { rule, state } = &test.checks[2].expected else {
        panic!()
    };
    assert_eq!((rule.group, rule.rule), (1, 1));
    assert_eq!((&*state["k"], &*state["h"]), (&b"text"[..], &[0, 255][..]));
    let Expected::Timers { rule, timers } = &test.checks[3].expected else {
        panic!()
    };
    assert_eq!((rule.group, timers[0].due_ms), (0, 240_000));
    let Expected::Alerts { alerts, .. } = &test.checks[4].expected else {
        panic!()
    };
    assert_eq!(alerts[0].0, Labels::from_iter([("i", "1")]));
}

#[test]
fn every_problem_of_all_files_comes_at_once() {
    let folder = Folder::new(
        "problems",
        &[
            (
                "r.yml",
                "groups:\n- name: g\n  rules:\n  - {alert: A, expr: up ==}\n",
            ),
            (
                "t.yml",
                "rule_files: [r.yml, none*.yml]
evaluation_interval: 0s
group_eval_order: [a, a]
modules: {m: none.wasm}
testz: []
tests:
- interval: 1 minute
  input_series:
  - {series: 'up{', values: 1}
  - {series: up, values: 1 2 x3}
  - {series: up}
  alert_rule_test:
  - {eval_time: 5m}
  - {eval_time: 5, alertname: A, exp_alert: []}
  promql_expr_test:
  - {expr: 'up[5m]', exp_samples: [{labels: 'up{', value: many, histogram: x}]}
  state_test:
  - {rule: Nope, exp_state: {k: {hex: 0}}}
  timer_test:
  - {rule: A, exp_timers: [{}]}
  notification_test:
  - {alertname: A, exp_notifications: [{reason: because}]}
  start_timestamp: today
",
            ),
        ],
    );
    let starts = [
        "t.yml:1: rule_files: no file matches \"none*.yml\"",
        "t.yml:2: evaluation_interval: must be more than 0",
        "t.yml:3: group_eval_order: \"a\" is listed twice",
        "t.yml:1: modules.m: there is no file",
    ];
    let problems = folder.problems("t.yml");
    for start in starts {
        assert!(
            problems.iter().any(|problem| problem.starts_with(start)),
            "{start}\n{problems:#?}"
        );
    }
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| problem.split(':').nth(1).unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "1", "1", "2", "3", "5", "7", "9", "10", "11", "13", "14", "14", "16", "16", "16", "16", "18",
            "18", "20", "20", "22", "23", "4"
        ],
        "{problems:#?}"
    );
}

#[test]
fn a_file_that_is_not_there_is_unreadable() {
    let folder = Folder::new("unreadable", &[("t.yml", "")]);
    assert!(matches!(folder.load("none.yml"), Err(LoadError::Unreadable(_))));
    assert!(folder.problems("t.yml")[0].starts_with("t.yml:1: the file is empty"));
}

#[test]
fn several_groups_with_a_rule_want_the_group() {
    let folder = Folder::new(
        "several",
        &[
            ("r.yml", RULES),
            (
                "t.yml",
                "rule_files: [r.yml]\ntests: [{state_test: [{rule: A}]}]\n",
            ),
        ],
    );
    assert!(folder.problems("t.yml")[0].contains("several groups have a rule \"A\"; add `group`"));
}

#[test]
fn test_files_are_told_from_rule_files() {
    assert!(is_suite("tests: []") && is_suite("rule_files: []\n"));
    assert!(
        !is_suite(RULES) && !is_suite("group: {}\n---\ntests: {}\n") && !is_suite("a: [") && !is_suite("")
    );
}
