//! Metrics that rules emit, for their tenant to scrape.
//!
//! They live in memory alone and start at zero with the server, as Prometheus
//! expects of counters. The host adds the labels `namespace`, `group` and
//! `rule`; a rule's own label of such a name becomes `exported_…`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use wasmalert_core::evaluation::{MetricChange, MetricUpdate};
use wasmalert_core::{Labels, RuleKey, TenantId};

use super::exposition::{Exposition, Pair};
use super::family::Code;
use super::host::Metrics;
use super::instrument::bucket_of;

/// Upper bounds of rules' histograms, as Prometheus' client libraries have them.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Lines a histogram takes: its buckets, the one above, sum and count.
const HISTOGRAM_SERIES: usize = BOUNDS.len() + 3;
const HISTOGRAM_SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Series of one tenant, by default. A histogram counts as 14.
pub const TENANT_SERIES_MAX_DEFAULT: usize = 10_000;

const DROPPED: &str = "wasmalert_rule_metric_updates_dropped_total";

/// Why an update of a rule's metric was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// The name is already used for another kind of metric.
    KindConflict,
    /// The tenant has as many series as it may have.
    SeriesLimit,
    /// The value is not one a counter can be raised by.
    BadValue,
    /// The name belongs to the host.
    ReservedName,
}

impl DropReason {
    const ALL: [Self; 4] = [
        Self::KindConflict,
        Self::SeriesLimit,
        Self::BadValue,
        Self::ReservedName,
    ];
}

impl Code for DropReason {
    const NAMES: &'static [&'static str] = &["reason"];

    fn labels(self) -> Vec<&'static str> {
        vec![match self {
            Self::KindConflict => "kind_conflict",
            Self::SeriesLimit => "series_limit",
            Self::BadValue => "bad_value",
            Self::ReservedName => "reserved_name",
        }]
    }
}

/// The metrics of all tenants' rules, each tenant's behind a lock of its own.
pub struct TenantMetrics {
    series_max: usize,
    tenants: RwLock<HashMap<TenantId, Arc<Mutex<Families>>>>,
    metrics: Arc<Metrics>,
}

impl TenantMetrics {
    /// No metrics yet; at most `series_max` for each tenant. What is dropped is
    /// counted in `metrics` too.
    #[must_use]
    pub fn new(series_max: usize, metrics: Arc<Metrics>) -> Self {
        Self {
            series_max,
            tenants: RwLock::default(),
            metrics,
        }
    }

    /// Takes in what a rule emitted in one evaluation, in order. An update that
    /// cannot be taken is dropped and counted, the others are kept.
    pub fn apply(&self, rule: &RuleKey, updates: &[MetricUpdate]) {
        if updates.is_empty() {
            return;
        }
        let families = self.of(rule.tenant());
        let mut families = families.lock().unwrap_or_else(PoisonError::into_inner);
        for update in updates {
            if let Err(reason) = families.apply(rule, update, self.series_max) {
                families.dropped[reason as usize] += 1;
                self.metrics
                    .rule_metric_updates_dropped
                    .inc(rule.tenant(), reason);
            }
        }
    }

    /// Drops the series of a rule that is gone.
    pub fn forget_rule(&self, rule: &RuleKey) {
        let families = self.of(rule.tenant());
        families
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .forget(rule);
    }

    /// Drops everything of a tenant that is gone.
    pub fn forget_tenant(&self, tenant: &TenantId) {
        self.tenants
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(tenant);
    }

    /// A tenant's metrics in the Prometheus text format, families sorted by name.
    #[must_use]
    pub fn render(&self, tenant: &TenantId) -> String {
        let families = self
            .tenants
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tenant)
            .cloned();
        let mut out = Exposition::default();
        if let Some(families) = families {
            families
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write(&mut out);
        }
        out.finish()
    }

    fn of(&self, tenant: &TenantId) -> Arc<Mutex<Families>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(families) = tenants.get(tenant) {
            return families.clone();
        }
        drop(tenants);
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.entry(tenant.clone()).or_default().clone()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn of(change: MetricChange) -> Self {
        match change {
            MetricChange::Count(_) => Self::Counter,
            MetricChange::Gauge(_) => Self::Gauge,
            MetricChange::Observe(_) => Self::Histogram,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }

    /// Lines that a series of this kind takes.
    fn weight(self) -> usize {
        if self == Self::Histogram {
            HISTOGRAM_SERIES
        } else {
            1
        }
    }
}

enum Value {
    Number(f64),
    Buckets {
        counts: [u64; BOUNDS.len() + 1],
        sum: f64,
    },
}

struct FamilyOfRules {
    kind: Kind,
    /// By rule, so that a rule's series go with it; then by its labels.
    rules: BTreeMap<RuleKey, BTreeMap<Labels, Value>>,
}

/// The metrics of one tenant.
#[derive(Default)]
struct Families {
    by_name: BTreeMap<Box<str>, FamilyOfRules>,
    series: usize,
    /// By [`DropReason`].
    dropped: [u64; DropReason::ALL.len()],
}

