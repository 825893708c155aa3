//! Samples as columns.

use wasmalert_core::sample::Sample;

/// Decoded samples of one series, times strictly increasing. A buffer that is
/// used again and again.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) timestamps_ms: Vec<i64>,
    pub(crate) values: Vec<f64>,
}

impl Columns {
    pub(crate) fn clear(&mut self) {
        self.timestamps_ms.clear();
        self.values.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.timestamps_ms.len()
    }

    pub(crate) fn push(&mut self, sample: Sample) {
        self.timestamps_ms.push(sample.timestamp_ms);
        self.values.push(sample.value);
    }

    /// Appends so many samples, which the caller sets.
    pub(crate) fn grow(&mut self, count: usize) -> (&mut [i64], &mut [f64]) {
        let before = self.len();
        self.timestamps_ms.resize(before + count, 0);
        self.values.resize(before + count, 0.0);
        (&mut self.timestamps_ms[before..], &mut self.values[before..])
    }

    pub(crate) fn insert(&mut self, at: usize, sample: Sample) {
        self.timestamps_ms.insert(at, sample.timestamp_ms);
        self.values.insert(at, sample.value);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Sample> {
        self.timestamps_ms
            .iter()
            .zip(&self.values)
            .map(|(&timestamp_ms, &value)| Sample { timestamp_ms, value })
    }

    /// Those from `min_ms` to `max_ms`, both included.
    pub(crate) fn within(&self, min_ms: i64, max_ms: i64) -> (&[i64], &[f64]) {
        let end = self.timestamps_ms.partition_point(|time| *time <= max_ms);
        let start = self.timestamps_ms[..end].partition_point(|time| *time < min_ms);
        (&self.timestamps_ms[start..end], &self.values[start..end])
    }
}
