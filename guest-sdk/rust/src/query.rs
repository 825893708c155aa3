//! Queries, and the frames they come back as.
//!
//! A *frame* holds `n` *series*, numbered from 0, as columns. It stays in the
//! host; each method below is one call that copies what it returns.

use std::cell::OnceCell;

pub use crate::bindings::rule::wasmalert::rules::query::{LabelColumn, QueryError, SampleColumns as Samples};
pub use crate::bindings::rule::wasmalert::rules::types::{InstantQuery as Query, RangeQuery};

use crate::host::query as host;
use crate::time::Span;
use crate::{Labels, SeriesRef};

/// Asks the rule's own source for the present: one value for each series.
///
/// # Errors
/// The query failed. The evaluation then fails too, whatever the rule returns,
/// so pass the error on with `?`; see [`Query::may_fail`] for the exception.
pub fn query(expr: &str) -> Result<Frame, QueryError> {
    Query::new(expr).run()
}

/// Asks several queries at once, which saves rounds.
///
/// ```
/// use wasmalert::prelude::*;
/// # fn rule() -> Result<(), Error> {
/// let [errors, requests] = query_all(["sum(rate(errors[5m]))", "sum(rate(requests[5m]))"])?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// The first failure, as with [`query`].
pub fn query_all<const N: usize>(exprs: [&str; N]) -> Result<[Frame; N], QueryError> {
    let queries = exprs.map(Query::new);
    prefetch(&queries, &[]);
    let frames = queries.iter().map(Query::run).collect::<Result<Vec<_>, _>>()?;
    match frames.try_into() {
        Ok(frames) => Ok(frames),
        Err(_) => unreachable!("one frame for each query"),
    }
}

/// Has several queries fetched at once, so that asking for each later costs no
/// further round. Failures show up where a query is asked.
pub fn prefetch(instants: &[Query], ranges: &[RangeQuery]) {
    host::prefetch(instants, ranges);
}

impl Query {
    /// Makes a query of the rule's own source at the slot's time.
    #[must_use]
    pub fn new(expr: impl Into<String>) -> Self {
        Self {
            expr: expr.into(),
            ..Self::default()
        }
    }

    /// Asks the source of that name.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// Asks for another time than the slot's, in ms since the epoch.
    #[must_use]
    pub fn at(mut self, time_ms: i64) -> Self {
        self.time_ms = Some(time_ms);
        self
    }

    /// Lets the rule decide what a failure means. Without this a failure fails
    /// the whole evaluation, so that no alert changes.
    #[must_use]
    pub fn may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// Asks.
    ///
    /// # Errors
    /// The query failed.
    pub fn run(&self) -> Result<Frame, QueryError> {
        host::instant(self).map(Frame::new)
    }
}

impl RangeQuery {
    /// Makes a query of the rule's own source from one time to another, both
    /// inclusive, in ms since the epoch.
    #[must_use]
    pub fn new(expr: impl Into<String>, start_ms: i64, end_ms: i64, step: Span) -> Self {
        Self {
            expr: expr.into(),
            start_ms,
            end_ms,
            step_ms: step.ms().unsigned_abs().max(1),
            ..Self::default()
        }
    }

    /// Makes a query of the span that ends at a time in ms since the epoch,
    /// usually `context.now_ms`.
    #[must_use]
    pub fn last(expr: impl Into<String>, span: Span, end_ms: i64, step: Span) -> Self {
        Self::new(expr, end_ms.saturating_sub(span.ms()), end_ms, step)
    }

    /// As [`Query::source`].
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// As [`Query::may_fail`].
    #[must_use]
    pub fn may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// Asks.
    ///
    /// # Errors
    /// The query failed.
    pub fn run(&self) -> Result<Frame, QueryError> {
        host::range(self).map(Frame::new)
    }
}

/// A query's result: series in the order the source gave them.
///
/// A method that takes the number of a series traps when there is no such one.
pub struct Frame {
    host: host::Frame,
    id: OnceCell<u32>,
}

impl Frame {
    fn new(host: host::Frame) -> Self {
        let id = OnceCell::new();
        Self { host, id }
    }

