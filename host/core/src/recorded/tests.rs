use std::collections::BTreeMap;

use super::*;
use crate::evaluation::GivenLabels;
use crate::sample::is_stale;

fn map(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    owned.collect()
}

fn group() -> GroupSpec {
    GroupSpec {
        labels: map(&[("env", "prod"), ("team", "group")]),
        ..GroupSpec::default()
    }
}

fn rule() -> RuleSpec {
    RuleSpec {
        name: "R".to_owned(),
        module: "m".to_owned(),
        labels: map(&[("team", "rule"), ("__name__", "other"), ("dropped", "")]),
        ..RuleSpec::default()
    }
}

fn sample(labels: &[(&str, &str)], value: f64) -> RecordedSample {
    RecordedSample {
        labels: labels.iter().copied().collect::<GivenLabels>(),
        value,
    }
}

fn alert(instance: &str, state: AlertState) -> Alert {
    Alert {
        labels: Arc::new(Labels::from_iter([("alertname", "R"), ("instance", instance)])),
        annotations: Arc::default(),
        value: 3.0,
        state,
        active_at_ms: 61_999,
        fired_at_ms: None,
        resolved_at_ms: None,
        last_sent_at_ms: None,
        keep_firing_since_ms: None,
        seen: 1,
    }
}

fn texts(recorded: &Recorded) -> Vec<(String, Option<f64>)> {
    let text =
        |(labels, value): &(Arc<Labels>, f64)| (labels.to_string(), (!is_stale(*value)).then_some(*value));
    recorded.samples.iter().map(text).collect()
}

#[test]
fn labels_of_group_and_rule_go_over_what_was_recorded_but_for_the_name() {
    let samples = [sample(
        &[
            ("__name__", "a:b"),
            ("team", "mine"),
            ("dropped", "x"),
            ("job", "j"),
        ],
        2.0,
    )];
    let recorded = Recorded::new(&[], &samples, &Alerts::new(), &group(), &rule());
    let expected = r#"{__name__="a:b", env="prod", job="j", team="rule"}"#;
    assert_eq!(texts(&recorded), [(expected.to_owned(), Some(2.0))]);
    assert_eq!(recorded.series[0].to_string(), expected);
}

#[test]
fn active_alerts_have_two_series_and_inactive_ones_none() {
    let mut alerts = Alerts::new();
    alerts.insert(alert("a", AlertState::Firing));
    alerts.insert(alert("b", AlertState::Pending));
    alerts.insert(alert("c", AlertState::Inactive));
    let recorded = Recorded::new(&[], &[], &alerts, &group(), &rule());
    let expected = [
        (
            r#"{__name__="ALERTS", alertname="R", alertstate="firing", instance="a"}"#,
            1.0,
        ),
        (
            r#"{__name__="ALERTS", alertname="R", alertstate="pending", instance="b"}"#,
            1.0,
        ),
        (
            r#"{__name__="ALERTS_FOR_STATE", alertname="R", instance="a"}"#,
            61.0,
        ),
        (
            r#"{__name__="ALERTS_FOR_STATE", alertname="R", instance="b"}"#,
            61.0,
        ),
    ];
    assert_eq!(
        texts(&recorded),
        expected.map(|(labels, value)| (labels.to_owned(), Some(value)))
    );
}

#[test]
fn series_that_are_gone_end() {
    let a = [
        sample(&[("__name__", "a")], 1.0),
        sample(&[("__name__", "b")], 1.0),
    ];
    let first = Recorded::new(&[], &a, &Alerts::new(), &group(), &rule());
    let second = Recorded::new(&first.series, &a[1..], &Alerts::new(), &group(), &rule());
    let expected = [
        (r#"{__name__="b", env="prod", team="rule"}"#.to_owned(), Some(1.0)),
        (r#"{__name__="a", env="prod", team="rule"}"#.to_owned(), None),
    ];
    assert_eq!(texts(&second), expected);
    assert_eq!(second.series.len(), 1);
    let third = Recorded::new(&second.series, &[], &Alerts::new(), &group(), &rule());
    assert_eq!(third.samples.len(), 1);
    assert_eq!(third.series, []);
}
