//! One step of the lifecycle: a walk along the findings and the known alerts
//! together, both in the order of their labels.

use std::sync::Arc;

use super::AlertState::{Firing, Inactive, Pending};
use super::{
    Alert, Alerts, Notification, NotifyReason, Observation, Observed, Policy, Step, Transition,
    TransitionReason,
};
use crate::delivery::valid_until_ms;
use crate::fault::{Fault, FaultCode};
use crate::spec::Quorum;

/// Decides what an evaluation at `now_ms` changes.
///
/// A failed evaluation changes nothing. An alert that is to be notified has
/// `last_sent_at_ms` set to `now_ms` in the step, for the notification is
/// written to the outbox together with it.
///
/// # Errors
/// [`FaultCode::DuplicateLabels`] when two findings have the same labels.
pub fn step(alerts: &Alerts, observation: Observation, now_ms: i64, policy: &Policy) -> Result<Step, Fault> {
    let Observation::Findings(mut findings) = observation else {
        return Ok(Step::default());
    };
    findings.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
    refuse_duplicates(&findings)?;
    let mut walk = Walk {
        now_ms,
        policy,
        step: Step::default(),
    };
    let mut known = alerts.0.values().peekable();
    for finding in findings {
        while let Some(absent) = known.next_if(|alert| *alert.labels < finding.labels) {
            walk.absent(absent);
        }
        let same = known.next_if(|alert| *alert.labels == finding.labels);
        walk.present(same, finding);
    }
    known.for_each(|absent| walk.absent(absent));
    Ok(walk.step)
}

/// Tells again what fires, and changes nothing else.
#[must_use]
pub(super) fn repeat(alerts: &Alerts, now_ms: i64, policy: &Policy) -> Step {
    let mut walk = Walk {
        now_ms,
        policy,
        step: Step::default(),
    };
    for alert in alerts.iter().filter(|alert| alert.state == Firing) {
        walk.record(Some(alert), alert.clone(), None);
    }
    walk.step
}

/// Checks that no two findings, sorted by their labels, have the same.
fn refuse_duplicates(sorted: &[Observed]) -> Result<(), Fault> {
    let Some(pair) = sorted.windows(2).find(|pair| pair[0].labels == pair[1].labels) else {
        return Ok(());
    };
    let message = format!(
        "two findings have the same labels {} once the rule's labels are put on; \
         keep a label that tells them apart, or aggregate them into one",
        pair[0].labels
    );
    Err(Fault::new(FaultCode::DuplicateLabels, message))
}

struct Walk<'a> {
    now_ms: i64,
    policy: &'a Policy,
    step: Step,
}

