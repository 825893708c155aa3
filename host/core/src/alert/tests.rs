//! The lifecycle, one test for each thing it promises.

use super::*;
use crate::fault::FaultCode;

const MINUTE_MS: i64 = 60_000;
const RETENTION_MS: i64 = 15 * MINUTE_MS;

fn observed(instance: &str) -> Observed {
    Observed {
        labels: labels(instance),
        annotations: Annotations::default(),
        value: 1.0,
        since_ms: None,
    }
}

fn labels(instance: &str) -> Labels {
    [(ALERT_NAME, "Down"), ("instance", instance)]
        .into_iter()
        .collect()
}

fn held() -> Policy {
    Policy {
        for_ms: MINUTE_MS,
        ..Policy::default()
    }
}

fn kept() -> Policy {
    Policy {
        keep_firing_for_ms: 2 * MINUTE_MS,
        ..Policy::default()
    }
}

/// A rule's alerts, and the last step.
#[derive(Default)]
struct Rule {
    alerts: Alerts,
    policy: Policy,
    last: Step,
}

impl Rule {
    fn new(policy: Policy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// Evaluates successfully at that time: these instances are down.
    fn see(&mut self, now_ms: i64, instances: &[&str]) -> &mut Self {
        self.observe(now_ms, instances.iter().map(|i| observed(i)).collect())
    }

    fn observe(&mut self, now_ms: i64, findings: Vec<Observed>) -> &mut Self {
        self.last = step(
            &self.alerts,
            Observation::Findings(findings),
            now_ms,
            &self.policy,
        )
        .unwrap();
        self.alerts.apply(&self.last);
        self
    }

    #[track_caller]
    fn alert(&self, instance: &str) -> &Alert {
        self.alerts.get(&labels(instance)).unwrap()
    }

    #[track_caller]
    fn state(&self) -> AlertState {
        self.alert("a").state
    }

    fn reasons(&self) -> Vec<TransitionReason> {
        self.last.transitions.iter().map(|turn| turn.reason).collect()
    }

    fn notified(&self) -> Vec<(NotifyReason, i64)> {
        self.last
            .notify
            .iter()
            .map(|n| (n.reason, n.ends_at_ms))
            .collect()
    }
}

fn finding(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Finding {
    let owned = |(n, t): &(&str, &str)| (n.to_string(), t.to_string());
    Finding {
        given: labels.iter().copied().collect(),
        value: 1.0,
        annotations: annotations.iter().map(owned).collect(),
    }
}

fn identified(finding: &Finding, group: &[(&str, &str)], rule: &[(&str, &str)]) -> Labels {
    let texts = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(n, t)| (n.to_string(), t.to_string()))
            .collect()
    };
    let (group, rule) = (texts(group), texts(rule));
    identify(finding, "Down", &group, &rule, &BTreeMap::new()).labels
}

// Labels

#[test]
fn metric_name_is_dropped() {
    let found = finding(&[("__name__", "up"), ("instance", "a")], &[]);
    assert_eq!(identified(&found, &[], &[]), labels("a"));
}

#[test]
fn rule_labels_overlay_group_labels_overlay_the_findings() {
    let found = finding(
        &[
            ("instance", "x"),
            ("a", "finding"),
            ("b", "finding"),
            ("c", "finding"),
        ],
        &[],
    );
    let got = identified(
        &found,
        &[("b", "group"), ("c", "group")],
        &[("c", "rule"), ("d", "rule")],
    );
    let want = "{a=\"finding\", alertname=\"Down\", b=\"group\", c=\"rule\", d=\"rule\", instance=\"x\"}";
    assert_eq!(got.to_string(), want);
}

#[test]
fn alertname_is_forced() {
    let found = finding(&[("alertname", "finding")], &[]);
    let got = identified(&found, &[("alertname", "group")], &[("alertname", "rule")]);
    assert_eq!(got.get(ALERT_NAME), Some("Down"));
}

#[test]
fn an_empty_label_is_no_label() {
    let found = finding(&[("instance", "a"), ("zone", "")], &[]);
    assert_eq!(identified(&found, &[], &[]), labels("a"));
}

