//! What rules do beyond Prometheus': limits, missing data, quorums.

use super::*;
use crate::evaluation::{Finding, RecordedSample};
use crate::spec::{Quorum, RuleOptions};

struct Rule {
    group: GroupSpec,
    rule: RuleSpec,
    policy: Policy,
    alerts: Alerts,
    since: Since,
    /// Names of the series that it records, whose label `instance` is the same.
    records: Vec<&'static str>,
}

impl Rule {
    fn new(limit: u64, options: RuleOptions) -> Self {
        let group = GroupSpec {
            limit,
            ..GroupSpec::default()
        };
        let rule = RuleSpec {
            name: "Down".to_owned(),
            module: "m".to_owned(),
            options,
            ..RuleSpec::default()
        };
        let policy = Policy {
            quorum: options.quorum,
            ..Policy::default()
        };
        Self {
            group,
            rule,
            policy,
            alerts: Alerts::new(),
            since: Since::default(),
            records: Vec::new(),
        }
    }

    /// Evaluates at that minute, with findings of these instances; none is no data at all.
    fn see(&mut self, minute: i64, instances: Option<&[&str]>) -> Result<Judged, Fault> {
        let finding = |instance: &&str| Finding {
            given: [("instance", *instance)].into_iter().collect(),
            value: 1.0,
            annotations: Vec::new(),
        };
        let sample = |name: &&str| RecordedSample {
            labels: [("__name__", *name), ("instance", *name)].into_iter().collect(),
            value: 1.0,
        };
        let outcome = Outcome {
            findings: instances.unwrap_or_default().iter().map(finding).collect(),
            samples: self.records.iter().map(sample).collect(),
        };
        let of = (&self.group, &self.rule);
        let now_ms = minute * 60_000;
        let judged = judge(
            &self.alerts,
            Evaluated {
                outcome: &outcome,
                has_data: instances.is_some(),
                since: &self.since,
            },
            of,
            now_ms,
            &self.policy,
        )?;
        self.alerts.apply(&judged.step);
        Ok(judged)
    }

    /// The alerts with their states, such as `a firing`.
    fn states(&self) -> Vec<String> {
        let told = |alert: &crate::alert::Alert| {
            let instance = alert.labels.get("instance").unwrap_or_default();
            format!("{instance} {}", alert.state.as_str())
        };
        self.alerts.iter().map(told).collect()
    }
}

#[test]
fn over_the_limit_an_evaluation_fails_in_prometheus_words_and_changes_nothing() {
    let mut rule = Rule::new(2, RuleOptions::default());
    rule.see(0, Some(&["a", "b"])).unwrap();
    let fault = rule.see(1, Some(&["b", "c", "d"])).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "limit_exceeded: exceeded limit of 2 with 3 alerts"
    );
    assert_eq!(rule.states(), ["a firing", "b firing"]);
    // What has resolved and is retained is none.
    rule.see(2, Some(&["c", "d"])).unwrap();
    assert_eq!(
        rule.states(),
        ["a inactive", "b inactive", "c firing", "d firing"]
    );
    assert!(rule.see(3, Some(&["a", "c", "d"])).is_err());
}

#[test]
fn a_limit_may_keep_the_alerts_that_are_there() {
    let options = RuleOptions {
        over_limit: OverLimit::Keep,
        ..RuleOptions::default()
    };
    let mut rule = Rule::new(2, options);
    let dropped = |judged: Judged| -> Vec<String> {
        let instance = |labels: &Labels| labels.get("instance").unwrap_or_default().to_owned();
        judged.dropped.iter().map(instance).collect()
    };
    assert_eq!(dropped(rule.see(0, Some(&["c", "b"])).unwrap()), [""; 0]);
    assert_eq!(
        dropped(rule.see(1, Some(&["a", "b", "c", "d"])).unwrap()),
        ["a", "d"]
    );
    assert_eq!(rule.states(), ["b firing", "c firing"]);
    // There is room at the evaluation after the one that has made it.
    assert_eq!(dropped(rule.see(2, Some(&["a", "c", "d"])).unwrap()), ["a", "d"]);
    assert_eq!(dropped(rule.see(3, Some(&["a", "c", "d"])).unwrap()), ["d"]);
    assert_eq!(rule.states(), ["a firing", "b inactive", "c firing"]);
}

#[test]
fn without_data_alerts_resolve_or_stay() {
    for (no_data, state) in [
        (NoData::Resolve, "a inactive"),
        (NoData::Alert, "a inactive"),
        (NoData::Keep, "a firing"),
    ] {
        let options = RuleOptions {
            no_data,
            ..RuleOptions::default()
        };
        let mut rule = Rule::new(0, options);
        rule.see(0, Some(&["a"])).unwrap();
        let judged = rule.see(3, None).unwrap();
        assert_eq!(rule.states(), [state], "{no_data:?}");
        // It is told again that it fires, or it would be forgotten.
        assert_eq!(judged.step.notify.len(), 1, "{no_data:?}");
        rule.see(4, Some(&[])).unwrap();
        assert_eq!(rule.states(), ["a inactive"], "{no_data:?}");
    }
}

#[test]
fn without_data_nothing_goes_on_where_alerts_are_kept() {
    let options = RuleOptions {
        no_data: NoData::Keep,
        ..RuleOptions::default()
    };
    let mut rule = Rule::new(0, options);
    rule.policy.for_ms = 120_000;
    rule.see(0, Some(&["a"])).unwrap();
    rule.see(5, None).unwrap();
    assert_eq!(rule.states(), ["a pending"]);
    rule.see(6, Some(&["a"])).unwrap();
    assert_eq!(rule.states(), ["a firing"]);
    rule.policy.keep_firing_for_ms = 120_000;
    rule.see(7, Some(&[])).unwrap();
    rule.see(20, None).unwrap();
    assert_eq!(rule.states(), ["a firing"]);
}