impl Walk<'_> {
    fn present(&mut self, before: Option<&Alert>, observed: Observed) {
        let (mut after, mut reason) = match before {
            None => (
                Alert::appeared(observed, self.now_ms),
                Some(TransitionReason::Appeared),
            ),
            Some(alert) if alert.state == Inactive => (
                Alert::appeared(observed, self.now_ms),
                Some(TransitionReason::Reappeared),
            ),
            Some(alert) => (refresh(alert, observed, self.policy.quorum), None),
        };
        if after.state == Firing && !self.policy.quorum.is_met(after.seen) {
            return self.absent_firing(before, after);
        }
        if after.keep_firing_since_ms.take().is_some() {
            reason = Some(TransitionReason::Returned);
        }
        let held = self.hold(&mut after);
        let reason = match reason {
            Some(TransitionReason::Returned) | None => held.or(reason),
            appeared => appeared,
        };
        self.record(before, after, reason);
    }

    fn absent(&mut self, before: &Alert) {
        let mut after = before.clone();
        after.seen = self.policy.quorum.counted(before.seen << 1);
        match before.state {
            Pending if after.seen == 0 => self.remove(before, TransitionReason::Vanished),
            Firing if !self.policy.quorum.is_met(after.seen) => self.absent_firing(Some(before), after),
            Pending | Firing => {
                let reason = self.hold(&mut after);
                self.record(Some(before), after, reason);
            }
            Inactive if self.is_forgotten(before) => {
                self.remove(before, TransitionReason::RetentionElapsed);
            }
            Inactive => self.record(Some(before), before.clone(), None),
        }
    }

    /// What becomes of a firing alert that is not observed, or not often enough.
    fn absent_firing(&mut self, before: Option<&Alert>, mut after: Alert) {
        let was_kept = after.keep_firing_since_ms.is_some();
        let mut reason = None;
        if self.policy.keep_firing_for_ms > 0 {
            let since = *after.keep_firing_since_ms.get_or_insert_with(|| {
                reason = Some(TransitionReason::KeptFiring);
                self.now_ms
            });
            if self.now_ms.saturating_sub(since) < self.policy.keep_firing_for_ms {
                let reason = self.hold(&mut after).or(reason);
                return self.record(before, after, reason);
            }
        }
        after.state = Inactive;
        after.resolved_at_ms = Some(self.now_ms);
        let reason = match was_kept {
            true => TransitionReason::KeepFiringElapsed,
            false => TransitionReason::Vanished,
        };
        self.record(before, after, Some(reason));
    }

    /// Lets an alert fire that is old enough, and none that is not. A clock that
    /// was set back (an age below 0) makes no firing alert pending.
    fn hold(&self, alert: &mut Alert) -> Option<TransitionReason> {
        let age_ms = self.now_ms.saturating_sub(alert.active_at_ms);
        match alert.state {
            Pending if age_ms >= self.policy.for_ms && self.policy.quorum.is_met(alert.seen) => {
                alert.state = Firing;
                alert.fired_at_ms = Some(self.now_ms);
                Some(TransitionReason::ForElapsed)
            }
            Firing if (0..self.policy.for_ms).contains(&age_ms) => {
                alert.state = Pending;
                alert.fired_at_ms = None;
                alert.last_sent_at_ms = None;
                alert.keep_firing_since_ms = None;
                Some(TransitionReason::ForRaised)
            }
            _ => None,
        }
    }

    fn is_forgotten(&self, resolved: &Alert) -> bool {
        resolved
            .resolved_at_ms
            .is_none_or(|at| self.now_ms.saturating_sub(at) > self.policy.resolved_retention_ms)
    }

    fn remove(&mut self, before: &Alert, reason: TransitionReason) {
        self.step.removed.push(before.labels.clone());
        self.step.transitions.push(Transition {
            labels: before.labels.clone(),
            from: Some(before.state),
            to: None,
            reason,
        });
    }

    fn record(&mut self, before: Option<&Alert>, mut after: Alert, reason: Option<TransitionReason>) {
        if let Some(reason) = reason {
            self.step.transitions.push(Transition {
                labels: after.labels.clone(),
                from: before.map(|alert| alert.state),
                to: Some(after.state),
                reason,
            });
        }
        if let Some(reason) = notify_reason(before, &after, self.now_ms, self.policy) {
            after.last_sent_at_ms = Some(self.now_ms);
            self.step.notify.push(Notification {
                ends_at_ms: ends_at_ms(&after, self.now_ms, self.policy),
                alert: after.clone(),
                reason,
            });
        }
        match before {
            Some(before) if is_same_life(before, &after) => {
                if !is_same_reading(before, &after) {
                    self.step.refreshed.push(after);
                }
            }
            _ => self.step.upserts.push(after),
        }
    }
}

/// The alert with the value and annotations of now.
fn refresh(alert: &Alert, observed: Observed, quorum: Quorum) -> Alert {
    let mut after = alert.clone();
    after.seen = quorum.counted(alert.seen << 1 | 1);
    after.value = observed.value;
    if *after.annotations != observed.annotations {
        after.annotations = Arc::new(observed.annotations);
    }
    after
}

/// Whether and why receivers are to hear of an alert.
fn notify_reason(
    before: Option<&Alert>,
    after: &Alert,
    now_ms: i64,
    policy: &Policy,
) -> Option<NotifyReason> {
    if after.state == Pending {
        return None;
    }
    // That it resolves just now counts even where the clock stood still or was set back.
    let is_resolving = after.state == Inactive && before.is_some_and(|alert| alert.state == Firing);
    if is_resolving || after.resolved_at_ms > after.last_sent_at_ms {
        return Some(NotifyReason::Resolved);
    }
    let Some(sent_at_ms) = after.last_sent_at_ms else {
        return Some(NotifyReason::Fired);
    };
    let is_due = sent_at_ms.saturating_add(policy.resend_delay_ms) < now_ms;
    is_due.then_some(NotifyReason::Resend)
}

/// Never before the alert fired: receivers refuse an alert that ends before it starts.
fn ends_at_ms(alert: &Alert, now_ms: i64, policy: &Policy) -> i64 {
    let end_ms = alert
        .resolved_at_ms
        .unwrap_or_else(|| valid_until_ms(now_ms, policy.interval_ms, policy.resend_delay_ms));
    end_ms.max(alert.fired_at_ms.unwrap_or(end_ms))
}

fn is_same_life(a: &Alert, b: &Alert) -> bool {
    let life = |alert: &Alert| {
        (
            alert.state,
            alert.active_at_ms,
            alert.fired_at_ms,
            alert.resolved_at_ms,
            alert.last_sent_at_ms,
            alert.keep_firing_since_ms,
            alert.seen,
        )
    };
    life(a) == life(b)
}

fn is_same_reading(a: &Alert, b: &Alert) -> bool {
    a.value.to_bits() == b.value.to_bits() && a.annotations == b.annotations
}
