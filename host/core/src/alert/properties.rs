//! Properties of the lifecycle, over any run of evaluations.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const INSTANCES: u8 = 6;

/// One evaluation: how much later, with which policy, and what it came to.
#[derive(Debug, Clone)]
struct Evaluation {
    after_ms: i64,
    policy: Policy,
    /// None failed.
    seen: Option<Vec<(u8, i8)>>,
}

fn observed(&(instance, value): &(u8, i8)) -> Observed {
    let instance = instance.to_string();
    Observed {
        labels: [(ALERT_NAME, "Down"), ("instance", &*instance)]
            .into_iter()
            .collect(),
        annotations: [("value", value.to_string())].into_iter().collect(),
        value: f64::from(value),
        since_ms: None,
    }
}

fn observation(seen: Option<&[(u8, i8)]>) -> Observation {
    seen.map_or(Observation::Failed, |seen| {
        Observation::Findings(seen.iter().map(observed).collect())
    })
}

prop_compose! {
    /// Times are small, so that they often meet exactly.
    fn policies()(
        for_ms in 0..4_i64,
        keep_firing_for_ms in 0..4_i64,
        interval_ms in 1..4_i64,
        resend_delay_ms in 0..4_i64,
        resolved_retention_ms in 0..6_i64,
    ) -> Policy {
        Policy { for_ms, keep_firing_for_ms, interval_ms, resend_delay_ms, resolved_retention_ms, ..Policy::default() }
    }
}

