//! The alert lifecycle.
//!
//! Words used here: what a successful evaluation reports is *observed*; an
//! observed label set that has an alert *refreshes* it. An alert is *pending*
//! until it was observed for `for`, then *firing*. Not observed any more, a
//! pending alert is gone, a firing one is *kept* for `keep_firing_for` and then
//! *inactive*: resolved, and retained for a while so that receivers hear of it.
//!
//! [`step`] decides and changes nothing. The host writes the [`Step`] to its
//! store, and [`Alerts::apply`]s it once that has succeeded.

mod judge;
mod lifecycle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::evaluation::Finding;
use crate::label::{ALERT_NAME, Labels};
use crate::spec::{GroupSpec, Quorum, RuleSpec, host_labels, is_template};

pub use judge::{Evaluated, Judged, Since, judge};
pub use lifecycle::step;

/// Where an alert is in its life. Ordered from the least to the most pressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertState {
    /// Resolved, and retained.
    Inactive,
    /// Observed, but not yet for long enough.
    Pending,
    Firing,
}

impl AlertState {
    pub const ALL: [Self; 3] = [Self::Inactive, Self::Pending, Self::Firing];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }

    #[must_use]
    pub fn parse(state: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == state)
    }
}

/// Annotations: sorted by name, each name once. Unlike a label, an annotation
/// may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations(Vec<(String, String)>);

impl Annotations {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok()?;
        self.0.get(at).map(|(_, text)| &**text)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, T: Into<String>> FromIterator<(N, T)> for Annotations {
    /// The last of equal names wins.
    fn from_iter<I: IntoIterator<Item = (N, T)>>(iter: I) -> Self {
        let mut all: Vec<(String, String)> = iter.into_iter().map(|(n, t)| (n.into(), t.into())).collect();
        all.reverse(); // dedup keeps the first of a run
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|later, first| later.0 == first.0);
        Self(all)
    }
}

/// One alert of a rule. All times are in ms since the epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Final, `alertname` included: what the alert is known by.
    pub labels: Arc<Labels>,
    pub annotations: Arc<Annotations>,
    /// The value last observed.
    pub value: f64,
    pub state: AlertState,
    /// Since when it is observed.
    pub active_at_ms: i64,
    pub fired_at_ms: Option<i64>,
    pub resolved_at_ms: Option<i64>,
    /// When a notification was last written to the outbox.
    pub last_sent_at_ms: Option<i64>,
    /// Since when it is kept firing although it is not observed.
    pub keep_firing_since_ms: Option<i64>,
    /// In which of the last evaluations it was observed: a bit for each that its quorum looks at, the last
    /// one's is the lowest.
    pub seen: u64,
}

impl Alert {
    fn appeared(observed: Observed, now_ms: i64) -> Self {
        Self {
            labels: Arc::new(observed.labels),
            annotations: Arc::new(observed.annotations),
            value: observed.value,
            state: AlertState::Pending,
            active_at_ms: observed.since_ms.map_or(now_ms, |since_ms| since_ms.min(now_ms)),
            fired_at_ms: None,
            resolved_at_ms: None,
            last_sent_at_ms: None,
            keep_firing_since_ms: None,
            seen: 1,
        }
    }
}

/// How the alerts of a rule live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// 0 fires at once.
    pub for_ms: i64,
    /// 0 resolves at once.
    pub keep_firing_for_ms: i64,
    /// The group's interval.
    pub interval_ms: i64,
    /// The least time between two notifications of a firing alert.
    pub resend_delay_ms: i64,
    /// How long a resolved alert is retained.
    pub resolved_retention_ms: i64,
    /// In how many of the last evaluations it has to be observed to fire, and to go on firing.
    pub quorum: Quorum,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            for_ms: 0,
            keep_firing_for_ms: 0,
            interval_ms: 60_000,
            resend_delay_ms: 60_000,
            resolved_retention_ms: 900_000,
            quorum: Quorum::default(),
        }
    }
}

