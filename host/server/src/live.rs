//! The groups that are running, and what each rule is like right now.
//!
//! The store is the truth; a live rule is what was last committed. An evaluation
//! copies what it needs out of a rule, works without any lock, commits, and only
//! then applies what it decided.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use wasmalert_core::alert::{Alerts, Policy};
use wasmalert_core::evaluation::{State, Timers};
use wasmalert_core::query::Query;
use wasmalert_core::schedule::TimerGate;
use wasmalert_core::spec::{GroupSpec, RuleSpec};
use wasmalert_core::{GroupKey, Labels, RuleKey, TenantId};

use crate::embedded::Left;
use crate::fair::Lane;
use crate::groups::{batches, expr_of};
use crate::store::HealthRow;

/// What may not be evaluated looks at its timers so often.
const REST_MS: i64 = 10_000;

/// A group that is running.
pub(crate) struct LiveGroup {
    pub key: GroupKey,
    pub spec: Arc<GroupSpec>,
    /// Number of the change that made it what it is.
    pub revision: i64,
    pub offset_ms: i64,
    /// When it became what it is; 0 for as long as anybody knows.
    pub since_ms: i64,
    pub rules: Vec<Arc<LiveRule>>,
    /// Those that may be evaluated at the same time, in the order of the group.
    pub batches: Vec<Range<usize>>,
    /// Set once the group has been replaced or deleted.
    retired: AtomicBool,
    /// Series that rules have left which are no longer in the group: they end with its next slot.
    orphans: Mutex<Vec<Left>>,
}

impl LiveGroup {
    #[must_use]
    pub(crate) fn new(key: GroupKey, spec: Arc<GroupSpec>, revision: i64, rules: Vec<Arc<LiveRule>>) -> Self {
        // With the tenant, since many tenants name their groups alike.
        let names: [&str; 3] = [key.tenant.as_str(), &key.namespace, &key.group];
        let offset_ms = wasmalert_core::schedule::offset_ms(&names, spec.interval_ms);
        let batches = batches(&spec);
        Self {
            key,
            spec,
            revision,
            offset_ms,
            since_ms: 0,
            rules,
            batches,
            retired: AtomicBool::new(false),
            orphans: Mutex::default(),
        }
    }

    /// Takes over what rules of the group before a change have left: of each rule, what that has left whose state it
    /// has; the rest ends.
    pub(crate) fn succeed(&self, before: &Self) {
        let inherited = self
            .spec
            .inherited(&before.spec, &self.key)
            .into_iter()
            .enumerate();
        let heirs: BTreeMap<RuleKey, usize> = inherited.filter_map(|(at, key)| Some((key?, at))).collect();
        let mut orphans = std::mem::take(&mut *before.orphans());
        for old in &before.rules {
            let recorded = old.now().recorded.clone();
            let source: Arc<str> = old.spec.source_or_default().into();
            match heirs.get(&old.key).and_then(|at| self.rules.get(*at)) {
                Some(heir) => {
                    let mut now = heir.now();
                    now.recorded = recorded;
                    // What has fired did so by other rules.
                    if heir.policy.quorum != old.policy.quorum {
                        now.alerts.assume_seen();
                    }
                }
                None => orphans.extend(recorded.into_iter().map(|labels| (source.clone(), labels))),
            }
        }
        *self.orphans() = orphans;
    }

    /// The series that are to end.
    #[must_use]
    pub(crate) fn take_orphans(&self) -> Vec<Left> {
        let mut orphans = std::mem::take(&mut *self.orphans());
        if !orphans.is_empty() {
            let left = self.left_by_rules();
            let left: BTreeSet<Arc<Labels>> = left.map(|(_, labels)| labels).collect();
            orphans.retain(|(_, labels)| !left.contains(labels));
        }
        orphans
    }

    /// All series that the group has left.
    #[must_use]
    pub(crate) fn left(&self) -> Vec<Left> {
        let mut all: Vec<Left> = self.left_by_rules().collect();
        all.extend(self.orphans().iter().cloned());
        all
    }

    fn left_by_rules(&self) -> impl Iterator<Item = Left> {
        self.rules.iter().flat_map(|rule| {
            let recorded = rule.now().recorded.clone();
            let source: Arc<str> = rule.spec.source_or_default().into();
            recorded.into_iter().map(move |labels| (source.clone(), labels))
        })
    }

    fn orphans(&self) -> MutexGuard<'_, Vec<Left>> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    #[must_use]
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Looks at no timer for a while, since nothing may be evaluated.
    pub(crate) fn rest(&self, now_ms: i64) {
        self.rules.iter().for_each(|rule| rule.rest(now_ms));
    }

    /// When the first timer of any rule wants an evaluation.
    #[must_use]
    pub(crate) fn next_timer_ms(&self) -> Option<i64> {
        self.rules
            .iter()
            .filter_map(|rule| rule.now().next_timer_ms())
            .min()
    }
}

