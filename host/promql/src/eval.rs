//! Evaluates a tree over the steps of a query, all steps of an expression at once.

use wasmalert_core::Labels;

use crate::ast::{AtTime, Expr, Node, Shift};
use crate::error::{Error, Position};
use crate::functions;
use crate::limits::{Limits, Meter};
use crate::storage::Storage;
use crate::value::{Computed, Grid, Metric};
use crate::{aggregate, binary, selector};

/// Different warnings that one query reports at most.
const WARNINGS_MAX: usize = 20;

/// How to evaluate.
#[derive(Clone)]
pub struct Options<'a> {
    /// How old the sample of an instant vector may be. Milliseconds, 5 minutes
    /// by default, as in Prometheus.
    pub lookback_ms: i64,
    /// The step of subqueries that name none. Milliseconds, 1 minute by default;
    /// in Prometheus it is the global evaluation interval.
    pub subquery_step_ms: i64,
    pub limits: Limits,
    /// Asked now and then; true ends the query with [`Error::Stopped`].
    pub should_stop: Option<&'a dyn Fn() -> bool>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            lookback_ms: 300_000,
            subquery_step_ms: 60_000,
            limits: Limits::default(),
            should_stop: None,
        }
    }
}

/// The times an expression is evaluated at: `count` of them, at least one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) fn time_ms(self, step: usize) -> i64 {
        let since_start = (step as i64).saturating_mul(self.step_ms);
        self.start_ms.saturating_add(since_start)
    }

    pub(crate) fn end_ms(self) -> i64 {
        self.time_ms(self.count - 1)
    }

    pub(crate) fn times_ms(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |step| self.time_ms(step))
    }
}

/// One query that runs.
pub(crate) struct Evaluator<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) options: &'a Options<'a>,
    pub(crate) meter: Meter<'a>,
    pub(crate) warnings: Vec<String>,
    /// What `@ start()` and `@ end()` mean.
    query_start_ms: i64,
    query_end_ms: i64,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(storage: &'a dyn Storage, options: &'a Options<'a>, steps: Steps) -> Self {
        Self {
            storage,
            options,
            meter: Meter::new(&options.limits, options.should_stop),
            warnings: Vec::new(),
            query_start_ms: steps.start_ms,
            query_end_ms: steps.end_ms(),
        }
    }

    pub(crate) fn eval(&mut self, expr: &Expr, steps: Steps) -> Result<Computed, Error> {
        self.meter.grow(steps.count)?;
        match &expr.node {
            Node::Number(number) => Ok(Computed::Scalar(vec![*number; steps.count])),
            Node::String(text) => Ok(Computed::String(text.clone())),
            Node::Selector(selector) => selector::vector(self, selector, steps).map(Computed::Vector),
            Node::Range(..) | Node::Subquery(_) => {
                Err(Error::evaluation(expr.at, "a range vector is no value"))
            }
            Node::Negate(inner) => self.negate(expr.at, inner, steps),
            Node::Binary(node) => binary::eval(self, expr.at, node, steps),
            Node::Aggregate(node) => aggregate::eval(self, expr.at, node, steps).map(Computed::Vector),
            Node::Call(function, arguments) => functions::call(self, expr.at, function, arguments, steps),
            Node::LabelReplace(node) => {
                functions::label::replace(self, expr.at, node, steps).map(Computed::Vector)
            }
        }
    }

    /// A scalar's value at every step; the parser has checked the type.
    pub(crate) fn scalar(&mut self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, Error> {
        match self.eval(expr, steps)? {
            Computed::Scalar(values) => Ok(values),
            _ => Err(Error::evaluation(expr.at, "expected a scalar")),
        }
    }

    /// An instant vector at every step; the parser has checked the type.
    pub(crate) fn vector(&mut self, expr: &Expr, steps: Steps) -> Result<Grid, Error> {
        match self.eval(expr, steps)? {
            Computed::Vector(grid) => Ok(grid),
            _ => Err(Error::evaluation(expr.at, "expected an instant vector")),
        }
    }

    fn negate(&mut self, at: Position, inner: &Expr, steps: Steps) -> Result<Computed, Error> {
        match self.eval(inner, steps)? {
            Computed::Scalar(mut values) => {
                values.iter_mut().for_each(|value| *value = -*value);
                Ok(Computed::Scalar(values))
            }
            Computed::Vector(mut grid) => {
                grid.filter_map(|_, value| Some(-value));
                drop_names(&mut grid, at)?;
                Ok(Computed::Vector(grid))
            }
            Computed::String(_) => Err(Error::evaluation(at, "a string has no sign")),
        }
    }

    /// Reports something odd about the data, once.
    pub(crate) fn warn(&mut self, at: Position, message: &str) {
        if self.warnings.len() < WARNINGS_MAX {
            let warning = format!("{at}: {message}");
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// The time that a selector or subquery looks back from, at a step.
    pub(crate) fn reference(&self, shift: Shift) -> Reference {
        let at_ms = shift.at.map(|at| match at {
            AtTime::Start => self.query_start_ms,
            AtTime::End => self.query_end_ms,
            AtTime::Ms(ms) => ms,
        });
        Reference {
            at_ms,
            offset_ms: shift.offset_ms.unwrap_or(0),
        }
    }
}

/// The modifiers `@` and `offset`, resolved.
#[derive(Clone, Copy)]
pub(crate) struct Reference {
    at_ms: Option<i64>,
    offset_ms: i64,
}

impl Reference {
    pub(crate) fn of(self, time_ms: i64) -> i64 {
        self.at_ms.unwrap_or(time_ms).saturating_sub(self.offset_ms)
    }

    /// Whether every step looks back from the same time.
    pub(crate) fn is_fixed(self) -> bool {
        self.at_ms.is_some()
    }
}

/// Drops names, which may make two series the same.
pub(crate) fn drop_names(grid: &mut Grid, at: Position) -> Result<(), Error> {
    grid.drop_names().map_err(|metric| same_labels(at, &metric))
}

/// The error of two series with the same labels.
pub(crate) fn same_labels(at: Position, metric: &Metric) -> Error {
    let labels: Labels = metric.to_labels();
    Error::evaluation(
        at,
        format!("vector cannot contain metrics with the same labelset: {labels}"),
    )
}
