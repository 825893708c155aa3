//! How late the good tenants' slots are, out of the server's own metrics.

use std::collections::BTreeMap;

use crate::good;

const LAG: &str = "wasmalert_slot_lag_seconds_bucket{";
const MISSED: &str = "wasmalert_slots_missed_total{";

/// What was counted until a moment, or between two.
pub(crate) struct Lag {
    /// Slots whose lag was at most so many nanoseconds.
    buckets: BTreeMap<u64, f64>,
    pub(crate) slots: f64,
    pub(crate) missed: f64,
}

impl Lag {
    pub(crate) fn read(metrics: &str) -> Self {
        let (mut buckets, mut slots, mut missed) = (BTreeMap::new(), 0.0, 0.0);
        for line in metrics.lines().filter(|line| line.contains(good::PREFIX)) {
            let value = line
                .rsplit(' ')
                .next()
                .and_then(|value| value.parse::<f64>().ok());
            let value = value.unwrap_or_default();
            if line.starts_with(MISSED) {
                missed += value;
            } else if line.starts_with(LAG) {
                let le = line.split("le=\"").nth(1).and_then(|rest| rest.split('"').next());
                match le.and_then(|le| le.parse::<f64>().ok()) {
                    Some(le) if le.is_finite() => *buckets.entry((le * 1e9) as u64).or_default() += value,
                    _ => slots += value,
                }
            }
        }
        Self {
            buckets,
            slots,
            missed,
        }
    }

    pub(crate) fn since(self, before: &Self) -> Self {
        let grown = |(le, count)| (le, count - before.buckets.get(&le).copied().unwrap_or_default());
        Self {
            buckets: self.buckets.into_iter().map(grown).collect(),
            slots: self.slots - before.slots,
            missed: self.missed - before.missed,
        }
    }

    /// As `histogram_quantile` of PromQL tells it.
    pub(crate) fn p99_seconds(&self) -> f64 {
        let rank = self.slots * 0.99;
        let (mut below_seconds, mut below) = (0.0, 0.0);
        for (&le_ns, &count) in &self.buckets {
            let le_seconds = le_ns as f64 / 1e9;
            if count >= rank {
                return below_seconds + (le_seconds - below_seconds) * (rank - below) / (count - below);
            }
            (below_seconds, below) = (le_seconds, count);
        }
        f64::INFINITY
    }
}
