//! Results, and the grid that they are computed on.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::frame::{Frame, FrameBuilder, FrameError};
use wasmalert_core::label::METRIC_NAME;
use wasmalert_core::sample::{STALE_NAN_BITS, is_stale};

/// The labels of a series in a result: those of a stored series, shared, with
/// or without its name. Dropping the name costs nothing.
#[derive(Clone)]
pub struct Metric {
    labels: Arc<Labels>,
    named: bool,
}

impl Metric {
    #[must_use]
    pub fn new(labels: Arc<Labels>) -> Self {
        Self { labels, named: true }
    }

    /// The same labels but the metric's name.
    #[must_use]
    pub fn without_name(self) -> Self {
        Self { named: false, ..self }
    }

    /// The labels, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let named = self.named;
        self.labels
            .iter()
            .filter(move |(name, _)| named || *name != METRIC_NAME)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        if !self.named && name == METRIC_NAME {
            return None;
        }
        self.labels.get(name)
    }

    /// The labels as a set of their own.
    #[must_use]
    pub fn to_labels(&self) -> Labels {
        match (self.named, self.labels.get(METRIC_NAME)) {
            (false, Some(_)) => self.iter().collect(),
            _ => (*self.labels).clone(),
        }
    }

    /// The labels, shared if they can be.
    #[must_use]
    pub fn into_shared(self) -> Arc<Labels> {
        match (self.named, self.labels.get(METRIC_NAME)) {
            (false, Some(_)) => Arc::new(self.iter().collect()),
            _ => self.labels,
        }
    }
}

impl From<Labels> for Metric {
    fn from(labels: Labels) -> Self {
        Self::new(Arc::new(labels))
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        (self.named == other.named && Arc::ptr_eq(&self.labels, &other.labels))
            || self.iter().eq(other.iter())
    }
}

impl Eq for Metric {}

impl Hash for Metric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|label| label.hash(state));
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_labels(), f)
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value of a series at the time of evaluation.
#[derive(Debug, Clone)]
pub struct Sample {
    pub metric: Metric,
    pub value: f64,
}

/// A series of a result: at least one sample, times increasing.
#[derive(Debug, Clone)]
pub struct Series {
    pub metric: Metric,
    pub timestamps_ms: Vec<i64>,
    pub values: Vec<f64>,
}

/// The result of a query.
#[derive(Debug, Clone)]
pub enum Value {
    Scalar(f64),
    String(String),
    /// An instant query: one sample a series, all of the time of evaluation.
    Vector(Vec<Sample>),
    /// A range query, or an instant query for a range.
    Matrix(Vec<Series>),
}

impl Value {
    /// The result as a frame. A scalar is one series without labels; a string
    /// has no series. `timestamp_ms` is the time of the instant query.
    ///
    /// # Errors
    /// The result is too large for a frame.
    pub fn to_frame(&self, timestamp_ms: i64) -> Result<Frame, FrameError> {
        let mut frame = FrameBuilder::new();
        match self {
            Self::Scalar(value) => {
                frame.sample(timestamp_ms, *value);
                frame.end_series()?;
            }
            Self::String(_) => return Err(FrameError::Text),
            Self::Vector(samples) => {
                for sample in samples {
                    sample
                        .metric
                        .iter()
                        .for_each(|(name, value)| frame.label(name, value));
                    frame.sample(timestamp_ms, sample.value);
                    frame.end_series()?;
                }
            }
            Self::Matrix(series) => {
                for series in series {
                    series
                        .metric
                        .iter()
                        .for_each(|(name, value)| frame.label(name, value));
                    for (timestamp_ms, value) in series.timestamps_ms.iter().zip(&series.values) {
                        frame.sample(*timestamp_ms, *value);
                    }
                    frame.end_series()?;
                }
            }
        }
        Ok(frame.finish())
    }
}

/// What a cell of a grid holds where there is no sample: the stale marker, which
/// no operation yields and no stored sample leaves behind.
pub(crate) const ABSENT: f64 = f64::from_bits(STALE_NAN_BITS);

pub(crate) fn is_absent(value: f64) -> bool {
    is_stale(value)
}