#[test]
fn a_template_that_the_component_has_expanded_gives_way() {
    let rule = [("team", "{{ $labels.team }}"), ("zone", "eu")];
    let found = finding(&[("team", "core"), ("zone", "finding")], &[]);
    let want: Labels = [("alertname", "Down"), ("team", "core"), ("zone", "eu")]
        .into_iter()
        .collect();
    assert_eq!(identified(&found, &[], &rule), want);
    // Expanded to nothing it is no label, and the group's of that name does not come back.
    let found = finding(&[("team", "")], &[]);
    assert_eq!(
        identified(&found, &[("team", "of the group")], &rule[..1]),
        labels_named(&[])
    );
    // A component that knows no templates leaves them.
    let want = labels_named(&[("team", "{{ $labels.team }}")]);
    assert_eq!(identified(&finding(&[], &[]), &[], &rule[..1]), want);
}

fn labels_named(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().chain([("alertname", "Down")]).collect()
}

#[test]
fn the_findings_annotations_win_over_the_rules() {
    let found = finding(
        &[],
        &[("summary", "first"), ("summary", "finding"), ("empty", "")],
    );
    let of_rule = [("summary", "rule"), ("runbook", "rule")];
    let of_rule = of_rule.map(|(n, t)| (n.to_owned(), t.to_owned())).into();
    let got = identify(&found, "Down", &BTreeMap::new(), &BTreeMap::new(), &of_rule).annotations;
    let want = [("empty", ""), ("runbook", "rule"), ("summary", "finding")];
    assert_eq!(got.iter().collect::<Vec<_>>(), want);
    assert_eq!(got.get("summary"), Some("finding"));
}