fn findings() -> impl Strategy<Value = Vec<(u8, i8)>> {
    let by_instance = proptest::collection::btree_map(0..INSTANCES, -2..3_i8, 0..usize::from(INSTANCES));
    by_instance
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn timelines() -> impl Strategy<Value = Vec<Evaluation>> {
    let seen = prop_oneof![4 => findings().prop_map(Some), 1 => Just(None)];
    let evaluation = (1..5_i64, policies(), seen).prop_map(|(after_ms, policy, seen)| Evaluation {
        after_ms,
        policy,
        seen,
    });
    // Most runs keep one policy: then `for` is never raised or lowered.
    let runs = proptest::collection::vec(evaluation, 1..25);
    (runs, proptest::bool::weighted(0.7)).prop_map(|(mut run, is_constant)| {
        let first = run[0].policy.clone();
        run.iter_mut()
            .filter(|_| is_constant)
            .for_each(|e| e.policy = first.clone());
        run
    })
}

/// Plays a run and looks at each step, with the alerts before and after it.
fn play(
    run: &[Evaluation],
    mut look: impl FnMut(&Alerts, &Evaluation, i64, &Step, &Alerts) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let (mut alerts, mut now_ms) = (Alerts::new(), 0);
    for evaluation in run {
        now_ms += evaluation.after_ms;
        let observation = observation(evaluation.seen.as_deref());
        let taken = step(&alerts, observation, now_ms, &evaluation.policy).unwrap();
        let before = alerts.clone();
        alerts.apply(&taken);
        look(&before, evaluation, now_ms, &taken, &alerts)?;
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_failed_observation_never_changes_anything(run in timelines()) {
        play(&run, |before, evaluation, _, taken, after| {
            if evaluation.seen.is_none() {
                prop_assert_eq!(taken, &Step::default());
                prop_assert_eq!(before, after);
            }
            Ok(())
        })?;
    }

    #[test]
    fn times_agree_with_states(run in timelines()) {
        play(&run, |_, evaluation, now_ms, _, after| {
            for alert in after.iter() {
                let fired = alert.fired_at_ms;
                prop_assert!(alert.active_at_ms <= now_ms);
                match alert.state {
                    AlertState::Pending => {
                        prop_assert_eq!((fired, alert.last_sent_at_ms), (None, None));
                        prop_assert_eq!((alert.resolved_at_ms, alert.keep_firing_since_ms), (None, None));
                    }
                    AlertState::Firing => {
                        prop_assert!(fired >= Some(alert.active_at_ms));
                        prop_assert_eq!(alert.resolved_at_ms, None);
                        prop_assert!(alert.last_sent_at_ms >= fired);
                        if evaluation.seen.is_some() {
                            prop_assert!(now_ms - alert.active_at_ms >= evaluation.policy.for_ms);
                        }
                    }
                    AlertState::Inactive => {
                        prop_assert!(fired >= Some(alert.active_at_ms) && alert.resolved_at_ms > fired);
                        prop_assert!(alert.last_sent_at_ms >= alert.resolved_at_ms);
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn alerts_are_what_was_seen_or_is_kept(run in timelines()) {
        play(&run, |before, evaluation, _, _, after| {
            let Some(seen) = &evaluation.seen else { return Ok(()) };
            let seen: BTreeSet<Labels> = seen.iter().map(|one| observed(one).labels).collect();
            for labels in &seen {
                prop_assert!(after.get(labels).is_some_and(|alert| alert.state != AlertState::Inactive));
            }
            for alert in after.iter().filter(|alert| !seen.contains(&alert.labels)) {
                let was = before.get(&alert.labels).map(|alert| alert.state);
                prop_assert!(was == Some(AlertState::Firing) || was == Some(AlertState::Inactive));
            }
            Ok(())
        })?;
    }

    #[test]
    fn an_alert_resolves_only_by_an_absent_finding(run in timelines()) {
        play(&run, |before, evaluation, _, taken, _| {
            let resolving = taken.transitions.iter().filter(|turn| {
                turn.to.is_none_or(|to| to == AlertState::Inactive)
            });
            for turn in resolving {
                prop_assert!(before.get(&turn.labels).is_some());
                let seen = evaluation.seen.as_deref().expect("a failure takes no turn");
                prop_assert!(seen.iter().all(|one| observed(one).labels != *turn.labels));
            }
            Ok(())
        })?;
    }

    #[test]
    fn notifications_are_due_and_never_of_pending_alerts(run in timelines()) {
        play(&run, |before, evaluation, now_ms, taken, after| {
            for sent in &taken.notify {
                prop_assert!(sent.alert.state != AlertState::Pending);
                prop_assert_eq!(after.get(&sent.alert.labels), Some(&sent.alert));
                prop_assert!(taken.upserts.contains(&sent.alert));
                let was = before.get(&sent.alert.labels);
                let was_sent_ms = was.and_then(|alert| alert.last_sent_at_ms);
                match sent.reason {
                    NotifyReason::Fired => prop_assert_eq!(sent.alert.fired_at_ms, Some(now_ms)),
                    NotifyReason::Resolved => prop_assert_eq!(sent.alert.resolved_at_ms, Some(now_ms)),
                    NotifyReason::Resend => {
                        let delay_ms = evaluation.policy.resend_delay_ms;
                        prop_assert!(was_sent_ms.is_some_and(|at| at + delay_ms < now_ms));
                    }
                }
                match sent.alert.resolved_at_ms {
                    Some(at) => prop_assert_eq!(sent.ends_at_ms, at),
                    None => prop_assert!(sent.ends_at_ms > now_ms),
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn every_turn_to_firing_or_resolved_is_sent(run in timelines()) {
        play(&run, |_, _, _, taken, _| {
            for turn in taken.transitions.iter().filter(|turn| turn.from != turn.to) {
                let is_sent = taken.notify.iter().any(|sent| sent.alert.labels == turn.labels);
                let is_news = matches!(turn.to, Some(AlertState::Firing | AlertState::Inactive));
                prop_assert_eq!(is_sent, is_news);
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_step_says_exactly_what_changed(run in timelines()) {
        play(&run, |before, _, _, taken, after| {
            let changed: BTreeSet<_> = taken.upserts.iter().chain(&taken.refreshed).map(|a| &a.labels).collect();
            prop_assert_eq!(changed.len(), taken.upserts.len() + taken.refreshed.len());
            for alert in after.iter() {
                let is_same = before.get(&alert.labels) == Some(alert);
                prop_assert_eq!(is_same, !changed.contains(&alert.labels));
            }
            for turn in &taken.transitions {
                prop_assert_eq!(turn.from, before.get(&turn.labels).map(|alert| alert.state));
                prop_assert_eq!(turn.to, after.get(&turn.labels).map(|alert| alert.state));
            }
            let gone = before.iter().filter(|alert| after.get(&alert.labels).is_none());
            prop_assert_eq!(gone.map(|a| &a.labels).collect::<Vec<_>>(), taken.removed.iter().collect::<Vec<_>>());
            Ok(())
        })?;
    }

    #[test]
    fn order_of_findings_does_not_matter(run in timelines(), seen in findings(), policy in policies()) {
        let mut alerts = Alerts::new();
        let mut end_ms = 0;
        play(&run, |_, _, now_ms, _, after| {
            (alerts, end_ms) = (after.clone(), now_ms);
            Ok(())
        })?;
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        let take = |seen| step(&alerts, observation(Some(seen)), end_ms + 1, &policy).unwrap();
        prop_assert_eq!(take(&seen), take(&sorted));
        prop_assert_eq!(take(&seen), take(&seen));
    }

    #[test]
    fn extreme_times_do_not_panic(
        times in proptest::collection::vec(prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)], 1..8),
        seen in proptest::collection::vec(findings(), 8),
        spans in proptest::array::uniform5(prop_oneof![any::<i64>(), Just(0), Just(i64::MAX)]),
    ) {
        let [for_ms, keep_firing_for_ms, interval_ms, resend_delay_ms, resolved_retention_ms] = spans;
        let policy = Policy { for_ms, keep_firing_for_ms, interval_ms, resend_delay_ms, resolved_retention_ms, ..Policy::default() };
        let mut alerts = Alerts::new();
        for (now_ms, seen) in times.into_iter().zip(&seen) {
            let taken = step(&alerts, observation(Some(seen)), now_ms, &policy).unwrap();
            for sent in &taken.notify {
                prop_assert!(sent.alert.fired_at_ms <= Some(sent.ends_at_ms));
            }
            alerts.apply(&taken);
        }
    }
}