#[test]
fn a_lower_limit_keeps_the_alerts_that_are_there() {
    let options = RuleOptions {
        over_limit: OverLimit::Keep,
        ..RuleOptions::default()
    };
    let mut rule = Rule::new(2, options);
    rule.see(0, Some(&["a", "b"])).unwrap();
    rule.group.limit = 1;
    rule.see(1, Some(&["a", "b", "c"])).unwrap();
    assert_eq!(rule.states(), ["a firing", "b firing"]);
    rule.see(2, Some(&["b"])).unwrap();
    assert_eq!(rule.states(), ["a inactive", "b firing"]);
}

#[test]
fn a_larger_quorum_resolves_nothing_that_is_observed_all_the_time() {
    let mut rule = Rule::new(0, RuleOptions::default());
    rule.see(0, Some(&["a"])).unwrap();
    rule.policy.quorum = Quorum { at_least: 3, of: 5 };
    rule.alerts.assume_seen();
    for minute in 1..10 {
        rule.see(minute, Some(&["a"])).unwrap();
        assert_eq!(rule.states(), ["a firing"], "{minute}");
    }
}

#[test]
fn a_quorum_of_the_last_evaluations_fires_and_goes_on_firing() {
    let quorum = Quorum { at_least: 2, of: 4 };
    let mut rule = Rule::new(
        0,
        RuleOptions {
            quorum,
            ..RuleOptions::default()
        },
    );
    let mut states = Vec::new();
    for (minute, seen) in [
        true, false, false, true, false, false, true, true, false, false, false, false, true, false, false,
        false, false,
    ]
    .into_iter()
    .enumerate()
    {
        rule.see(minute as i64, Some(if seen { &["a"] } else { &[] }))
            .unwrap();
        states.push(rule.states().pop().unwrap_or_else(|| "none".to_owned()));
    }
    let expected = [
        "a pending",
        "a pending",
        "a pending",
        "a firing",
        "a inactive",
        "a inactive",
        "a pending",
        "a firing",
        "a firing",
        "a firing",
        "a inactive",
        "a inactive",
        "a pending",
        "a pending",
        "a pending",
        "a pending",
        "none",
    ];
    assert_eq!(states, expected);
    let alert = rule.alerts.iter().next();
    assert_eq!(alert, None);
    assert!(Quorum::default().is_met(0b11) && !Quorum::default().is_met(0b10));
    assert!(Quorum { at_least: 64, of: 64 }.is_met(u64::MAX));
}

#[test]
fn an_evaluation_that_records_two_series_of_the_same_labels_fails() {
    let mut rule = Rule::new(0, RuleOptions::default());
    rule.records = vec!["m", "n"];
    assert!(rule.see(0, Some(&["a"])).is_ok());
    rule.records = vec!["m", "n", "m"];
    let fault = rule.see(1, Some(&["a", "b"])).unwrap_err();
    assert_eq!(fault.code, FaultCode::DuplicateLabels);
    assert!(
        fault
            .message
            .contains(r#"two series are {__name__="m", instance="m"}"#),
        "{fault:?}"
    );
    assert_eq!(rule.states(), ["a firing"], "alerts are as they were");
    // Of different instances: a label of the rule makes them the same.
    rule.records = vec!["m", "n"];
    rule.rule.labels = [("instance".to_owned(), "all".to_owned())].into();
    assert!(rule.see(2, Some(&[])).is_ok());
    rule.rule.labels = [
        ("instance".to_owned(), "all".to_owned()),
        ("__name__".to_owned(), "x".to_owned()),
    ]
    .into();
    assert!(rule.see(3, Some(&[])).is_ok(), "the name is the rule's own");
}

#[test]
fn alerts_are_active_since_when_they_are_known_from_elsewhere() {
    let mut rule = Rule::new(0, RuleOptions::default());
    rule.policy.for_ms = 10 * 60_000;
    let external = [("cluster", "eu"), ("instance", "none")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    rule.since = Since::new(&external.into());
    let mut add = |instance: &str, more: &[(&str, &str)], seconds: f64| {
        let labels = [
            ("__name__", "ALERTS_FOR_STATE"),
            ("alertname", "Down"),
            ("instance", instance),
        ];
        rule.since
            .add(labels.into_iter().chain(more.iter().copied()), seconds);
    };
    add("a", &[], 60.0);
    add("b", &[("cluster", "eu")], 19.0 * 60.0);
    add("c", &[("cluster", "us")], 60.0);
    add("gone", &[], 60.0);
    for (instance, no_time) in [("d", f64::NAN), ("e", f64::INFINITY), ("f", -1.0), ("g", 0.0)] {
        add(instance, &[], no_time);
    }
    let all = ["a", "b", "c", "d", "e", "f", "g"];
    rule.see(20, Some(&all)).unwrap();
    let pending = ["b", "c", "d", "e", "f", "g"].map(|instance| format!("{instance} pending"));
    let with = |first: &str, rest: &[String]| [&[first.to_owned()], rest].concat();
    assert_eq!(rule.states(), with("a firing", &pending));
    rule.since = Since::default();
    rule.see(29, Some(&all)).unwrap();
    assert_eq!(
        rule.states(),
        [with("a firing", &["b firing".to_owned()]), pending[1..].to_vec()].concat()
    );
}