#[test]
fn two_results_with_the_same_labels_fail_the_rule_and_name_them() {
    let alerts = Alerts::new();
    let twice = Observation::Findings(vec![observed("b"), observed("a"), observed("b")]);
    let fault = step(&alerts, twice, 0, &Policy::default()).unwrap_err();
    assert_eq!(fault.code, FaultCode::DuplicateLabels);
    assert!(
        fault.message.contains(r#"{alertname="Down", instance="b"}"#),
        "{fault}"
    );
}

// Observed

#[test]
fn an_existing_alert_has_its_value_and_annotations_refreshed_only() {
    let mut rule = Rule::new(held());
    rule.see(0, &["a"]);
    let before = rule.alert("a").clone();
    let news = Observed {
        value: 7.0,
        annotations: [("summary", "new")].into_iter().collect(),
        ..observed("a")
    };
    rule.observe(1, vec![news.clone()]);
    assert!(rule.last.is_quiet() && rule.last.transitions.is_empty());
    let after = rule.alert("a");
    assert_eq!(rule.last.refreshed, std::slice::from_ref(after));
    let want = Alert {
        value: 7.0,
        annotations: Arc::new(news.annotations),
        ..before
    };
    assert_eq!(*after, want);
}

#[test]
fn nothing_new_is_no_change_at_all() {
    let mut rule = Rule::new(held());
    let not_a_number = Observed {
        value: f64::NAN,
        ..observed("a")
    };
    rule.observe(0, vec![not_a_number.clone()]);
    assert_eq!(rule.observe(1, vec![not_a_number]).last, Step::default());
}

#[test]
fn an_inactive_alert_that_reappears_is_a_new_alert() {
    let mut rule = Rule::new(held());
    rule.see(0, &["a"])
        .see(MINUTE_MS, &["a"])
        .see(2 * MINUTE_MS, &[])
        .see(3 * MINUTE_MS, &["a"]);
    assert_eq!(rule.reasons(), [TransitionReason::Reappeared]);
    let mut want = Alert::appeared(observed("a"), 3 * MINUTE_MS);
    want.state = AlertState::Pending;
    assert_eq!(*rule.alert("a"), want);
    assert!(rule.last.notify.is_empty());
}

#[test]
fn an_inactive_alert_that_reappears_without_for_fires_at_once_and_is_sent() {
    let mut rule = Rule::default();
    rule.see(0, &["a"]).see(1, &[]).see(2, &["a"]);
    assert_eq!(rule.reasons(), [TransitionReason::Reappeared]);
    assert_eq!(rule.notified(), [(NotifyReason::Fired, 2 + 4 * MINUTE_MS)]);
    assert_eq!(rule.alert("a").resolved_at_ms, None);
}

#[test]
fn pending_fires_when_as_old_as_for_and_not_before() {
    let mut rule = Rule::new(held());
    rule.see(5, &["a"]).see(5 + MINUTE_MS - 1, &["a"]);
    assert_eq!(rule.state(), AlertState::Pending);
    rule.see(5 + MINUTE_MS, &["a"]);
    assert_eq!(rule.reasons(), [TransitionReason::ForElapsed]);
    let alert = rule.alert("a");
    assert_eq!((alert.active_at_ms, alert.fired_at_ms), (5, Some(5 + MINUTE_MS)));
}

#[test]
fn for_zero_fires_at_once() {
    let mut rule = Rule::default();
    rule.see(5, &["a"]);
    assert_eq!(rule.reasons(), [TransitionReason::Appeared]);
    assert_eq!(rule.last.transitions[0].to, Some(AlertState::Firing));
    assert_eq!(rule.alert("a").fired_at_ms, Some(5));
}

#[test]
fn firing_turns_pending_when_for_was_raised_and_loses_its_times() {
    let mut rule = Rule::new(kept());
    rule.see(0, &["a"]).see(1, &[]);
    assert!(rule.alert("a").keep_firing_since_ms.is_some());
    rule.policy.for_ms = MINUTE_MS;
    rule.see(2, &["a"]);
    assert_eq!(rule.reasons(), [TransitionReason::ForRaised]);
    assert_eq!(*rule.alert("a"), Alert::appeared(observed("a"), 0));
}

// Absent

#[test]
fn an_absent_pending_alert_is_deleted_and_never_sent() {
    let mut rule = Rule::new(held());
    rule.see(0, &["a"]).see(1, &[]);
    assert_eq!(rule.last.removed, [Arc::new(labels("a"))]);
    assert_eq!(rule.reasons(), [TransitionReason::Vanished]);
    assert!(rule.alerts.is_empty() && rule.last.notify.is_empty());
}

#[test]
fn an_absent_firing_alert_resolves_at_that_time() {
    let mut rule = Rule::default();
    rule.see(0, &["a"]).see(7, &[]);
    assert_eq!(
        (rule.state(), rule.alert("a").resolved_at_ms),
        (AlertState::Inactive, Some(7))
    );
    assert_eq!(rule.reasons(), [TransitionReason::Vanished]);
}

#[test]
fn an_absent_firing_alert_stays_for_less_than_keep_firing_for() {
    let mut rule = Rule::new(kept());
    rule.see(0, &["a"]).see(10, &[]);
    assert_eq!(rule.reasons(), [TransitionReason::KeptFiring]);
    rule.see(10 + 2 * MINUTE_MS - 1, &[]);
    assert_eq!(
        (rule.state(), rule.alert("a").keep_firing_since_ms),
        (AlertState::Firing, Some(10))
    );
    rule.see(10 + 2 * MINUTE_MS, &[]);
    assert_eq!(rule.reasons(), [TransitionReason::KeepFiringElapsed]);
    assert_eq!(rule.alert("a").resolved_at_ms, Some(10 + 2 * MINUTE_MS));
}

#[test]
fn a_kept_alert_that_returns_is_kept_afresh_next_time() {
    let mut rule = Rule::new(kept());
    rule.see(0, &["a"]).see(10, &[]).see(20, &["a"]);
    assert_eq!(rule.reasons(), [TransitionReason::Returned]);
    assert_eq!(rule.alert("a").keep_firing_since_ms, None);
    assert_eq!(rule.see(30, &[]).alert("a").keep_firing_since_ms, Some(30));
}

#[test]
fn an_inactive_alert_is_kept_until_more_than_15_minutes_have_passed() {
    let mut rule = Rule::default();
    rule.see(0, &["a"]).see(10, &[]).see(10 + RETENTION_MS, &[]);
    assert_eq!(rule.state(), AlertState::Inactive);
    rule.see(10 + RETENTION_MS + 1, &[]);
    assert_eq!(rule.reasons(), [TransitionReason::RetentionElapsed]);
    assert!(rule.alerts.is_empty() && rule.last.notify.is_empty());
}

// Failed

#[test]
fn a_failed_evaluation_changes_nothing_and_sends_nothing() {
    let mut rule = Rule::new(held());
    rule.see(0, &["a", "b"])
        .see(MINUTE_MS, &["a", "b"])
        .see(MINUTE_MS + 1, &["a", "c"]);
    for now_ms in [MINUTE_MS + 2, i64::MAX, i64::MIN] {
        let failed = step(&rule.alerts, Observation::Failed, now_ms, &rule.policy);
        assert_eq!(failed, Ok(Step::default()));
    }
}

// State of the rule

#[test]
fn the_rule_is_as_its_most_pressing_alert() {
    let mut rule = Rule::new(held());
    assert_eq!(rule.alerts.worst_state(), AlertState::Inactive);
    rule.see(0, &["a"]);
    assert_eq!(rule.alerts.worst_state(), AlertState::Pending);
    rule.see(MINUTE_MS, &["a", "b"]);
    assert_eq!(rule.alerts.worst_state(), AlertState::Firing);
    assert_eq!((rule.alerts.count(AlertState::Firing), rule.alerts.len()), (1, 2));
    rule.see(MINUTE_MS + 1, &[]);
    assert_eq!(rule.alerts.worst_state(), AlertState::Inactive);
    assert_eq!(rule.alerts.len(), 1);
}

// Notifications

#[test]
fn a_pending_alert_is_never_sent() {
    let mut rule = Rule::new(held());
    assert!(rule.see(0, &["a"]).last.notify.is_empty());
    assert!(rule.see(1, &["a"]).last.notify.is_empty());
}

#[test]
fn a_resolved_alert_is_sent_at_once() {
    let mut rule = Rule::default();
    rule.see(0, &["a"]).see(1, &[]);
    assert_eq!(rule.notified(), [(NotifyReason::Resolved, 1)]);
}

#[test]
fn an_alert_is_sent_again_when_last_sent_plus_a_minute_is_strictly_past() {
    let mut rule = Rule::default();
    rule.see(0, &["a"]);
    assert_eq!(rule.notified(), [(NotifyReason::Fired, 4 * MINUTE_MS)]);
    assert!(rule.see(MINUTE_MS, &["a"]).last.notify.is_empty());
    rule.see(MINUTE_MS + 1, &["a"]);
    assert_eq!(rule.notified(), [(NotifyReason::Resend, 5 * MINUTE_MS + 1)]);
}

#[test]
fn a_resolved_alert_is_sent_again_while_retained() {
    let mut rule = Rule::default();
    rule.see(0, &["a"]).see(10, &[]).see(10 + MINUTE_MS, &[]);
    assert!(rule.last.notify.is_empty());
    rule.see(11 + MINUTE_MS, &[]);
    assert_eq!(rule.notified(), [(NotifyReason::Resend, 10)]);
}

#[test]
fn what_is_sent_is_what_is_saved() {
    let mut rule = Rule::default();
    for now_ms in [0, 1, 2] {
        rule.see(now_ms, if now_ms == 1 { &[] } else { &["a"] });
        assert_eq!(rule.last.notify[0].alert, rule.last.upserts[0]);
        assert_eq!(rule.alert("a").last_sent_at_ms, Some(now_ms));
    }
}

#[test]
fn the_time_until_an_alert_is_told_again_counts_from_when_it_was_accepted() {
    let mut rule = Rule::new(Policy::default());
    rule.see(0, &["a", "b"]);
    rule.alerts.accepted(&labels("a"), MINUTE_MS);
    rule.alerts.accepted(&labels("nobody"), MINUTE_MS);
    let told = |rule: &mut Rule, now_ms| -> Vec<String> {
        let notify = &rule.see(now_ms, &["a", "b"]).last.notify;
        let instance = |told: &Notification| told.alert.labels.get("instance").unwrap_or_default().to_owned();
        notify.iter().map(instance).collect()
    };
    assert_eq!(told(&mut rule, MINUTE_MS + 1), ["b"]);
    assert_eq!(told(&mut rule, 2 * MINUTE_MS), [""; 0]);
    assert_eq!(told(&mut rule, 2 * MINUTE_MS + 1), ["a"]);
    // That something earlier was accepted says nothing.
    rule.alerts.accepted(&labels("a"), 0);
    assert_eq!(rule.alert("a").last_sent_at_ms, Some(2 * MINUTE_MS + 1));
    rule.see(2 * MINUTE_MS + 2, &["b"]);
    let resolved = rule.alert("a").clone();
    rule.alerts.accepted(&labels("a"), 9 * MINUTE_MS);
    assert_eq!(*rule.alert("a"), resolved, "nor does it of what has resolved");
}

#[test]
fn an_alert_is_active_since_when_it_is_known_from_elsewhere() {
    let since = |since_ms| Observed {
        since_ms: Some(since_ms),
        ..observed("a")
    };
    let mut rule = Rule::new(held());
    rule.observe(10 * MINUTE_MS, vec![since(MINUTE_MS)]);
    let alert = rule.alert("a");
    assert_eq!((alert.state, alert.active_at_ms), (AlertState::Firing, MINUTE_MS));
    assert_eq!(alert.fired_at_ms, Some(10 * MINUTE_MS));
    // Of one that is there already nothing changes, and a time to come is none.
    let mut rule = Rule::new(held());
    rule.observe(0, vec![since(MINUTE_MS)]);
    rule.observe(1, vec![since(-MINUTE_MS)]);
    assert_eq!(
        (rule.alert("a").state, rule.alert("a").active_at_ms),
        (AlertState::Pending, 0)
    );
}

#[test]
fn ends_at_is_resolved_at_or_four_times_the_longer_of_interval_and_resend_delay() {
    let ends_at = |interval_ms, resend_delay_ms| {
        let mut rule = Rule::new(Policy {
            interval_ms,
            resend_delay_ms,
            ..Policy::default()
        });
        rule.see(1, &["a"]).last.notify[0].ends_at_ms
    };
    assert_eq!(ends_at(10, 30), 121);
    assert_eq!(ends_at(30, 10), 121);
    assert_eq!(ends_at(i64::MAX, 10), i64::MAX);
}

// Loading

#[test]
fn alerts_carry_on_from_the_store() {
    let mut rule = Rule::new(Policy {
        for_ms: MINUTE_MS,
        ..kept()
    });
    rule.see(0, &["a"])
        .see(MINUTE_MS, &["a", "b"])
        .see(MINUTE_MS + 1, &["b"]);
    let mut loaded = Alerts::new();
    rule.alerts.iter().cloned().for_each(|alert| loaded.insert(alert));
    assert_eq!(loaded, rule.alerts);
    assert_eq!(rule.alerts.iter().cloned().collect::<Alerts>(), rule.alerts);
    let mut restarted = Rule {
        alerts: loaded,
        policy: rule.policy.clone(),
        ..Rule::default()
    };
    assert_eq!(
        restarted.see(3 * MINUTE_MS, &["b"]).last,
        rule.see(3 * MINUTE_MS, &["b"]).last
    );
}

#[test]
fn names_of_states_and_reasons_read_back() {
    for state in AlertState::ALL {
        assert_eq!(AlertState::parse(state.as_str()), Some(state));
    }
    for reason in NotifyReason::ALL {
        assert_eq!(NotifyReason::parse(reason.as_str()), Some(reason));
    }
    for reason in TransitionReason::ALL {
        assert_eq!(TransitionReason::parse(reason.as_str()), Some(reason));
    }
    assert_eq!(AlertState::parse("resolved"), None);
}

#[test]
fn ten_thousand_findings_are_walked_once() {
    let names: Vec<String> = (0..10_000).rev().map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    let mut rule = Rule::new(held());
    assert_eq!(rule.see(0, &names).last.upserts.len(), 10_000);
    assert_eq!(rule.see(1, &names).last, Step::default());
    assert_eq!(rule.see(MINUTE_MS, &names[..5_000]).last.notify.len(), 5_000);
    assert_eq!(rule.last.removed.len(), 5_000);
}