impl Families {
    fn apply(&mut self, rule: &RuleKey, update: &MetricUpdate, series_max: usize) -> Result<(), DropReason> {
        let kind = Kind::of(update.change);
        self.check(update, kind)?;
        let known = self.by_name.get_mut(&*update.name).and_then(|family| {
            let labels = family.rules.get_mut(rule)?;
            labels.get_mut(&update.labels)
        });
        if let Some(value) = known {
            value.change(update.change);
            return Ok(());
        }
        if self.series + kind.weight() > series_max {
            return Err(DropReason::SeriesLimit);
        }
        self.series += kind.weight();
        let fresh = || FamilyOfRules {
            kind,
            rules: BTreeMap::new(),
        };
        let family = self
            .by_name
            .entry(update.name.as_str().into())
            .or_insert_with(fresh);
        let value = family
            .rules
            .entry(rule.clone())
            .or_default()
            .entry(update.labels.clone());
        value.or_insert_with(|| Value::new(kind)).change(update.change);
        Ok(())
    }

    fn check(&self, update: &MetricUpdate, kind: Kind) -> Result<(), DropReason> {
        let name = update.name.as_str();
        if name == DROPPED {
            return Err(DropReason::ReservedName);
        }
        if matches!(update.change, MetricChange::Count(by) if !by.is_finite() || by < 0.0) {
            return Err(DropReason::BadValue);
        }
        if let Some(family) = self.by_name.get(name) {
            return if family.kind == kind {
                Ok(())
            } else {
                Err(DropReason::KindConflict)
            };
        }
        // A histogram's lines have names of their own, which must be free too.
        let taken = |suffix: &&str| self.by_name.contains_key(&*format!("{name}{suffix}"));
        let histogram = |suffix: &&str| {
            let base = name.strip_suffix(*suffix).and_then(|base| self.by_name.get(base));
            base.is_some_and(|family| family.kind == Kind::Histogram)
        };
        let clash = kind == Kind::Histogram && HISTOGRAM_SUFFIXES.iter().any(taken);
        if clash || HISTOGRAM_SUFFIXES.iter().any(histogram) {
            return Err(DropReason::KindConflict);
        }
        Ok(())
    }

    fn forget(&mut self, rule: &RuleKey) {
        let series = &mut self.series;
        self.by_name.retain(|_, family| {
            let gone = family.rules.remove(rule).map_or(0, |labels| labels.len());
            *series -= gone * family.kind.weight();
            !family.rules.is_empty()
        });
    }

    fn write(&self, out: &mut Exposition) {
        let mut dropped_written = false;
        for (name, family) in &self.by_name {
            if !dropped_written && &**name > DROPPED {
                self.write_dropped(out);
                dropped_written = true;
            }
            family.write(out, name);
        }
        if !dropped_written {
            self.write_dropped(out);
        }
    }

    fn write_dropped(&self, out: &mut Exposition) {
        out.family(
            DROPPED,
            "counter",
            "Updates of rules' own metrics that were dropped.",
        );
        for reason in DropReason::ALL {
            for text in reason.labels() {
                out.sample(
                    DROPPED,
                    "",
                    &[("reason", text)],
                    self.dropped[reason as usize] as f64,
                );
            }
        }
    }
}

impl Value {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Histogram => Self::Buckets {
                counts: [0; BOUNDS.len() + 1],
                sum: 0.0,
            },
            Kind::Counter | Kind::Gauge => Self::Number(0.0),
        }
    }

    fn change(&mut self, change: MetricChange) {
        match (self, change) {
            (Self::Number(value), MetricChange::Count(by)) => *value += by,
            (Self::Number(value), MetricChange::Gauge(to)) => *value = to,
            (Self::Buckets { counts, sum }, MetricChange::Observe(value)) => {
                counts[bucket_of(&BOUNDS, value)] += 1;
                *sum += value;
            }
            _ => {} // the family's kind has been checked
        }
    }
}

impl FamilyOfRules {
    fn write(&self, out: &mut Exposition, name: &str) {
        out.family(name, self.kind.as_str(), "Emitted by rules.");
        for (rule, series) in &self.rules {
            for (labels, value) in series {
                let own = exported(labels, self.kind);
                let host = [
                    ("namespace", &*rule.group.namespace),
                    ("group", &*rule.group.group),
                    ("rule", &*rule.rule),
                ];
                let own = own.iter().map(|(name, value)| (name.as_str(), *value));
                let labels: Vec<Pair<'_>> = host.into_iter().chain(own).collect();
                match value {
                    Value::Number(value) => out.sample(name, "", &labels, *value),
                    Value::Buckets { counts, sum } => out.histogram(name, &labels, &BOUNDS, counts, *sum),
                }
            }
        }
    }
}

/// A rule's own labels, those renamed that the host sets.
fn exported(labels: &Labels, kind: Kind) -> Vec<(String, &str)> {
    let reserved = |name: &str| {
        matches!(name, "namespace" | "group" | "rule") || (name == "le" && kind == Kind::Histogram)
    };
    let rename = |name: &str| {
        let mut name = name.to_owned();
        while reserved(&name) || labels.get(&name).is_some() {
            name.insert_str(0, "exported_");
        }
        name
    };
    let renamed = labels.iter().map(|(name, value)| {
        let name = if reserved(name) {
            rename(name)
        } else {
            name.to_owned()
        };
        (name, value)
    });
    renamed.collect()
}
