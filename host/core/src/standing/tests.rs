use super::*;
use crate::GroupKey;
use crate::TenantId;
use crate::limits::Limit;

const OVER: Option<FaultCode> = Some(FaultCode::Limit(Limit::Fuel));
const POLICY: PausePolicy = PausePolicy {
    after: 5,
    pause_ms_max: 3_600_000,
};

fn after(standing: Standing, fault: Option<FaultCode>, now_ms: i64) -> Standing {
    let after = standing.after((fault, true), now_ms, &POLICY, &RuleOptions::default());
    // Of those a test tells by itself.
    Standing { failures: 0, ..after }
}

fn with_strikes(strikes: u32) -> Standing {
    (0..strikes).fold(Standing::default(), |standing, _| after(standing, OVER, 0))
}

fn told(what: Notice, since_ms: i64) -> Option<Told> {
    Some(Told { what, since_ms })
}

#[test]
fn the_fifth_strike_pauses_and_further_ones_pause_longer() {
    for strikes in 0..5 {
        let standing = with_strikes(strikes);
        assert_eq!(
            (standing.paused_until_ms, standing.told),
            (None, None),
            "{strikes}"
        );
    }
    let paused = after(with_strikes(4), OVER, 1_000);
    assert_eq!(paused.paused_until_ms, Some(61_000));
    assert_eq!(paused.paused_until_ms(60_999), Some(61_000));
    assert_eq!(paused.paused_until_ms(61_000), None);
    let longer = after(paused, OVER, 100_000);
    assert_eq!(longer.paused_until_ms, Some(220_000));
    assert_eq!(
        longer.told,
        told(Notice::Paused, 1_000),
        "since the first of them"
    );
    let longest = (0..100).fold(longer, |standing, _| after(standing, OVER, 0));
    assert_eq!(longest.paused_until_ms, Some(3_600_000));
    assert_eq!(after(longest, None, 0), Standing::default());
}

#[test]
fn one_that_goes_well_forgives_all() {
    assert_eq!(with_strikes(3).strikes, 3);
    assert_eq!(after(with_strikes(3), None, 0), Standing::default());
}

#[test]
fn what_is_not_the_components_doing_does_not_count() {
    let others = |fault: &FaultCode| !matches!(fault, FaultCode::Limit(_) | FaultCode::Quarantined);
    for fault in FaultCode::all().filter(others) {
        assert_eq!(
            after(with_strikes(4), Some(fault), 0),
            with_strikes(4),
            "{fault:?}"
        );
        let tried = after(with_strikes(6), Some(fault), 500_000);
        assert_eq!((tried.strikes, tried.paused_until_ms), (6, None), "{fault:?}");
        assert_eq!(tried.told, with_strikes(6).told, "{fault:?}");
    }
}

#[test]
fn nobody_is_paused_where_that_is_switched_off() {
    let never = PausePolicy { after: 0, ..POLICY };
    let standing = (0..50).fold(Standing::default(), |standing, _| {
        standing.after((OVER, true), 0, &never, &RuleOptions::default())
    });
    assert_eq!((standing.paused_until_ms, standing.told), (None, None));
}

#[test]
fn a_quarantined_module_is_told_at_once_and_is_no_pause() {
    let held = after(with_strikes(2), Some(FaultCode::Quarantined), 7);
    assert_eq!((held.strikes, held.paused_until_ms), (2, None));
    assert_eq!(held.told, told(Notice::Quarantined, 7));
    assert_eq!(after(held, Some(FaultCode::Quarantined), 9), held);
    assert_eq!(after(held, Some(FaultCode::Trap), 9).told, None, "it runs again");
    assert_eq!(after(held, None, 9), Standing::default());
}

fn notices(before: Standing, fault: Option<FaultCode>, now_ms: i64) -> Vec<Notification> {
    ended(before, (fault, true), now_ms, RuleOptions::default()).1
}

fn ended(
    before: Standing,
    (fault, has_data): (Option<FaultCode>, bool),
    now_ms: i64,
    options: RuleOptions,
) -> (Standing, Vec<Notification>) {
    let key = RuleKey {
        group: GroupKey {
            tenant: TenantId::new("t").unwrap(),
            namespace: "prod".into(),
            group: "nodes".into(),
        },
        rule: "Down".into(),
    };
    let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    let group = GroupSpec {
        labels: labels(&[("team", "a"), ("rule", "of the user")]),
        ..GroupSpec::default()
    };
    let rule = RuleSpec {
        name: "Down".to_owned(),
        module: "m".to_owned(),
        labels: labels(&[("team", "b")]),
        options,
        ..RuleSpec::default()
    };
    let now = before.after((fault, has_data), now_ms, &POLICY, &rule.options);
    let fault = fault.map(|code| Fault::new(code, "why"));
    let notices = now.notices(&before, now_ms, (&key, &group, &rule), fault.as_ref());
    (now, notices)
}

/// What is told at each evaluation, a minute apart: each with its alert, reason, and for how long it is to be believed.
fn told_in_turn(
    evaluations: &[(Option<FaultCode>, bool)],
    options: RuleOptions,
) -> Vec<Vec<(String, NotifyReason, i64)>> {
    let mut standing = Standing::default();
    let turns = evaluations.iter().enumerate().map(|(at, how)| {
        let now_ms = at as i64 * 60_000;
        let (now, notices) = ended(standing, *how, now_ms, options);
        standing = now;
        let told = |notice: Notification| {
            let name = notice.alert.labels.get(ALERT_NAME).unwrap_or_default().to_owned();
            (name, notice.reason, notice.ends_at_ms - now_ms)
        };
        notices.into_iter().map(told).collect()
    });
    turns.collect()
}

