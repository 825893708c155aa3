//! Windows: what range functions see of a series.

use wasmalert_core::sample::is_stale;

use crate::ast::Selector;
use crate::error::Error;
use crate::eval::{Reference, Steps};
use crate::storage::Select;
use crate::value::{ABSENT, is_absent};

/// The samples of one series that a range function looks at, at one step: those
/// after `start_ms` and up to `end_ms`, at least one, no stale marker.
pub(crate) struct Window<'a> {
    pub(crate) timestamps_ms: &'a [i64],
    pub(crate) values: &'a [f64],
    /// The values that are followed by smaller ones: where a counter started anew.
    pub(crate) peaks: &'a [f64],
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// The time of the step, whatever the modifiers.
    pub(crate) time_ms: i64,
    /// The scalar arguments of the function at this step.
    pub(crate) params: &'a [f64],
}

impl Window<'_> {
    pub(crate) fn range_s(&self) -> f64 {
        self.end_ms.saturating_sub(self.start_ms) as f64 / 1e3
    }

    pub(crate) fn param(&self, at: usize) -> f64 {
        self.params.get(at).copied().unwrap_or(f64::NAN)
    }

    /// The newest sample.
    pub(crate) fn last(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }
}

/// Where the windows of a range lie.
#[derive(Clone, Copy)]
pub(crate) struct Windows<'a> {
    pub(crate) reference: Reference,
    pub(crate) range_ms: i64,
    pub(crate) steps: Steps,
    pub(crate) params: &'a [Vec<f64>],
}

impl Windows<'_> {
    pub(crate) fn select<'s>(&self, selector: &'s Selector) -> Select<'s> {
        let first_end_ms = self.reference.of(self.steps.start_ms);
        Select {
            matchers: &selector.matchers,
            min_ms: first_end_ms.saturating_sub(self.range_ms).saturating_add(1),
            max_ms: self.reference.of(self.steps.end_ms()),
            newest_only: false,
        }
    }

    /// Appends a value for each step to `row`.
    pub(crate) fn apply(
        &self,
        timestamps_ms: &[i64],
        values: &[f64],
        f: fn(&Window<'_>) -> Option<f64>,
        row: &mut Vec<f64>,
        mut visit: impl FnMut(usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut first, mut end) = (0, 0);
        // Found once: most windows of a series share most samples.
        let (falls, peaks) = falls(values);
        let mut fallen = 0..0;
        let mut params = Vec::with_capacity(self.params.len());
        for (step, time_ms) in self.steps.times_ms().enumerate() {
            let end_ms = self.reference.of(time_ms);
            let start_ms = end_ms.saturating_sub(self.range_ms);
            first = advance(timestamps_ms, first, start_ms);
            end = advance(timestamps_ms, end.max(first), end_ms);
            visit(1 + end - first)?;
            if first == end {
                row.push(ABSENT);
                continue;
            }
            while fallen.start < falls.len() && falls[fallen.start] <= first {
                fallen.start += 1;
            }
            while fallen.end < falls.len() && falls[fallen.end] < end {
                fallen.end += 1;
            }
            params.clear();
            params.extend(self.params.iter().map(|values| values[step]));
            let window = Window {
                timestamps_ms: &timestamps_ms[first..end],
                values: &values[first..end],
                peaks: peaks.get(fallen.clone()).unwrap_or_default(),
                start_ms,
                end_ms,
                time_ms,
                params: &params,
            };
            row.push(f(&window).unwrap_or(ABSENT));
        }
        Ok(())
    }
}

/// Where values are smaller than those before, and those before.
fn falls(values: &[f64]) -> (Vec<usize>, Vec<f64>) {
    let pairs = values.windows(2).zip(1..);
    pairs
        .filter(|(pair, _)| pair[1] < pair[0])
        .map(|(pair, at)| (at, pair[0]))
        .unzip()
}

/// A buffer for series that have stale markers.
#[derive(Default)]
pub(crate) struct Fresh(Samples);

impl Fresh {
    /// The samples without stale markers, copied only if there are any.
    pub(crate) fn without_stale<'s>(
        &'s mut self,
        timestamps_ms: &'s [i64],
        values: &'s [f64],
    ) -> (&'s [i64], &'s [f64]) {
        if !values.iter().any(|value| is_stale(*value)) {
            return (timestamps_ms, values);
        }
        let samples = &mut self.0;
        samples.clear();
        for (timestamp_ms, value) in timestamps_ms.iter().zip(values) {
            if !is_stale(*value) {
                samples.push(*timestamp_ms, *value);
            }
        }
        (&samples.timestamps_ms, &samples.values)
    }
}

#[derive(Default)]
pub(crate) struct Samples {
    pub(crate) timestamps_ms: Vec<i64>,
    pub(crate) values: Vec<f64>,
}

impl Samples {
    fn clear(&mut self) {
        self.timestamps_ms.clear();
        self.values.clear();
    }

    fn push(&mut self, timestamp_ms: i64, value: f64) {
        self.timestamps_ms.push(timestamp_ms);
        self.values.push(value);
    }

    /// The samples of a row of a grid.
    pub(crate) fn fill(&mut self, steps: Steps, row: &[f64]) {
        self.clear();
        for (time_ms, value) in steps.times_ms().zip(row) {
            if !is_absent(*value) {
                self.push(time_ms, *value);
            }
        }
    }
}

/// Number of samples up to and including `limit_ms`; at least `from`, the
/// answer for an earlier time.
pub(crate) fn advance(timestamps_ms: &[i64], from: usize, limit_ms: i64) -> usize {
    let rest = &timestamps_ms[from..];
    // Mostly the next few: gallop before searching.
    let mut jump = 1;
    while jump < rest.len() && rest[jump - 1] <= limit_ms {
        jump *= 2;
    }
    let within = &rest[..jump.min(rest.len())];
    from + within.partition_point(|time| *time <= limit_ms)
}
