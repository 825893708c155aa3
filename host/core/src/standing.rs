//! How rules stand with the host: one that goes over its limits again and again is
//! *paused*, for longer each time, and one whose module the operator has *quarantined*
//! does not run. Either is told to the rule's receivers, as an alert of its own; so are,
//! where the rule asks for it, that it fails, and that its queries find nothing.

use std::sync::Arc;

use crate::RuleKey;
use crate::alert::{Alert, AlertState, Annotations, Notification, NotifyReason};
use crate::delivery::valid_until_ms;
use crate::fault::{Fault, FaultCode};
use crate::label::ALERT_NAME;
use crate::spec::{GroupSpec, NoData, RuleOptions, RuleSpec};
use crate::units::format_duration_ms;

/// The first pause.
const PAUSE_MS: i64 = 60_000;
/// Receivers may believe in a notice for so long beyond the end of a pause, until they
/// hear that the rule runs again, or does not.
const GRACE_MS: i64 = 300_000;
/// Receivers may believe in a quarantine for so long: only the operator ends it.
const QUARANTINE_MS: i64 = 30 * 86_400_000;
/// How often receivers hear again that a rule fails or has no data.
const AGAIN_MS: i64 = 60_000;

/// When rules are paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PausePolicy {
    /// Evaluations in a row over a limit after which a rule is paused; 0 never pauses.
    pub after: u32,
    /// The longest pause.
    pub pause_ms_max: i64,
}

/// How a rule stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Evaluations in a row that went over a limit, whatever pauses were between them.
    pub strikes: u32,
    /// Evaluations in a row that failed, for whatever reason.
    pub failures: u32,
    /// Until when it is paused.
    pub paused_until_ms: Option<i64>,
    /// What its receivers were told, and have not heard the end of.
    pub told: Option<Told>,
}

/// What receivers were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub what: Notice,
    pub since_ms: i64,
}

/// What there is to tell of a rule that does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// It went over its limits again and again.
    Paused,
    /// The operator has stopped its module.
    Quarantined,
    /// It has failed as often in a row as the rule allows.
    Failing,
    /// Its queries find nothing.
    NoData,
}

impl Notice {
    /// Its name as it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Quarantined => "quarantined",
            Self::Failing => "failing",
            Self::NoData => "no_data",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Paused, Self::Quarantined, Self::Failing, Self::NoData]
            .into_iter()
            .find(|notice| notice.as_str() == name)
    }

    /// The alert that receivers get.
    fn alert_name(self) -> &'static str {
        match self {
            Self::Paused => "WasmalertRulePaused",
            Self::Quarantined => "WasmalertModuleQuarantined",
            Self::Failing => "WasmalertRuleFailing",
            Self::NoData => "WasmalertNoData",
        }
    }

    /// What an evaluation that ended with this fault gives reason for, once it has
    /// happened often enough.
    fn of(fault: Option<FaultCode>) -> Option<Self> {
        match fault? {
            FaultCode::Limit(_) => Some(Self::Paused),
            FaultCode::Quarantined => Some(Self::Quarantined),
            _ => None,
        }
    }
}

impl Standing {
    /// Until when the rule is not to be evaluated, if that is later than now.
    #[must_use]
    pub fn paused_until_ms(&self, now_ms: i64) -> Option<i64> {
        self.paused_until_ms.filter(|&until_ms| now_ms < until_ms)
    }

    /// How it stands after an evaluation at `now_ms`.
    ///
    /// Only what the component itself does counts: a source that fails, or a quota of the
    /// tenant, says nothing about the rule, and leaves its strikes as they were.
    #[must_use]
    pub fn after(
        self,
        (fault, has_data): (Option<FaultCode>, bool),
        now_ms: i64,
        policy: &PausePolicy,
        options: &RuleOptions,
    ) -> Self {
        let failures = match fault {
            None => 0,
            Some(_) => self.failures.saturating_add(1),
        };
        let fails = options.alert_after_errors > 0 && failures >= options.alert_after_errors;
        let lacks_data = fault.is_none() && !has_data && options.no_data == NoData::Alert;
        let strikes = match (fault, Notice::of(fault)) {
            (None, _) => 0,
            (_, Some(Notice::Paused)) => self.strikes.saturating_add(1),
            _ => self.strikes,
        };
        let is_out = policy.after > 0 && strikes >= policy.after;
        let notice = match Notice::of(fault) {
            Some(Notice::Paused) => is_out.then_some(Notice::Paused),
            Some(other) => Some(other),
            // It ran, and failed otherwise: nothing is known of how it would have done.
            None if fault.is_some() => self
                .told
                .map(|told| told.what)
                .filter(|told| matches!(told, Notice::Paused | Notice::NoData)),
            None => lacks_data.then_some(Notice::NoData),
        };
        let notice = notice.or(fails.then_some(Notice::Failing));
        let paused = is_out && Notice::of(fault) == Some(Notice::Paused);
        let told = notice.map(|what| match self.told {
            Some(told) if told.what == what => told,
            _ => Told {
                what,
                since_ms: now_ms,
            },
        });
        Self {
            strikes,
            failures,
            paused_until_ms: paused
                .then(|| now_ms.saturating_add(pause_ms(strikes - policy.after, policy.pause_ms_max))),
            told,
        }
    }