#[test]
fn a_rule_that_fails_again_and_again_is_told_where_it_asks_for_it() {
    let trap = (Some(FaultCode::Trap), true);
    let source = (Some(FaultCode::HostError), true);
    let fine = (None, true);
    let evaluations = [trap, source, trap, trap, fine, trap, trap];
    let options = RuleOptions {
        alert_after_errors: 3,
        ..RuleOptions::default()
    };
    let name = "WasmalertRuleFailing".to_owned();
    let expected = [
        vec![],
        vec![],
        vec![(name.clone(), NotifyReason::Fired, 240_000 + GRACE_MS)],
        vec![(name.clone(), NotifyReason::Resend, 240_000 + GRACE_MS)],
        vec![(name, NotifyReason::Resolved, 0)],
        vec![],
        vec![],
    ];
    assert_eq!(told_in_turn(&evaluations, options), expected);
    assert!(
        told_in_turn(&evaluations, RuleOptions::default())
            .iter()
            .all(Vec::is_empty)
    );
}

#[test]
fn that_there_is_no_data_is_told_where_a_rule_asks_for_it() {
    let (none, some, trap) = ((None, false), (None, true), (Some(FaultCode::Trap), false));
    let options = |no_data| RuleOptions {
        no_data,
        ..RuleOptions::default()
    };
    let name = "WasmalertNoData".to_owned();
    // One that fails says nothing of the data.
    let expected = [
        vec![(name.clone(), NotifyReason::Fired, 240_000 + GRACE_MS)],
        vec![(name.clone(), NotifyReason::Resend, 240_000 + GRACE_MS)],
        vec![(name.clone(), NotifyReason::Resend, 240_000 + GRACE_MS)],
        vec![(name, NotifyReason::Resolved, 0)],
        vec![],
    ];
    let evaluations = [none, none, trap, some, trap];
    assert_eq!(told_in_turn(&evaluations, options(NoData::Alert)), expected);
    for silent in [NoData::Keep, NoData::Resolve] {
        assert!(
            told_in_turn(&evaluations, options(silent))
                .iter()
                .all(Vec::is_empty)
        );
    }
}

#[test]
fn receivers_hear_of_a_pause_where_the_rules_alerts_go() {
    assert_eq!(notices(with_strikes(3), OVER, 0), []);
    let told = notices(with_strikes(4), OVER, 1_000);
    let [told] = told.as_slice() else {
        panic!("{told:?}");
    };
    let labels: Vec<_> = told.alert.labels.iter().collect();
    let expected = [
        ("alertname", "WasmalertRulePaused"),
        ("group", "nodes"),
        ("namespace", "prod"),
        ("rule", "Down"),
        ("team", "b"),
    ];
    assert_eq!(labels, expected);
    assert_eq!(
        (told.reason, told.alert.state),
        (NotifyReason::Fired, AlertState::Firing)
    );
    assert_eq!(told.ends_at_ms, 61_000 + GRACE_MS);
    let summary = "The rule Down of prod/nodes is paused for 1m: it went over a limit 5 times in a row.";
    assert_eq!(told.alert.annotations.get("summary"), Some(summary));
    assert_eq!(
        told.alert.annotations.get("description"),
        Some("fuel_exceeded: why")
    );
}

#[test]
fn a_longer_pause_is_told_again_and_its_end_once() {
    let again = notices(with_strikes(5), OVER, 100_000);
    assert_eq!(again.len(), 1);
    assert_eq!(
        (again[0].reason, again[0].alert.fired_at_ms),
        (NotifyReason::Resend, Some(0))
    );
    assert_eq!(notices(with_strikes(5), Some(FaultCode::Trap), 100_000), []);
    let over = notices(with_strikes(5), None, 200_000);
    assert_eq!(over.len(), 1);
    assert_eq!(
        (over[0].reason, over[0].ends_at_ms),
        (NotifyReason::Resolved, 200_000)
    );
    assert_eq!(over[0].alert.resolved_at_ms, Some(200_000));
    let summary = "The rule Down of prod/nodes is evaluated again.";
    assert_eq!(over[0].alert.annotations.get("summary"), Some(summary));
    assert_eq!(notices(Standing::default(), None, 200_000), []);
}

#[test]
fn a_quarantine_is_told_once_and_takes_the_place_of_a_pause() {
    let held = notices(with_strikes(5), Some(FaultCode::Quarantined), 9);
    let reasons: Vec<_> = held
        .iter()
        .map(|told| (told.reason, told.alert.labels.get(ALERT_NAME).unwrap_or_default()))
        .collect();
    let expected = [
        (NotifyReason::Resolved, "WasmalertRulePaused"),
        (NotifyReason::Fired, "WasmalertModuleQuarantined"),
    ];
    assert_eq!(reasons, expected);
    let standing = after(with_strikes(5), Some(FaultCode::Quarantined), 9);
    assert_eq!(notices(standing, Some(FaultCode::Quarantined), 10), []);
}