impl Policy {
    /// As a rule of a group says; what it does not say is as in Prometheus.
    #[must_use]
    pub fn of(group: &GroupSpec, rule: &RuleSpec) -> Self {
        Self {
            for_ms: rule.for_ms,
            keep_firing_for_ms: rule.keep_firing_for_ms,
            interval_ms: group.interval_ms,
            quorum: rule.options.quorum,
            ..Self::default()
        }
    }
}

/// The alerts of one rule by their labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alerts(BTreeMap<Arc<Labels>, Alert>);

impl Alerts {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All alerts in the order of their labels.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Alert> + Clone {
        self.0.values()
    }

    #[must_use]
    pub fn get(&self, labels: &Labels) -> Option<&Alert> {
        self.0.get(labels)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts an alert in as it was stored.
    pub fn insert(&mut self, alert: Alert) {
        self.0.insert(alert.labels.clone(), alert);
    }

    /// A receiver has taken what it was told of an alert: the time until that is told again counts from then.
    pub fn accepted(&mut self, labels: &Labels, now_ms: i64) {
        let alert = self.0.get_mut(labels);
        if let Some(alert) = alert.filter(|alert| alert.state == AlertState::Firing) {
            alert.last_sent_at_ms = alert.last_sent_at_ms.map(|sent_ms| sent_ms.max(now_ms));
        }
    }

    /// The state of the rule: the most pressing of its alerts' states.
    #[must_use]
    pub fn worst_state(&self) -> AlertState {
        self.iter()
            .map(|alert| alert.state)
            .max()
            .unwrap_or(AlertState::Inactive)
    }

    /// How many alerts are in that state.
    #[must_use]
    pub fn count(&self, state: AlertState) -> usize {
        self.iter().filter(|alert| alert.state == state).count()
    }

    /// How many are pending or firing.
    #[must_use]
    pub fn active(&self) -> usize {
        self.len() - self.count(AlertState::Inactive)
    }

    /// Counts every firing alert as observed in all of the last evaluations, for a quorum that is another now.
    pub fn assume_seen(&mut self) {
        let firing = self
            .0
            .values_mut()
            .filter(|alert| alert.state == AlertState::Firing);
        firing.for_each(|alert| alert.seen = u64::MAX);
    }

    /// Makes a step's changes. To be called only after the store has them.
    pub fn apply(&mut self, step: &Step) {
        for alert in step.upserts.iter().chain(&step.refreshed) {
            self.insert(alert.clone());
        }
        for labels in &step.removed {
            self.0.remove(labels);
        }
    }
}

impl FromIterator<Alert> for Alerts {
    fn from_iter<I: IntoIterator<Item = Alert>>(iter: I) -> Self {
        Self(iter.into_iter().map(|a| (a.labels.clone(), a)).collect())
    }
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// It succeeded: everything that is wrong right now, in any order.
    Findings(Vec<Observed>),
    /// A query or the evaluation failed: nothing is known, nothing changes.
    Failed,
}

/// A finding with the labels its alert is known by.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    pub labels: Labels,
    pub annotations: Annotations,
    pub value: f64,
    /// Since when its alert is active, where that is known from elsewhere.
    pub since_ms: Option<i64>,
}

/// Gives a finding its final labels and annotations.
///
/// The finding's labels without `__name__`, the group's over them, the rule's
/// over those, and `alertname`; where the host's label is a template and the component
/// gives that label, it has expanded it. Of annotations, the finding's win over the rule's.
#[must_use]
pub fn identify(
    finding: &Finding,
    rule_name: &str,
    group_labels: &BTreeMap<String, String>,
    rule_labels: &BTreeMap<String, String>,
    rule_annotations: &BTreeMap<String, String>,
) -> Observed {
    let expanded = |name: &str, text: &str| is_template(text) && finding.given.gives(name);
    let of_host = host_labels(group_labels, rule_labels).filter(|(name, text)| !expanded(name, text));
    let labels = finding.labels().chain(of_host).chain([(ALERT_NAME, rule_name)]);
    let of_rule = rule_annotations.iter().map(|(n, t)| (&**n, &**t));
    let of_finding = finding.annotations.iter().map(|(n, t)| (&**n, &**t));
    Observed {
        labels: labels.collect(),
        annotations: of_rule.chain(of_finding).collect(),
        value: finding.value,
        since_ms: None,
    }
}