/// A rule of a running group.
pub(crate) struct LiveRule {
    pub key: RuleKey,
    pub spec: Arc<RuleSpec>,
    pub policy: Policy,
    /// Whether the last run took too long for the quick lane.
    takes_long: AtomicBool,
    /// Its expression, once somebody has asked for it.
    expr: OnceLock<Option<Box<str>>>,
    /// The newest time of what was handed in for remote write.
    forwarded_ms: AtomicI64,
    now: Mutex<RuleNow>,
}

impl LiveRule {
    #[must_use]
    pub(crate) fn new(key: RuleKey, spec: Arc<RuleSpec>, policy: Policy, now: RuleNow) -> Self {
        Self {
            key,
            spec,
            policy,
            takes_long: AtomicBool::new(false),
            expr: OnceLock::new(),
            forwarded_ms: AtomicI64::new(i64::MIN),
            now: Mutex::new(now),
        }
    }

    /// The entry `expr` of its configuration, as people are shown it.
    pub(crate) fn expr(&self) -> Option<&str> {
        self.expr.get_or_init(|| expr_of(&self.spec)).as_deref()
    }

    /// Where its next run is expected to do.
    #[must_use]
    pub(crate) fn lane(&self) -> Lane {
        if self.takes_long.load(Ordering::Relaxed) {
            Lane::Long
        } else {
            Lane::Quick
        }
    }

    /// Looks at no timer for a while, since it may not be evaluated.
    pub(crate) fn rest(&self, now_ms: i64) {
        self.now().timer_gate.hold_until(now_ms.saturating_add(REST_MS));
    }

    /// Remembers how much of a processor a run took.
    pub(crate) fn took(&self, cpu_ns: u64) {
        self.takes_long
            .store(cpu_ns > Lane::SLICE_MS * 1_000_000, Ordering::Relaxed);
    }

    /// Whether samples of that time come after all that were handed in for remote write. Those of a slot do not when
    /// a timer was due after it and was looked at before.
    pub(crate) fn forwards(&self, timestamp_ms: i64) -> bool {
        self.forwarded_ms.fetch_max(timestamp_ms, Ordering::Relaxed) < timestamp_ms
    }

    /// Ends a pause: something of the rule has changed.
    pub(crate) fn resume(&self) {
        let mut now = self.now();
        if now.health.standing.paused_until_ms.is_some() {
            now.timer_gate = TimerGate::default();
        }
        let standing = &mut now.health.standing;
        (standing.strikes, standing.paused_until_ms) = (0, None);
    }

    /// What the rule is like; held for a moment only, never over an await.
    pub(crate) fn now(&self) -> MutexGuard<'_, RuleNow> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a rule was like after its last evaluation.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleNow {
    pub alerts: Alerts,
    pub state: Arc<State>,
    pub timers: Arc<Timers>,
    /// The queries of the last evaluation and its time: most likely those of the
    /// next.
    pub asked: Vec<Query>,
    pub asked_at_ms: i64,
    pub health: HealthRow,
    pub timer_gate: TimerGate,
    /// The series that the last evaluation left in the embedded source, sorted.
    pub recorded: Vec<Arc<Labels>>,
}

impl RuleNow {
    /// Until when the rule is not to be evaluated, if that is later than now.
    #[must_use]
    pub(crate) fn paused_until_ms(&self, now_ms: i64) -> Option<i64> {
        self.health.standing.paused_until_ms(now_ms)
    }

    /// When the rule's first timer wants an evaluation.
    #[must_use]
    pub(crate) fn next_timer_ms(&self) -> Option<i64> {
        self.timer_gate.next_ms(&self.timers)
    }
}

/// All groups that are running.
#[derive(Default)]
pub(crate) struct LiveGroups(RwLock<BTreeMap<GroupKey, Arc<LiveGroup>>>);

impl LiveGroups {
    #[must_use]
    pub(crate) fn get(&self, key: &GroupKey) -> Option<Arc<LiveGroup>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// A rule of a group that is running.
    pub(crate) fn rule(&self, key: &RuleKey) -> Option<Arc<LiveRule>> {
        let group = self.get(&key.group)?;
        group.rules.iter().find(|rule| rule.key == *key).cloned()
    }

    /// The groups of a tenant, sorted by namespace and name.
    #[must_use]
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Vec<Arc<LiveGroup>> {
        let groups = self.0.read().unwrap_or_else(PoisonError::into_inner);
        groups
            .values()
            .filter(|group| group.key.tenant == *tenant)
            .cloned()
            .collect()
    }

    /// Ends the pauses of some of a tenant's rules.
    pub(crate) fn resume(&self, tenant: &TenantId, which: impl Fn(&RuleSpec) -> bool) {
        for group in self.of_tenant(tenant) {
            let rules = group.rules.iter().filter(|rule| which(&rule.spec));
            rules.for_each(|rule| rule.resume());
        }
    }

    /// Every group there is; for the host's own metrics.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<Arc<LiveGroup>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Puts a group in the place of the one of the same key.
    pub(crate) fn put(&self, group: Arc<LiveGroup>) {
        let mut groups = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = groups.insert(group.key.clone(), group) {
            before.retire();
        }
    }

    pub(crate) fn remove(&self, key: &GroupKey) -> Option<Arc<LiveGroup>> {
        let removed = self
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key)?;
        removed.retire();
        Some(removed)
    }
}