    /// What follows from a standing for the rule's receivers: what is new to them, what they
    /// should hear again, and what is over.
    #[must_use]
    pub fn notices(
        &self,
        before: &Self,
        now_ms: i64,
        rule: (&RuleKey, &GroupSpec, &RuleSpec),
        fault: Option<&Fault>,
    ) -> Vec<Notification> {
        let notice = |told: Told, reason, ends_at_ms| Notification {
            alert: alert(told, reason, now_ms, rule, self, fault),
            reason,
            ends_at_ms,
        };
        let mut notices = Vec::new();
        if let Some(over) = before.told.filter(|_| before.told != self.told) {
            notices.push(notice(over, NotifyReason::Resolved, now_ms));
        }
        if let Some(told) = self.told {
            let until_ms = match told.what {
                Notice::Paused => self.paused_until_ms,
                Notice::Quarantined => Some(now_ms.saturating_add(QUARANTINE_MS)),
                Notice::Failing | Notice::NoData => {
                    Some(valid_until_ms(now_ms, rule.1.interval_ms, AGAIN_MS))
                }
            };
            let is_new = before.told != self.told;
            let is_due = match told.what {
                Notice::Paused => true,
                Notice::Quarantined => false,
                Notice::Failing | Notice::NoData => {
                    let since_ms = now_ms.saturating_sub(told.since_ms);
                    since_ms / AGAIN_MS > since_ms.saturating_sub(rule.1.interval_ms) / AGAIN_MS
                }
            };
            if let Some(until_ms) = until_ms.filter(|_| is_new || is_due) {
                let reason = if is_new {
                    NotifyReason::Fired
                } else {
                    NotifyReason::Resend
                };
                notices.push(notice(told, reason, until_ms.saturating_add(GRACE_MS)));
            }
        }
        notices
    }
}

/// Twice as long each time.
fn pause_ms(times: u32, pause_ms_max: i64) -> i64 {
    PAUSE_MS.saturating_mul(1 << times.min(20)).min(pause_ms_max)
}

/// The alert of a notice: with the labels of group and rule, so that it goes where the
/// rule's own alerts go.
fn alert(
    told: Told,
    reason: NotifyReason,
    now_ms: i64,
    (key, group, rule): (&RuleKey, &GroupSpec, &RuleSpec),
    standing: &Standing,
    fault: Option<&Fault>,
) -> Alert {
    let own = [
        (ALERT_NAME, told.what.alert_name()),
        ("namespace", &*key.group.namespace),
        ("group", &*key.group.group),
        ("rule", &*key.rule),
    ];
    let mut labels = rule.labels_within(group);
    for (name, value) in own {
        labels.set(name, value);
    }
    let is_over = reason == NotifyReason::Resolved;
    Alert {
        labels: Arc::new(labels),
        annotations: Arc::new(annotations(told.what, is_over, now_ms, key, standing, fault)),
        value: f64::from(standing.strikes),
        state: if is_over {
            AlertState::Inactive
        } else {
            AlertState::Firing
        },
        active_at_ms: told.since_ms,
        fired_at_ms: Some(told.since_ms),
        resolved_at_ms: is_over.then_some(now_ms),
        last_sent_at_ms: Some(now_ms),
        keep_firing_since_ms: None,
        seen: 0,
    }
}

fn annotations(
    what: Notice,
    is_over: bool,
    now_ms: i64,
    key: &RuleKey,
    standing: &Standing,
    fault: Option<&Fault>,
) -> Annotations {
    let rule = format!(
        "The rule {} of {}/{}",
        key.rule, key.group.namespace, key.group.group
    );
    let summary = match (what, is_over) {
        (Notice::NoData, true) => format!("{rule} has data again, or fails for another reason."),
        (_, true) => format!("{rule} is evaluated again."),
        (Notice::Paused, false) => {
            let pause_ms = standing.paused_until_ms.unwrap_or(now_ms).saturating_sub(now_ms);
            let (strikes, pause) = (standing.strikes, format_duration_ms(pause_ms));
            format!("{rule} is paused for {pause}: it went over a limit {strikes} times in a row.")
        }
        (Notice::Quarantined, false) => {
            format!("{rule} is not evaluated: the operator has stopped its module.")
        }
        (Notice::Failing, false) => {
            let failures = standing.failures;
            format!("{rule} has failed {failures} times in a row: its alerts are as they were before.")
        }
        (Notice::NoData, false) => format!("{rule} has no data: its queries find nothing."),
    };
    let description = fault
        .filter(|_| !is_over)
        .map(|fault| ("description", fault.to_string()));
    [("summary", summary)].into_iter().chain(description).collect()
}

#[cfg(test)]
mod tests;
