//! The lifecycle, one test for each thing it promises.

use super::*;

const MINUTE_MS: i64 = 60_000;

fn observed(instance: &str, value: f64) -> Observed {
    Observed {
        labels: [(ALERT_NAME, "Down"), ("instance", instance)]
            .into_iter()
            .collect(),
        annotations: Annotations::default(),
        value,
    }
}

/// Runs one successful evaluation and applies it.
fn run(alerts: &mut Alerts, findings: &[Observed], now_ms: i64, policy: &Policy) -> Step {
    let step = step(alerts, Observation::Findings(findings.to_vec()), now_ms, policy).unwrap();
    alerts.apply(&step);
    step
}

fn held() -> Policy {
    Policy {
        for_ms: MINUTE_MS,
        ..Policy::default()
    }
}

#[test]
fn pending_fires_once_it_is_as_old_as_for() {
    let mut alerts = Alerts::new();
    run(&mut alerts, &[observed("a", 1.0)], 0, &held());
    run(&mut alerts, &[observed("a", 1.0)], MINUTE_MS - 1, &held());
    assert_eq!(alerts.worst_state(), AlertState::Pending);
    let step = run(&mut alerts, &[observed("a", 1.0)], MINUTE_MS, &held());
    assert_eq!(step.transitions[0].reason, TransitionReason::ForElapsed);
    let alert = alerts.iter().next().unwrap();
    assert_eq!(
        (alert.state, alert.fired_at_ms),
        (AlertState::Firing, Some(MINUTE_MS))
    );
}
