//! `test` and `check`: the real binary on real files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// How a command ended, and what it printed.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_wasmalert"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of files that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("wasmalert-cli-offline-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for (file, content) in files {
            fs::write(path.join(file), content).unwrap();
        }
        Self(path)
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(&self.0, args)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_examples_pass() {
    let examples = repository().join("examples/tests");
    let ran = run(&examples, &["test", "alerts_test.yml", "modules_test.yml"]);
    assert_eq!(
        (ran.code, ran.err.as_str(), ran.out.as_str()),
        (
            0,
            "",
            "ok    alerts_test.yml:5: errors fire after two minutes, and are kept for three\n\
             ok    alerts_test.yml:44: a series that ended is not an error\n\
             ok    modules_test.yml:5: a disk fires above 0.9 and resolves below 0.7\n\
             ok    modules_test.yml:24: a backup that goes silent is noticed between two evaluations\n\
             4 tests passed\n"
        )
    );
    let stock =
        ["anomaly", "burn_rate", "composite", "flatline", "forecast"].map(|name| format!("{name}_test.yml"));
    let args: Vec<&str> = ["test"]
        .into_iter()
        .chain(stock.iter().map(String::as_str))
        .collect();
    let ran = run(&examples, &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.ends_with("\n8 tests passed\n"), "{}", ran.out);
    let ran = run(&examples, &["test", "demo_test.yml"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.ends_with("\n6 tests passed\n"), "{}", ran.out);
    let ran = run(
        &examples,
        &["check", "alerts.yml", "modules.yml", "modules_test.yml"],
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "alerts.yml: 1 group, 3 rules\nmodules.yml: 1 group, 3 rules\nmodules_test.yml: 2 tests\n"
    );
}

#[test]
fn the_rule_files_of_exporters_hold_what_their_tests_say() {
    let folder = repository().join("examples/rules/tests");
    let files = fs::read_dir(&folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with("_test.yml")).collect();
    names.sort();
    assert!(names.len() >= 36, "{names:?}");
    let args: Vec<&str> = ["test"]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let ran = run(&folder, &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.ends_with("\n69 tests passed\n"), "{}", ran.out);
}

/// The guide's files, and a command with what it prints.
#[test]
fn the_guide_is_true() {
    let guide = fs::read_to_string(repository().join("docs/testing.md")).unwrap();
    let folder = Folder::new("guide", &[]);
    let mut ran = 0;
    for block in guide.split("\n```").skip(1).step_by(2) {
        let (kind, content) = block.split_once('\n').unwrap();
        let (first, rest) = content.split_once('\n').unwrap_or((content, ""));
        if let ("yaml", Some(name)) = (kind, first.strip_prefix("# file: ")) {
            fs::write(folder.0.join(name), content).unwrap();
        }
        if let ("console", Some(command)) = (kind, first.strip_prefix("$ wasmalert ")) {
            let args: Vec<&str> = command.split(' ').collect();
            let Ran { out, err, .. } = folder.run(&args);
            assert_eq!((out + &err).trim_end(), rest.trim_end(), "{command}");
            ran += 1;
        }
    }
    assert_eq!(ran, 3, "commands of the guide");
}

const RULES: &str = "groups:
- name: g
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: Down
    expr: up == 0
    for: 1m
    labels: {severity: page}
    annotations: {summary: gone}
  - {alert: Soon, expr: up == 0, for: 1h}
- name: h
  rules:
  - {alert: Quiet, module: x, expr: up}
";

fn rules() -> String {
    RULES.split("- name: h").next().unwrap().to_owned()
}

#[test]
fn a_failure_shows_expected_and_got() {
    let tests = "rule_files: [r.yml]
tests:
- name: fine
  alert_rule_test: [{eval_time: 1m, alertname: Down}]
- name: wrong
  input_series:
  - {series: 'up{job=\"a\", instance=\"1\"}', values: 0x10}
  - {series: 'up{job=\"a\", instance=\"2\"}', values: 0x10}
  - {series: 'up{job=\"b\", instance=\"3\"}', values: 1x10}
  alert_rule_test:
  - eval_time: 5m
    alertname: Down
    exp_alerts:
    - {exp_labels: {job: a, instance: 1, severity: page}, exp_annotations: {summary: gone}}
    - {exp_labels: {job: a, instance: 2, severity: page}, exp_annotations: {summary: here}}
    - {exp_labels: {job: b, instance: 3, severity: page}, exp_annotations: {summary: gone}}
  - {eval_time: 5m, alertname: Soon, exp_alerts: [{exp_labels: {job: a}}]}
  - {eval_time: 5m, alertname: Dwon, exp_alerts: [{}]}
  promql_expr_test:
  - expr: job:up:sum
    eval_time: 4m
    exp_samples:
    - {labels: 'job:up:sum{job=\"a\"}', value: 2}
    - {labels: 'job:up:sum{job=\"b\"}', value: 1}
  state_test: [{eval_time: 1m, rule: Down, exp_state: {key: text}}]
  timer_test: [{eval_time: 1m, rule: Down, exp_timers: [{name: wake, due: 90s}]}]
  notification_test:
  - eval_time: 1m
    alertname: Down
    exp_notifications: [{reason: resolved, exp_labels: {job: a, instance: 1, severity: page}}]
";
    let folder = Folder::new("failure", &[("r.yml", &rules()), ("t.yml", tests)]);
    let ran = folder.run(&["test", "t.yml"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, "error: 1 of 2 tests failed\n"));
    let golden = include_str!("offline/failure.txt");
    assert_eq!(ran.out, golden);

    let ran = folder.run(&["test", "t.yml", "--run", "^fi"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "ok    t.yml:3: fine\n1 test passed\n")
    );
    let ran = folder.run(&["test", "t.yml", "--run", "^none$"]);
    assert_eq!(ran.code, 2);
    assert_eq!(folder.run(&["test", "t.yml", "--run", "("]).code, 2);

    let ran = folder.run(&["test", "t.yml", "--output", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let tests = &report["files"][0]["tests"];
    assert_eq!(
        (&tests[0]["passed"], &tests[1]["passed"]),
        (&true.into(), &false.into())
    );
    assert_eq!(tests[1]["failures"].as_array().unwrap().len(), 7);
    // Three rules at 0m to 5m.
    assert_eq!(tests[1]["evaluations"], 18);
}

/// Checks that every element is closed in its turn, and counts them by name.
fn elements(xml: &str) -> Vec<String> {
    let mut open = Vec::new();
    let mut found = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').unwrap();
        assert!(!text.contains('&') || text.contains(';'), "{text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !tag.starts_with('?') {
            let name = tag.split(' ').next().unwrap().to_owned();
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            found.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

#[test]
fn junit_is_well_formed() {
    let tests = "rule_files: [r.yml]
tests:
- name: 'a <b> & \"c\"'
  promql_expr_test: [{expr: 'vector(1) < 2', exp_samples: []}]
- name: fine
  promql_expr_test: [{expr: '1', exp_samples: [{value: 1}]}]
";
    let folder = Folder::new("junit", &[("r.yml", &rules()), ("t.yml", tests)]);
    let ran = folder.run(&["test", "t.yml", "t.yml", "--output", "junit"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        elements(&ran.out),
        [
            "testsuites",
            "testsuite",
            "testcase",
            "failure",
            "testcase",
            "testsuite",
            "testcase",
            "failure",
            "testcase"
        ]
    );
    assert!(
        ran.out.contains("name=\"a &lt;b&gt; &amp; &quot;c&quot;\""),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("<testsuites tests=\"4\" failures=\"2\""),
        "{}",
        ran.out
    );
    let ran = folder.run(&["check", "r.yml", "--output", "junit"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn malformed_files_are_told_of_with_their_lines() {
    let folder = Folder::new(
        "malformed",
        &[
            (
                "r.yml",
                "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'sum(', fro: 1m}\n",
            ),
            ("t.yml", "rule_files: [r.yml]\ntests:\n- intervall: 1m\n"),
            ("u.yml", "rule_files: [r.yml]\ntests: []\n"),
            ("broken.yml", "a: [1\nb: 2\n"),
            ("s.toml", "listen = \"nowhere\"\nlistne = 1\n"),
            ("broken.toml", "a = 1\nb = = 2\n"),
            ("good.toml", "listen = \"127.0.0.1:1\"\n"),
            ("module.yml", RULES.replace("groups:", "groups:\n#").as_str()),
        ],
    );
    let ran = folder.run(&["test", "t.yml", "u.yml", "none.yml"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    let lines: Vec<&str> = ran.err.lines().collect();
    let starts = [
        "error: r.yml:4: groups[0].rules[0].expr: 1:5: ",
        "error: r.yml:4: groups[0].rules[0].fro: unknown field",
        "error: t.yml:3: tests[0].intervall: unknown field",
        "error: none.yml: No such file",
        "4 errors",
    ];
    for start in starts {
        assert!(
            lines.iter().any(|line| line.starts_with(start)),
            "{start}\n{lines:#?}"
        );
    }
    assert_eq!(lines.len(), starts.len(), "{lines:#?}");

    let ran = folder.run(&[
        "check",
        "r.yml",
        "broken.yml",
        "s.toml",
        "broken.toml",
        "good.toml",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (2, "good.toml: settings\n"));
    let lines: Vec<&str> = ran.err.lines().collect();
    let starts = [
        "error: r.yml:4: groups[0].rules[0].expr: 1:5: ",
        "error: r.yml:4: groups[0].rules[0].fro: unknown field",
        "error: broken.yml:2: ",
        "error: s.toml:1: listen: `nowhere` is not an address",
        "error: s.toml:2: no setting is called `listne`",
        "error: broken.toml:2: ",
        "6 errors",
    ];
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}\nshould start with\n{start}");
    }
    assert_eq!(lines.len(), starts.len(), "{lines:#?}");
}

#[test]
fn modules_come_from_files_and_failing_rules_stop_a_test() {
    let folder = Folder::new(
        "modules",
        &[
            (
                "r.yml",
                "group: {namespace: n, name: g, spec: {rules: [{alert: A, module: mine, expr: up}]}}\n",
            ),
            (
                "t.yml",
                "rule_files: [r.yml]\ntests: [{alert_rule_test: [{alertname: A}]}]\n",
            ),
            ("bad.wasm", "\0asm no component"),
            (
                "bad.yml",
                "rule_files: [r.yml]\nmodules: {mine: bad.wasm}\ntests: [{alert_rule_test: [{alertname: A}]}]\n",
            ),
            (
                "fails.yml",
                "groups: [{name: g, rules: [{alert: A, expr: 'up * on() up'}]}]\n",
            ),
            (
                "fails_test.yml",
                "rule_files: [fails.yml]\ntests:\n- input_series:\n  - {series: 'up{i=\"1\"}', values: _ 1}\n  \
                 - {series: 'up{i=\"2\"}', values: _ 1}\n  alert_rule_test: [{eval_time: 9m, alertname: A, exp_alerts: [{}]}]\n",
            ),
        ],
    );
    let ran = folder.run(&["test", "t.yml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err
            .starts_with("error: r.yml:1: there is no module mine: name its file"),
        "{ran:?}"
    );
    let ran = folder.run(&["test", "bad.yml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.starts_with("error: r.yml:1: module mine: "), "{ran:?}");
    let ran = folder.run(&["test", "fails_test.yml"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(
        lines[1].starts_with("      fails.yml:1: rule A at 1m: query_failed: query `up * on() up`"),
        "{ran:?}"
    );
}

#[test]
fn groups_may_have_intervals_of_their_own_and_time_may_start_later() {
    let folder = Folder::new(
        "intervals",
        &[
            (
                "r.yml",
                "groups:
- {name: fast, interval: 10s, rules: [{record: fast, expr: time()}]}
- {name: slow, interval: 25s, rules: [{record: slow, expr: fast}]}
",
            ),
            (
                "t.yml",
                "rule_files: [r.yml]
evaluation_interval: group
tests:
- start_timestamp: 1000
  promql_expr_test:
  - {expr: fast, eval_time: 49s, exp_samples: [{labels: fast, value: 1040}]}
  - {expr: slow, eval_time: 49s, exp_samples: [{labels: slow, value: 1020}]}
  - {expr: slow, eval_time: 50s, exp_samples: [{labels: slow, value: 1050}]}
",
            ),
        ],
    );
    let ran = folder.run(&["test", "t.yml"]);
    assert_eq!(
        (ran.code, ran.out.contains("1 test passed")),
        (0, true),
        "{ran:?}"
    );
}

#[test]
fn templates_are_expanded_with_what_a_test_says_of_the_server() {
    let folder = Folder::new(
        "templates",
        &[
            (
                "r.yml",
                "groups:
- name: g
  rules:
  - alert: Load
    expr: load > 1
    labels: {host: '{{ $labels.host | toUpper }}', gone: '{{ $labels.nope }}'}
    annotations:
      summary: '{{ $value | humanize }} of {{ with query \"sum(load)\" }}{{ . | first | value }}{{ end }}'
      where: '{{ $externalURL }} {{ $externalLabels.region }}'
      broken: '{{ query \"nope\" | first }}'
",
            ),
            (
                "t.yml",
                "rule_files: [r.yml]
tests:
- external_labels: {region: eu}
  external_url: http://x
  input_series:
  - {series: 'load{host=\"a\"}', values: '1500'}
  - {series: 'load{host=\"b\"}', values: '1'}
  alert_rule_test:
  - alertname: Load
    exp_alerts:
    - exp_labels: {host: A}
      exp_annotations:
        summary: 1.5k of 1501
        where: http://x eu
        broken: '<error expanding template: error executing template __alert_Load: execution error: error calling first: first() called on vector with no elements>'
",
            ),
        ],
    );
    let ran = folder.run(&["test", "t.yml"]);
    assert_eq!(
        (ran.code, ran.out.contains("1 test passed")),
        (0, true),
        "{ran:?}"
    );
}

/// What Prometheus does, a behaviour a file; promtool passes those that it knows.
#[test]
fn rules_do_as_in_prometheus() {
    for folder in ["tests/semantics", "tests/semantics/newer"] {
        let folder = repository().join(folder);
        let files = std::fs::read_dir(&folder).expect("the folder is in the repository");
        let files = files
            .flatten()
            .map(|file| file.file_name().to_string_lossy().into_owned());
        let mut files: Vec<String> = files
            .filter(|name| name.ends_with(".yml") && !name.ends_with(".rules.yml"))
            .collect();
        files.sort();
        assert!(files.len() >= 5, "{files:?}");
        let args = ["test"].into_iter().chain(files.iter().map(String::as_str));
        let ran = run(&folder, &args.collect::<Vec<&str>>());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(ran.out.ends_with("passed\n"), "{}", ran.out);
    }
}

/// 525,601 evaluations of a rule that fires all the time but for a week.
#[test]
fn a_year_passes() {
    let tests = "rule_files: [r.yml]
tests:
- name: a year
  input_series:
  - {series: up, values: 0x260000 1x10079 0x260000}
  alert_rule_test:
  - {eval_time: 260000m, alertname: Down, exp_alerts: [{}]}
  - {eval_time: 262000m, alertname: Down}
  - {eval_time: 365d, alertname: Down, exp_alerts: [{}]}
  promql_expr_test:
  - expr: count_over_time(ALERTS{alertstate=\"firing\"}[365d])
    eval_time: 365d
    exp_samples: [{labels: '{alertname=\"Down\", alertstate=\"firing\"}', value: 515517}]
";
    let rules = "groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 2m}]}]\n";
    let folder = Folder::new("year", &[("r.yml", rules), ("t.yml", tests)]);
    let ran = folder.run(&["test", "t.yml", "--output", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let test = &report["files"][0]["tests"][0];
    assert_eq!(
        (test["evaluations"].as_u64(), &test["failures"]),
        (Some(525_601), &serde_json::json!([]))
    );
}

#[test]
fn check_tells_of_digests_and_signatures_that_are_none() {
    let documents = "module: {name: m, file: m.wasm, signature: m.wasm.minisig}
---
receiver: {name: r, spec: {module: m, digest: latest}}
---
group:
  namespace: a
  name: b
  spec:
    rules:
      - {alert: A, module: m, digest: 'sha256:12'}
";
    let folder = Folder::new("digests", &[("all.yml", documents), ("m.wasm", "x")]);
    let ran = folder.run(&["check", "all.yml"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for place in [
        "all.yml:1: module.signature: there is no file",
        "all.yml:3: receiver.spec.digest is not sha256:",
        "all.yml:10: group.spec.rules[0].digest: is not sha256:",
    ] {
        assert!(ran.err.contains(place), "{place} is missing:\n{}", ran.err);
    }
}

const WEBHOOK: &str = "\
tests:
  - name: posts
    notifier_test:
      - module: webhook
        config: {url: 'https://example.com/hook'}
        alerts: [{labels: {alertname: Down, host: a}, annotations: {summary: a is down}}]
        exp_requests: [{url: 'https://example.com/hook', headers: {content-type: application/json}}]
        responses:
          - {status: 204, exp: delivered}
          - {status: 429, headers: {Retry-After: '7'}, exp: retry, exp_retry_after: 7s}
          - {status: 404, exp: failed}
";

#[test]
fn notifiers_are_tested_with_their_requests_and_dispositions() {
    let wrong = WEBHOOK
        .replace(
            "url: 'https://example.com/hook', headers",
            "url: 'https://example.com/other', headers",
        )
        .replace("exp_retry_after: 7s", "exp_retry_after: 8s")
        .replace("exp: failed", "exp: retry");
    let refused = WEBHOOK.replace("config: {url: 'https://example.com/hook'}", "config: {adress: x}");
    let folder = Folder::new(
        "notifiers",
        &[
            ("good_test.yml", WEBHOOK),
            ("wrong_test.yml", &wrong),
            ("refused_test.yml", &refused),
        ],
    );
    let ran = folder.run(&["test", "good_test.yml"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.ends_with("1 test passed\n"), "{}", ran.out);
    let ran = folder.run(&["test", "wrong_test.yml"]);
    assert_eq!(ran.code, 1);
    for line in [
        "wrong_test.yml:4: requests of webhook",
        "expected  [0] request       POST https://example.com/other",
        "got       [0] request       POST https://example.com/hook",
        "wrong_test.yml:10: what status 429 means to webhook",
        "expected  retry after  8s",
        "got       retry after  7s",
        "expected  disposition  retry",
        "got       disposition  failed",
    ] {
        assert!(ran.out.contains(line), "no {line:?} in {}", ran.out);
    }
    let ran = folder.run(&["test", "refused_test.yml"]);
    assert!(ran.code == 1 && ran.out.contains("bad_config"), "{ran:?}");
}

#[test]
fn what_is_wrong_with_tests_of_notifiers_is_told_with_its_line() {
    let text = WEBHOOK
        .replace(
            "[{labels: {alertname: Down, host: a}, annotations: {summary: a is down}}]",
            "[]",
        )
        .replace("exp: failed", "exp: gone, and: more");
    let folder = Folder::new("notifiers-wrong", &[("wrong_test.yml", &text)]);
    let ran = folder.run(&["check", "wrong_test.yml"]);
    assert_eq!(ran.code, 2);
    for error in [
        "wrong_test.yml:4: tests[0].notifier_test[0].alerts: needs 1 to 256 alerts",
        "wrong_test.yml:11: tests[0].notifier_test[0].responses[2].exp: expected delivered, retry or failed",
        "wrong_test.yml:11: tests[0].notifier_test[0].responses[2].and: unknown field",
    ] {
        assert!(ran.err.contains(error), "no {error:?} in {}", ran.err);
    }
}