/// Instant vectors at every step of a query: a row for each series, a column
/// for each step. No row is empty, and no two rows have the same labels.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) metrics: Vec<Metric>,
    /// Row by row; [`ABSENT`] where a series has no sample.
    pub(crate) values: Vec<f64>,
    pub(crate) steps: usize,
    /// Whether rows differ in more than their names for sure, so that dropping
    /// names makes no duplicates.
    pub(crate) distinct_without_name: bool,
}

impl Grid {
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            metrics: Vec::new(),
            values: Vec::new(),
            steps,
            distinct_without_name: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.metrics.len()
    }

    pub(crate) fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.steps..(at + 1) * self.steps]
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Metric, &[f64])> {
        self.metrics.iter().zip(self.values.chunks_exact(self.steps))
    }

    pub(crate) fn cell(&self, row: usize, step: usize) -> f64 {
        self.values[row * self.steps + step]
    }

    /// Adds a row that the caller has appended to `values`, unless it is empty.
    pub(crate) fn end_row(&mut self, metric: impl FnOnce() -> Metric) {
        let start = self.metrics.len() * self.steps;
        if self.values[start..].iter().all(|value| is_absent(*value)) {
            self.values.truncate(start);
        } else {
            self.metrics.push(metric());
        }
    }

    /// Adds an empty row and returns its number; the caller fills at least one cell.
    pub(crate) fn add_row(&mut self, metric: Metric) -> usize {
        self.metrics.push(metric);
        self.values.resize(self.metrics.len() * self.steps, ABSENT);
        self.metrics.len() - 1
    }

    pub(crate) fn set(&mut self, row: usize, step: usize, value: f64) {
        self.values[row * self.steps + step] = value;
    }

    /// Drops rows that have become empty.
    pub(crate) fn drop_empty_rows(&mut self) {
        let steps = self.steps;
        let mut kept = 0;
        for row in 0..self.metrics.len() {
            if self.row(row).iter().all(|value| is_absent(*value)) {
                continue;
            }
            if kept != row {
                self.metrics.swap(kept, row);
                self.values
                    .copy_within(row * steps..(row + 1) * steps, kept * steps);
            }
            kept += 1;
        }
        self.metrics.truncate(kept);
        self.values.truncate(kept * steps);
    }

    /// Drops the names of all series and merges those that have become equal.
    ///
    /// # Errors
    /// Two of them have a sample at the same step: their labels.
    pub(crate) fn drop_names(&mut self) -> Result<(), Metric> {
        self.metrics.iter_mut().for_each(|metric| metric.named = false);
        if self.distinct_without_name {
            return Ok(());
        }
        self.distinct_without_name = true;
        self.merge_equal_rows()
    }

    /// Applies `f` to every sample; None removes it.
    pub(crate) fn filter_map(&mut self, mut f: impl FnMut(usize, f64) -> Option<f64>) {
        let steps = self.steps;
        let mut removed = false;
        for row in self.values.chunks_exact_mut(steps) {
            for (step, value) in row.iter_mut().enumerate() {
                if is_absent(*value) {
                    continue;
                }
                *value = f(step, *value).unwrap_or(ABSENT);
                removed |= is_absent(*value);
            }
        }
        if removed {
            self.drop_empty_rows();
        }
    }

    /// Merges rows that have the same labels, as after names were dropped or
    /// labels changed.
    ///
    /// # Errors
    /// Two of them have a sample at the same step: their labels.
    pub(crate) fn merge_equal_rows(&mut self) -> Result<(), Metric> {
        let groups = crate::group::Groups::of_metrics(&self.metrics);
        if groups.len() == self.len() {
            return Ok(());
        }
        for row in 0..self.len() {
            let first = groups.first_row(groups.of_row(row));
            if first == row {
                continue;
            }
            for step in 0..self.steps {
                let value = self.cell(row, step);
                if is_absent(value) {
                    continue;
                }
                if !is_absent(self.cell(first, step)) {
                    return Err(self.metrics[row].clone());
                }
                self.set(first, step, value);
                self.set(row, step, ABSENT);
            }
        }
        self.drop_empty_rows();
        Ok(())
    }
}

/// What an expression evaluates to.
pub(crate) enum Computed {
    /// One value for each step.
    Scalar(Vec<f64>),
    Vector(Grid),
    String(Box<str>),
}
