//! Conditions, groups, and what is no condition.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use composite::Composite;
use wasmalert::testing::{Evaluation, Failure, FakeHost, frame};

/// Alerts that fire, as `A{service="a"}`.
type Alerts<'a> = &'a [&'a str];

fn config(when: &str, by: &[&str], more: &str) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#));
    let by: Vec<_> = by.iter().map(|label| quoted(label)).collect();
    format!(r#"{{"when": {}, "by": [{}]{more}}}"#, quoted(when), by.join(", "))
}

/// A host that counts these alerts by name and labels, as a source does. Their
/// labels are those of the groups.
fn host(config: String, alerts: Alerts<'_>) -> FakeHost {
    let mut counts = BTreeMap::<_, BTreeMap<String, f64>>::new();
    for alert in alerts {
        let (name, labels) = alert.split_at(alert.find('{').unwrap_or(alert.len()));
        let group = counts.entry(name.to_owned()).or_default();
        *group.entry(labels.to_owned()).or_default() += 1.0;
    }
    let mut host = FakeHost::new().config(config);
    host.answer_by(move |asked| {
        let named = |name: &str| asked.expr.contains(&format!("alertname=\"{name}\""));
        let groups = counts
            .iter()
            .find(|(name, _)| named(name))
            .map(|(_, groups)| groups);
        let series = groups
            .into_iter()
            .flatten()
            .map(|(labels, count)| (&**labels, *count));
        Some(Ok(frame(0, &series.collect::<Vec<_>>())))
    });
    host
}

fn evaluate(when: &str, by: &[&str], alerts: Alerts<'_>) -> Evaluation {
    host(config(when, by, ""), alerts)
        .evaluate::<Composite>()
        .unwrap()
}

fn found(when: &str, by: &[&str], alerts: Alerts<'_>) -> Vec<String> {
    evaluate(when, by, alerts).found()
}

/// Whether a condition holds, without groups, while the alerts of these letters fire.
fn holds(when: &str, names: &str) -> bool {
    let names: Vec<String> = names.chars().map(String::from).collect();
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    !found(when, &[], &names).is_empty()
}

fn refused(when: &str) -> String {
    let failure: Failure = host(config(when, &["s"], ""), &[])
        .evaluate::<Composite>()
        .unwrap_err();
    assert_eq!(failure.code, "bad_config");
    failure.message
}

/// What a condition asks.
fn asked(when: &str, by: &[&str], more: &str) -> Vec<String> {
    let evaluation = host(config(when, by, more), &[]).evaluate::<Composite>().unwrap();
    evaluation.queries.into_iter().map(|asked| asked.expr).collect()
}

#[test]
fn conditions_are_what_logic_says() {
    let all = ["", "A", "B", "C", "AB", "AC", "BC", "ABC"];
    let table = |when: &str| -> String {
        let holding = all.iter().map(|names| holds(when, names));
        holding.map(|holds| if holds { '1' } else { '0' }).collect()
    };
    let wanted: [(&str, &str); 12] = [
        ("A", "01001101"),
        ("not A", "10110010"),
        ("not not A", "01001101"),
        ("A and B", "00001001"),
        ("A or B", "01101111"),
        ("A or B and C", "01001111"),
        ("(A or B) and C", "00000111"),
        ("not A and B", "00100010"),
        ("not (A and B)", "11110110"),
        ("A and (B or not C)", "01001001"),
        ("A and B and C or not A and not B and not C", "10000001"),
        ("not A or not (B or C) and A", "11110010"),
    ];
    for (when, holds) in wanted {
        assert_eq!(table(when), holds, "{when}");
    }
}

#[test]
fn each_group_is_for_itself() {
    let alerts = [
        r#"Latency{service="a"}"#,
        r#"Latency{service="b"}"#,
        r#"Errors{service="b"}"#,
        r#"Errors{service="c"}"#,
        r#"Deploying{service="b"}"#,
    ];
    let found = |when| found(when, &["service"], &alerts);
    let (a, b, c) = (r#"{service="a"}"#, r#"{service="b"}"#, r#"{service="c"}"#);
    assert_eq!(found("Latency and Errors"), [b]);
    assert_eq!(found("Latency or Errors"), [a, b, c]);
    assert_eq!(found("Latency and (Errors or not Deploying)"), [a, b]);
    assert_eq!(found("(Latency or Errors) and not Deploying"), [a, c]);
    assert!(found("Latency and Missing").is_empty());
}

#[test]
fn an_alert_without_a_label_counts_for_every_value() {
    let alerts = [r#"Errors{service="a"}"#, r#"Errors{service="b"}"#, "Maintenance"];
    assert!(found("Errors and not Maintenance", &["service"], &alerts).is_empty());
    assert_eq!(found("Errors and Maintenance", &["service"], &alerts).len(), 2);
    let everywhere = found("Maintenance", &["service"], &alerts);
    assert_eq!(everywhere, ["{}"], "no other group is known");
    let alerts = [
        r#"X{a="1", b="1"}"#,
        r#"X{a="1", b="2"}"#,
        r#"Y{a="1"}"#,
        r#"Z{b="2"}"#,
    ];
    let by = ["a", "b"];
    assert_eq!(found("X and Y", &by, &alerts).len(), 2);
    assert_eq!(found("X and Z", &by, &alerts), [r#"{a="1", b="2"}"#]);
    assert_eq!(found("X and Y and not Z", &by, &alerts), [r#"{a="1", b="1"}"#]);
}

#[test]
fn findings_tell_what_holds() {
    let alerts = [r#"A{s="x"}"#, r#"A{s="x"}"#, r#"B{s="x"}"#, r#"C{s="y"}"#, "B"];
    let evaluation = evaluate(r#"A and not C and (B{env="p"} or B)"#, &["s"], &alerts);
    let finding = evaluation.finding(r#"{s="x"}"#);
    assert_eq!(finding.value, 6.0, "two of A, twice two of B");
    let told = ("alerts".to_owned(), r#"A, B{env="p"}, B"#.to_owned());
    assert_eq!(finding.annotations, [told]);
    assert!(evaluation.state.is_empty());
}

#[test]
fn without_by_there_is_one_group() {
    assert_eq!(found("A", &[], &["A"]), ["{}"]);
    assert!(found("A", &[], &[]).is_empty());
    assert_eq!(found("not A", &[], &[]), ["{}"]);
    assert!(found("not A", &[], &["A"]).is_empty());
}

#[test]
fn each_name_is_one_query() {
    assert_eq!(
        asked(
            r#"A and (B{x="1",y!="2", z=~'a|b', w!~"c",} or not A) and B{}"#,
            &["s", "t"],
            ""
        ),
        [
            r#"count by (s, t) (ALERTS{alertname="A", alertstate="firing"})"#,
            r#"count by (s, t) (ALERTS{alertname="B", alertstate="firing", x="1", y!="2", z=~"a|b", w!~"c"})"#,
            r#"count by (s, t) (ALERTS{alertname="B", alertstate="firing"})"#,
        ]
    );
    assert_eq!(
        asked("A", &[], r#", "pending": true"#),
        [r#"count by () (ALERTS{alertname="A", alertstate=~"pending|firing"})"#]
    );
}

#[test]
fn names_may_be_quoted_and_quotes_are_kept() {
    let name_of = |when: &str| asked(when, &[], "").remove(0);
    let named = |name: &str| format!(r#"count by () (ALERTS{{alertname="{name}", alertstate="firing"}})"#);
    assert_eq!(name_of(" job:slow-é.1 "), named("job:slow-é.1"));
    assert_eq!(name_of(r#""not""#), named("not"));
    assert_eq!(name_of("'a \"b\" \\\\ \\'c\\n'"), named(r#"a \"b\" \\ 'c\n"#));
    assert_eq!(name_of("notA"), named("notA"));
    assert_eq!(name_of("NOT"), named("NOT"), "words are small");
}

#[test]
fn errors_tell_the_place() {
    for (when, says) in [
        (
            "",
            "at character 1: expected the name of an alert, `not` or `(`, found the end",
        ),
        (
            "A and",
            "at character 6: expected the name of an alert, `not` or `(`, found the end",
        ),
        (
            "A AND B",
            "at character 3: expected `and`, `or` or the end, found `AND`",
        ),
        (
            "A and or B",
            "at character 7: expected the name of an alert, `not` or `(`, found `or`",
        ),
        (
            "A & B",
            "at character 3: expected `and`, `or` or the end, found `&`",
        ),
        (
            "(A or B",
            "at character 8: expected `and`, `or` or `)`, found the end",
        ),
        (
            "A) or B",
            "at character 2: expected `and`, `or` or the end, found `)`",
        ),
        (
            "ä or ()",
            "at character 7: expected the name of an alert, `not` or `(`, found `)`",
        ),
        (
            "A or ''",
            "at character 6: expected the name of an alert, `not` or `(`, found `'`",
        ),
        ("A or 'B", "at character 6: the quoted text does not end"),
        (
            r#"A or 'B\t'"#,
            r#"at character 8: only \\, \", \' and \n are known"#,
        ),
        (
            "A{",
            "at character 3: expected the name of a label, or `}`, found the end",
        ),
        (
            "A{b}",
            "at character 4: expected `=`, `!=`, `=~` or `!~`, found `}`",
        ),
        (
            "A{1=''}",
            "at character 3: expected the name of a label, or `}`, found `1`",
        ),
        ("A{b=c}", "at character 5: expected a quoted text, found `c`"),
        ("A{b='c' d='e'}", "at character 9: expected `,` or `}`, found `d`"),
        (
            "A{alertstate='pending'}",
            "at character 3: alertstate cannot be matched",
        ),
        ("A{alertname='B'}", "at character 3: alertname cannot be matched"),
    ] {
        let message = refused(when);
        assert!(message.contains(&format!("when: {says}")), "{when}: {message}");
    }
}

#[test]
fn conditions_are_bounded() {
    let nested = |depth: usize| format!("{}A{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(asked(&nested(16), &[], "").len(), 1);
    assert!(refused(&nested(17)).contains("at character 18: nested more than 16 deep"));
    assert!(refused(&format!("{}A", "not ".repeat(2_000 / 2))).contains("nested more than 16 deep"));
    let names = |count: usize| {
        (0..count)
            .map(|i| format!("A{i}"))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    assert_eq!(asked(&names(32), &[], "").len(), 32);
    assert!(refused(&names(33)).contains("more than 32 different names"));
    let long = vec!["A"; 1_000].join(" or ");
    assert!(refused(&long).contains("longer than 4096 bytes"));
    assert_eq!(
        asked(&long[..4_096], &[], "").len(),
        1,
        "however often a name is there"
    );
}

#[test]
fn groups_are_bounded() {
    let alerts: Vec<String> = (0..10_001).map(|i| format!("A{{s=\"{i}\"}}")).collect();
    let alerts: Vec<&str> = alerts.iter().map(|alert| &**alert).collect();
    let evaluate = |alerts| host(config("A", &["s"], ""), alerts).evaluate::<Composite>();
    assert_eq!(evaluate(&alerts).unwrap_err().code, "too_many_groups");
    assert_eq!(evaluate(&alerts[1..]).unwrap().findings.len(), 10_000);
}

#[test]
fn a_failed_query_fails_the_evaluation() {
    let mut host = FakeHost::new().config(config("A", &[], ""));
    let query = r#"count by () (ALERTS{alertname="A", alertstate="firing"})"#;
    host.fail(query, "query_timeout", "");
    assert_eq!(host.evaluate::<Composite>().unwrap_err().code, "query_timeout");
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    for (config, says) in [
        ("{}".to_owned(), "missing field `when`"),
        (config("not A", &["s"], ""), "when: holds where nothing fires"),
        (
            config("A or not B", &["s"], ""),
            "when: holds where nothing fires",
        ),
        (
            config("A", &["a", "b", "c", "d", "e"], ""),
            "by: more than 4 labels",
        ),
        (config("A", &["a", "a"], ""), r#"by: "a" is there twice"#),
        (config("A", &[""], ""), r#"by: "" is not the name of a label"#),
        (config("A", &["1a"], ""), r#"by: "1a" is not"#),
        (config("A", &["a-b"], ""), r#"by: "a-b" is not"#),
        (config("A", &["alertname"], ""), r#"by: "alertname" is not"#),
        (config("A", &[], r#", "expr": "x""#), "unknown field `expr`"),
    ] {
        let failure = FakeHost::new()
            .config(config)
            .evaluate::<Composite>()
            .unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}
