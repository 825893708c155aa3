//! The series of a test, and queries about them.

use std::collections::HashMap;
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::query::{self, QueryError, QueryErrorCode, QueryResult};
use wasmalert_promql::notation::Described;
use wasmalert_promql::{Limits, MemoryStorage, Options, Outcome, Query};

/// Samples that one test may hold, input and what rules write together: 16 bytes each.
pub(crate) const SAMPLES_MAX: u64 = 100_000_000;
/// Different expressions that are kept parsed.
const EXPRESSIONS_MAX: usize = 10_000;

/// What rules and checks of a test see: the input series up to now, and what rules
/// have written.
pub(crate) struct Data<'t> {
    storage: MemoryStorage,
    samples: u64,
    inputs: Vec<Input<'t>>,
    start_ms: i64,
    interval_ms: i64,
    options: Options<'static>,
    parsed: HashMap<Arc<str>, Arc<Parsed>>,
}

type Parsed = Result<Query, wasmalert_promql::Error>;

/// An input series and how much of it is there already.
struct Input<'t> {
    series: &'t Described,
    next: usize,
}

/// A test that holds too much.
#[derive(Debug, thiserror::Error)]
#[error("the test holds more than {SAMPLES_MAX} samples: test a shorter time, or fewer series")]
pub(crate) struct TooMuch;

impl<'t> Data<'t> {
    /// `subquery_step_ms` is the step of subqueries that name none.
    pub(crate) fn new(
        inputs: &'t [Described],
        start_ms: i64,
        interval_ms: i64,
        subquery_step_ms: i64,
    ) -> Self {
        Self {
            storage: MemoryStorage::new(),
            samples: 0,
            inputs: inputs.iter().map(|series| Input { series, next: 0 }).collect(),
            start_ms,
            interval_ms,
            options: Options {
                subquery_step_ms,
                ..Options::default()
            },
            parsed: HashMap::new(),
        }
    }

    /// Lets the input series go on to a time: nothing sees their future.
    pub(crate) fn advance(&mut self, now_ms: i64) -> Result<(), TooMuch> {
        let due = now_ms
            .saturating_sub(self.start_ms)
            .div_euclid(self.interval_ms)
            .saturating_add(1);
        let due = usize::try_from(due).unwrap_or(0);
        for input in &mut self.inputs {
            let values = &input.series.values;
            let end = due.min(values.len());
            for (at, value) in values.iter().enumerate().take(end).skip(input.next) {
                if let Some(value) = value {
                    let time_ms = self.start_ms + self.interval_ms * at as i64;
                    self.storage.append(&input.series.labels, time_ms, *value);
                    self.samples += 1;
                }
            }
            input.next = input.next.max(end);
        }
        self.check()
    }

    /// Writes what a rule says; later queries see it at once.
    pub(crate) fn write(&mut self, labels: &Labels, time_ms: i64, value: f64) -> Result<(), TooMuch> {
        self.storage.append(labels, time_ms, value);
        self.samples += 1;
        self.check()
    }

    fn check(&self) -> Result<(), TooMuch> {
        if self.samples > SAMPLES_MAX {
            Err(TooMuch)
        } else {
            Ok(())
        }
    }

    /// The result of a rule's query. All sources are this data.
    pub(crate) fn ask(&mut self, query: &query::Query) -> QueryResult {
        let failed = |error: &dyn std::fmt::Display| QueryError {
            code: QueryErrorCode::Failed,
            message: error.to_string(),
        };
        let parsed = self.parsed(&query.expr);
        let of_query = parsed.as_ref().as_ref().map_err(|error| failed(error))?;
        let outcome = of_query.at(&self.storage, query.time, &self.options);
        let value = outcome.map_err(|error| failed(&error))?.value;
        let frame = value.to_frame(query.time.newest_ms());
        Ok(Arc::new(frame.map_err(|error| failed(&error))?))
    }

    /// The result of a check's expression.
    pub(crate) fn evaluate(&self, query: &Query, at_ms: i64) -> Result<Outcome, wasmalert_promql::Error> {
        query.instant(&self.storage, at_ms, &self.options)
    }

    fn parsed(&mut self, expr: &Arc<str>) -> Arc<Parsed> {
        if let Some(parsed) = self.parsed.get(expr) {
            return Arc::clone(parsed);
        }
        if self.parsed.len() >= EXPRESSIONS_MAX {
            self.parsed.clear();
        }
        let parsed = Arc::new(Query::parse(expr, &Limits::default()));
        self.parsed.insert(expr.clone(), Arc::clone(&parsed));
        parsed
    }
}
