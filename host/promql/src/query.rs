//! Queries: parsed once, evaluated as often as needed.

use wasmalert_core::query::QueryTime;

use crate::ast::{Expr, Node, Type};
use crate::error::Error;
use crate::eval::{Evaluator, Options, Steps};
use crate::limits::Limits;
use crate::matcher::Matcher;
use crate::storage::Storage;
use crate::value::{Computed, Grid, Sample, Series, Value, is_absent};
use crate::{parse, selector};

/// A parsed and checked expression. It can be kept and shared between threads.
#[derive(Debug)]
pub struct Query {
    expr: Expr,
}

/// A result, and what was odd about the data.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub value: Value,
    /// Texts for people that start with a position; at most 20, each once.
    pub warnings: Vec<String>,
}

/// A selector of a query, as for finding out what a rule depends on.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    pub matchers: &'a [Matcher],
}

impl Query {
    /// Parses and checks an expression.
    ///
    /// # Errors
    /// [`Error::Parse`], [`Error::NotSupported`] and [`Error::Limit`].
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Error> {
        Ok(Self {
            expr: parse::parse(text, limits)?,
        })
    }

    pub(crate) fn root(&self) -> &Expr {
        &self.expr
    }

    /// The type of the result.
    #[must_use]
    pub fn kind(&self) -> Type {
        self.expr.kind
    }

    /// Every selector of the expression, in the order of the text.
    #[must_use]
    pub fn selections(&self) -> Vec<Selection<'_>> {
        let mut found = Vec::new();
        collect(&self.expr, &mut found);
        found
    }

    /// The matchers, when the expression is an instant selector and nothing else.
    #[must_use]
    pub fn selector(&self) -> Option<&[Matcher]> {
        match &self.expr.node {
            Node::Selector(selector) => Some(&selector.matchers),
            _ => None,
        }
    }

    /// Evaluates the expression when a rule's query looks.
    ///
    /// # Errors
    /// As [`Self::instant`] and [`Self::range`].
    pub fn at(
        &self,
        storage: &dyn Storage,
        time: QueryTime,
        options: &Options<'_>,
    ) -> Result<Outcome, Error> {
        match time {
            QueryTime::Instant { at_ms } => self.instant(storage, at_ms, options),
            QueryTime::Range {
                start_ms,
                end_ms,
                step_ms,
            } => self.range(storage, start_ms, end_ms, step_ms, options),
        }
    }

    /// Evaluates the expression at one time, in milliseconds since the epoch.
    ///
    /// # Errors
    /// Every error but [`Error::Parse`].
    pub fn instant(
        &self,
        storage: &dyn Storage,
        time_ms: i64,
        options: &Options<'_>,
    ) -> Result<Outcome, Error> {
        let steps = Steps {
            start_ms: time_ms,
            step_ms: 1,
            count: 1,
        };
        let mut eval = Evaluator::new(storage, options, steps);
        if self.expr.kind == Type::Matrix {
            let value = Value::Matrix(selector::raw(&mut eval, &self.expr, time_ms)?);
            return Ok(Outcome {
                value,
                warnings: eval.warnings,
            });
        }
        let value = match eval.eval(&self.expr, steps)? {
            Computed::Scalar(values) => Value::Scalar(values.first().copied().unwrap_or(f64::NAN)),
            Computed::String(text) => Value::String(text.into()),
            Computed::Vector(grid) => Value::Vector(samples(grid)),
        };
        Ok(Outcome {
            value,
            warnings: eval.warnings,
        })
    }

    /// Evaluates the expression at `start_ms` and each `step_ms` after it, up
    /// to `end_ms`. The value is a matrix.
    ///
    /// # Errors
    /// Every error but [`Error::Parse`].
    pub fn range(
        &self,
        storage: &dyn Storage,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        options: &Options<'_>,
    ) -> Result<Outcome, Error> {
        let steps = steps(start_ms, end_ms, step_ms)?;
        if matches!(self.expr.kind, Type::Matrix | Type::String) {
            let kind = self.expr.kind.name();
            return Err(Error::Range(format!(
                "an expression of type {kind} has no range query, expected a scalar or an instant vector"
            )));
        }
        let mut eval = Evaluator::new(storage, options, steps);
        eval.meter.steps(steps.count as u64)?;
        let series = match eval.eval(&self.expr, steps)? {
            Computed::Scalar(values) => vec![Series {
                metric: wasmalert_core::Labels::new().into(),
                timestamps_ms: steps.times_ms().collect(),
                values,
            }],
            Computed::Vector(grid) => series(&grid, steps),
            Computed::String(_) => Vec::new(),
        };
        Ok(Outcome {
            value: Value::Matrix(series),
            warnings: eval.warnings,
        })
    }
}

fn steps(start_ms: i64, end_ms: i64, step_ms: i64) -> Result<Steps, Error> {
    if step_ms <= 0 {
        return Err(Error::Range("the step must be positive".to_owned()));
    }
    if end_ms < start_ms {
        return Err(Error::Range("the end must not be before the start".to_owned()));
    }
    let count = (i128::from(end_ms) - i128::from(start_ms)) / i128::from(step_ms) + 1;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(Steps {
        start_ms,
        step_ms,
        count,
    })
}

fn samples(grid: Grid) -> Vec<Sample> {
    grid.metrics
        .into_iter()
        .zip(grid.values)
        .map(|(metric, value)| Sample { metric, value })
        .collect()
}

fn series(grid: &Grid, steps: Steps) -> Vec<Series> {
    grid.rows()
        .map(|(metric, row)| {
            let found = || row.iter().enumerate().filter(|(_, value)| !is_absent(**value));
            Series {
                metric: metric.clone(),
                timestamps_ms: found().map(|(step, _)| steps.time_ms(step)).collect(),
                values: found().map(|(_, value)| *value).collect(),
            }
        })
        .collect()
}

fn collect<'a>(expr: &'a Expr, found: &mut Vec<Selection<'a>>) {
    match &expr.node {
        Node::Number(_) | Node::String(_) => {}
        Node::Selector(selector) | Node::Range(selector, _) => {
            found.push(Selection {
                matchers: &selector.matchers,
            });
        }
        Node::Subquery(subquery) => collect(&subquery.expr, found),
        Node::Negate(inner) => collect(inner, found),
        Node::LabelReplace(node) => collect(&node.expr, found),
        Node::Binary(binary) => {
            collect(&binary.lhs, found);
            collect(&binary.rhs, found);
        }
        Node::Aggregate(aggregate) => {
            aggregate.param.iter().for_each(|param| collect(param, found));
            collect(&aggregate.expr, found);
        }
        Node::Call(_, arguments) => arguments.iter().for_each(|argument| collect(argument, found)),
    }
}
