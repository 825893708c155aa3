//! Counters, gauges and histograms of atomics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn inc(&self) {
        self.add(1);
    }

    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A value that is set.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

/// Observations counted in buckets.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds, ascending; the last bucket has none.
    bounds: &'static [f64],
    /// One count for each bound, and one for what is above all.
    counts: Box<[AtomicU64]>,
    sum_bits: AtomicU64,
}

impl Histogram {
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self {
            bounds,
            counts,
            sum_bits: AtomicU64::new(0),
        }
    }

    pub fn observe(&self, value: f64) {
        self.counts[bucket_of(self.bounds, value)].fetch_add(1, Relaxed);
        let add = |sum: u64| Some((f64::from_bits(sum) + value).to_bits());
        let _previous = self.sum_bits.fetch_update(Relaxed, Relaxed, add);
    }

    /// Number of observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Relaxed)).sum()
    }

    #[must_use]
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.sum_bits.load(Relaxed))
    }

    pub(super) fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    pub(super) fn counts(&self) -> Vec<u64> {
        self.counts.iter().map(|count| count.load(Relaxed)).collect()
    }
}

/// Index of the bucket a value belongs to; NaN is above all bounds.
pub(super) fn bucket_of(bounds: &[f64], value: f64) -> usize {
    if value.is_nan() {
        bounds.len()
    } else {
        bounds.partition_point(|bound| *bound < value)
    }
}