/// What an evaluation changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// Alerts whose state or a time changed: they must be persisted.
    pub upserts: Vec<Alert>,
    /// Alerts of which only value or annotations changed: memory is enough.
    pub refreshed: Vec<Alert>,
    /// Alerts that are gone.
    pub removed: Vec<Arc<Labels>>,
    pub transitions: Vec<Transition>,
    /// To be written to the outbox together with the upserts.
    pub notify: Vec<Notification>,
}

impl Step {
    /// How many alerts there are afterwards of those that there were before.
    #[must_use]
    pub fn kept_of(&self, before: &Alerts) -> usize {
        let appeared = self
            .transitions
            .iter()
            .filter(|transition| transition.from.is_none());
        before.len() + appeared.count() - self.removed.len()
    }

    /// How many alerts are pending or firing afterwards, of those that there were before.
    #[must_use]
    pub fn active_of(&self, before: &Alerts) -> u64 {
        let is_active =
            |state: Option<AlertState>| i64::from(state.is_some_and(|state| state != AlertState::Inactive));
        let more = self
            .transitions
            .iter()
            .map(|turn| is_active(turn.to) - is_active(turn.from));
        (before.active() as i64 + more.sum::<i64>()).max(0).unsigned_abs()
    }

    /// Whether nothing has to be persisted.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.upserts.is_empty() && self.removed.is_empty() && self.notify.is_empty()
    }
}

/// What receivers are to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub alert: Alert,
    pub reason: NotifyReason,
    /// When the alert resolved; while it fires, until when receivers may believe
    /// it without hearing again.
    pub ends_at_ms: i64,
}

/// Why a notification is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotifyReason {
    Fired,
    Resolved,
    /// The same again, since receivers forget.
    Resend,
}

impl NotifyReason {
    pub const ALL: [Self; 3] = [Self::Fired, Self::Resolved, Self::Resend];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Resolved => "resolved",
            Self::Resend => "resend",
        }
    }

    #[must_use]
    pub fn parse(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == reason)
    }
}

/// A turn in an alert's life. None stands for an alert that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    pub labels: Arc<Labels>,
    pub from: Option<AlertState>,
    pub to: Option<AlertState>,
    pub reason: TransitionReason,
}

/// Why an alert's life took a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransitionReason {
    /// Observed for the first time.
    Appeared,
    /// Observed again after it had resolved: a new alert.
    Reappeared,
    /// Observed for `for`: it fires.
    ForElapsed,
    /// `for` was raised above its age: pending again.
    ForRaised,
    /// Not observed any more, or not often enough.
    Vanished,
    /// Not observed any more, but kept firing.
    KeptFiring,
    /// Observed again while it was kept firing.
    Returned,
    /// Kept firing for as long as allowed: resolved.
    KeepFiringElapsed,
    /// Retained for as long as a resolved alert is: gone.
    RetentionElapsed,
}

impl TransitionReason {
    pub const ALL: [Self; 9] = [
        Self::Appeared,
        Self::Reappeared,
        Self::ForElapsed,
        Self::ForRaised,
        Self::Vanished,
        Self::KeptFiring,
        Self::Returned,
        Self::KeepFiringElapsed,
        Self::RetentionElapsed,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::Reappeared => "reappeared",
            Self::ForElapsed => "for_elapsed",
            Self::ForRaised => "for_raised",
            Self::Vanished => "vanished",
            Self::KeptFiring => "kept_firing",
            Self::Returned => "returned",
            Self::KeepFiringElapsed => "keep_firing_elapsed",
            Self::RetentionElapsed => "retention_elapsed",
        }
    }

    #[must_use]
    pub fn parse(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == reason)
    }
}