    /// Number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.host.len() as usize
    }

    /// Whether there is no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each series with its newest value. Copies the values once, and nothing
    /// else until asked.
    pub fn series(&self) -> impl ExactSizeIterator<Item = Series<'_>> {
        let values = self.values().into_iter().enumerate();
        values.map(|(index, value)| Series {
            frame: self,
            index,
            value,
        })
    }

    /// Points at a series, for a finding or a recorded sample.
    #[must_use]
    pub fn at(&self, series: usize) -> SeriesRef {
        SeriesRef {
            frame: self.id(),
            series: number(series),
        }
    }

    /// Number by which findings and recorded samples point at this frame.
    #[must_use]
    pub fn id(&self) -> u32 {
        *self.id.get_or_init(|| self.host.id())
    }

    /// The newest value of each series.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        self.host.values()
    }

    /// The time of the newest value of each series in ms since the epoch.
    #[must_use]
    pub fn timestamps_ms(&self) -> Vec<i64> {
        self.host.timestamps_ms()
    }

    /// [`values`](Self::values) as little-endian bytes.
    #[must_use]
    pub fn values_packed(&self) -> Vec<u8> {
        self.host.values_packed()
    }

    /// [`timestamps_ms`](Self::timestamps_ms) as little-endian bytes.
    #[must_use]
    pub fn timestamps_ms_packed(&self) -> Vec<u8> {
        self.host.timestamps_ms_packed()
    }

    /// One label of all series; much cheaper than the labels of each.
    #[must_use]
    pub fn label(&self, name: &str) -> LabelColumn {
        self.host.label(name)
    }

    /// All labels of one series.
    #[must_use]
    pub fn labels(&self, series: usize) -> Labels {
        Labels(self.host.labels(number(series)))
    }

    /// All labels of many series in one call, in the order asked.
    #[must_use]
    pub fn labels_of(&self, series: &[u32]) -> Vec<Labels> {
        self.host.labels_of(series).into_iter().map(Labels).collect()
    }

    /// All samples of one series, oldest first; one sample in an instant result.
    #[must_use]
    pub fn samples(&self, series: usize) -> Samples {
        self.host.samples(number(series))
    }

    /// Where each series' samples lie in the `all_*` columns: series `i` has
    /// `offsets[i]..offsets[i + 1]`; one longer than there are series.
    #[must_use]
    pub fn sample_offsets(&self) -> Vec<u32> {
        self.host.sample_offsets()
    }

    /// Sample times of all series, one after the other, ms since the epoch.
    #[must_use]
    pub fn all_timestamps_ms(&self) -> Vec<i64> {
        self.host.all_timestamps_ms()
    }

    /// Sample values of all series, one after the other.
    #[must_use]
    pub fn all_values(&self) -> Vec<f64> {
        self.host.all_values()
    }

    /// [`all_timestamps_ms`](Self::all_timestamps_ms) as little-endian bytes.
    #[must_use]
    pub fn all_timestamps_ms_packed(&self) -> Vec<u8> {
        self.host.all_timestamps_ms_packed()
    }

    /// [`all_values`](Self::all_values) as little-endian bytes.
    #[must_use]
    pub fn all_values_packed(&self) -> Vec<u8> {
        self.host.all_values_packed()
    }
}

/// One series of a frame, with its newest value.
#[derive(Clone, Copy)]
pub struct Series<'a> {
    frame: &'a Frame,
    /// Its number in the frame.
    pub index: usize,
    /// Its newest value.
    pub value: f64,
}

impl Series<'_> {
    /// The value of one label; the empty text stands for an absent one. One
    /// call of the host: for many series take the column, [`Frame::label`].
    #[must_use]
    pub fn label(&self, name: &str) -> String {
        self.labels().get(name).to_owned()
    }

    /// All labels. One call of the host: for many series use [`Frame::labels_of`].
    #[must_use]
    pub fn labels(&self) -> Labels {
        self.frame.labels(self.index)
    }

    /// All samples, oldest first.
    #[must_use]
    pub fn samples(&self) -> Samples {
        self.frame.samples(self.index)
    }
}

impl From<Series<'_>> for SeriesRef {
    fn from(series: Series<'_>) -> Self {
        series.frame.at(series.index)
    }
}

impl LabelColumn {
    /// The label's value of one series; the empty text stands for an absent
    /// label, and for a series that is not there.
    #[must_use]
    pub fn get(&self, series: usize) -> &str {
        let code = self.codes.get(series).copied().unwrap_or(u32::MAX);
        self.values.get(code as usize).map_or("", |value| value)
    }

    /// The label's value of each series, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.codes.len()).map(|series| self.get(series))
    }
}

impl Samples {
    /// Times in ms since the epoch with their values, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        self.timestamps_ms
            .iter()
            .copied()
            .zip(self.values.iter().copied())
    }
}

/// A series' number as the contract has it; no frame has more than `u32::MAX`.
fn number(series: usize) -> u32 {
    u32::try_from(series).unwrap_or(u32::MAX)
}
