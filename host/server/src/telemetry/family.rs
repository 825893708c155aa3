//! Series of one metric by their labels.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use wasmalert_core::TenantId;

use super::exposition::{Exposition, Pair};
use super::instrument::{Counter, Gauge, Histogram};

/// Series of a family that tells tenants apart; tenants that come later share
/// the tenant `_other`.
const SERIES_MAX: usize = 20_000;
const OTHER_TENANTS: &str = "_other";

type SeriesMap<C, M> = HashMap<(Option<TenantId>, C), Arc<M>>;

/// Labels with a fixed set of values.
pub trait Code: Copy + Eq + Hash + Ord {
    /// The labels' names; as many as `labels` has values.
    const NAMES: &'static [&'static str];

    fn labels(self) -> Vec<&'static str>;
}

/// No label.
impl Code for () {
    const NAMES: &'static [&'static str] = &[];

    fn labels(self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// A metric with the labels of a code.
pub struct Family<C, M>(TenantFamily<C, M>);

impl<C: Code, M> Family<C, M> {
    pub(super) fn new(make: fn() -> M) -> Self {
        Self(TenantFamily::new(false, make))
    }

    /// The series of that code; may be kept.
    #[must_use]
    pub fn with(&self, code: C) -> Arc<M> {
        self.0.series(None, code)
    }
}

impl<C: Code> Family<C, Counter> {
    pub fn inc(&self, code: C) {
        self.with(code).inc();
    }
}

/// A metric with the labels of a code, and the tenant's where that is wanted.
pub struct TenantFamily<C, M> {
    by_tenant: bool,
    make: fn() -> M,
    series: RwLock<SeriesMap<C, M>>,
}

impl<C: Code, M> TenantFamily<C, M> {
    pub(super) fn new(by_tenant: bool, make: fn() -> M) -> Self {
        Self {
            by_tenant,
            make,
            series: RwLock::default(),
        }
    }

    /// The series of that tenant and code; may be kept.
    #[must_use]
    pub fn with(&self, tenant: &TenantId, code: C) -> Arc<M> {
        self.series(self.by_tenant.then(|| tenant.clone()), code)
    }

    /// Drops a tenant's series.
    pub fn forget(&self, tenant: &TenantId) {
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        series.retain(|(of, _), _| of.as_ref() != Some(tenant));
    }

    fn series(&self, tenant: Option<TenantId>, code: C) -> Arc<M> {
        let key = (tenant, code);
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = series.get(&key) {
            return found.clone();
        }
        let full = series.len() >= SERIES_MAX;
        drop(series);
        let key = if full { (None, code) } else { key };
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        series
            .entry(key)
            .or_insert_with(|| Arc::new((self.make)()))
            .clone()
    }
}

impl<C: Code> TenantFamily<C, Counter> {
    pub fn inc(&self, tenant: &TenantId, code: C) {
        self.with(tenant, code).inc();
    }

    pub fn add(&self, tenant: &TenantId, code: C, by: u64) {
        self.with(tenant, code).add(by);
    }
}

impl<C: Code, M: Default> TenantFamily<C, M> {
    /// Makes the series these, which are read off elsewhere, and drops all others;
    /// what falls together, since tenants are left out, is added up.
    fn rebuild<V>(&self, values: impl IntoIterator<Item = (TenantId, C, V)>, add: fn(&M, V)) {
        let mut fresh: SeriesMap<C, M> = HashMap::new();
        for (tenant, code, value) in values {
            let tenant = (self.by_tenant && fresh.len() < SERIES_MAX).then_some(tenant);
            add(fresh.entry((tenant, code)).or_default(), value);
        }
        *self.series.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

impl<C: Code> TenantFamily<C, Counter> {
    /// Makes the counts these, and drops all others.
    pub fn replace(&self, counts: impl IntoIterator<Item = (TenantId, C, u64)>) {
        self.rebuild(counts, Counter::add);
    }
}

impl<C: Code> TenantFamily<C, Gauge> {
    /// Makes the values these, and drops all others.
    pub fn replace(&self, values: impl IntoIterator<Item = (TenantId, C, f64)>) {
        self.rebuild(values, |gauge, value| gauge.set(gauge.get() + value));
    }
}

impl<C: Code> TenantFamily<C, Histogram> {
    pub fn observe(&self, tenant: &TenantId, code: C, value: f64) {
        self.with(tenant, code).observe(value);
    }
}

/// What renders itself as the samples of a family.
pub(super) trait Metric {
    const KIND: &'static str;

    fn write(&self, out: &mut Exposition, name: &str, labels: &[Pair<'_>]);
}

impl Metric for Counter {
    const KIND: &'static str = "counter";

    fn write(&self, out: &mut Exposition, name: &str, labels: &[Pair<'_>]) {
        out.sample(name, "", labels, self.get() as f64);
    }
}

impl Metric for Gauge {
    const KIND: &'static str = "gauge";

    fn write(&self, out: &mut Exposition, name: &str, labels: &[Pair<'_>]) {
        out.sample(name, "", labels, self.get());
    }
}

impl Metric for Histogram {
    const KIND: &'static str = "histogram";

    fn write(&self, out: &mut Exposition, name: &str, labels: &[Pair<'_>]) {
        out.histogram(name, labels, self.bounds(), &self.counts(), self.sum());
    }
}

impl<C: Code, M: Metric> Metric for TenantFamily<C, M> {
    const KIND: &'static str = M::KIND;

    fn write(&self, out: &mut Exposition, name: &str, labels: &[Pair<'_>]) {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = series.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(b.0));
        for ((tenant, code), metric) in sorted {
            let mut labels = labels.to_vec();
            if self.by_tenant {
                labels.push(("tenant", tenant.as_ref().map_or(OTHER_TENANTS, TenantId::as_str)));
            }
            labels.extend(C::NAMES.iter().copied().zip(code.labels()));
            metric.write(out, name, &labels);
        }
    }
}

impl<C: Code, M: Metric> Metric for Family<C, M> {
    const KIND: &'static str = M::KIND;

    fn write(&self, out: &mut Exposition, name: &str, labels: &[Pair<'_>]) {
        self.0.write(out, name, labels);
    }
}
