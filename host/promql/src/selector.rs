//! Selectors and subqueries: from stored samples to grids and windows.

use std::sync::Arc;

use wasmalert_core::label::METRIC_NAME;
use wasmalert_core::sample::is_stale;

use crate::ast::{Expr, Node, Selector, Subquery};
use crate::error::Error;
use crate::eval::{Evaluator, Steps};
use crate::matcher::MatchOp;
use crate::storage::Select;
use crate::value::{ABSENT, Grid, Metric, Series};
use crate::window::{Fresh, Samples, Window, Windows, advance};

/// An instant vector: the newest sample of each series that is not too old.
pub(crate) fn vector(eval: &mut Evaluator<'_>, selector: &Selector, steps: Steps) -> Result<Grid, Error> {
    newest(eval, selector, steps, |_, value| value)
}

/// The times of the samples of an instant vector, in seconds.
pub(crate) fn timestamps(eval: &mut Evaluator<'_>, selector: &Selector, steps: Steps) -> Result<Grid, Error> {
    newest(eval, selector, steps, |timestamp_ms, _| timestamp_ms as f64 / 1e3)
}

fn newest(
    eval: &mut Evaluator<'_>,
    selector: &Selector,
    steps: Steps,
    pick: fn(i64, f64) -> f64,
) -> Result<Grid, Error> {
    let lookback_ms = eval.options.lookback_ms;
    let reference = eval.reference(selector.shift);
    let mut grid = Grid::new(steps.count);
    grid.distinct_without_name = has_one_name(selector);
    let select = Select {
        matchers: &selector.matchers,
        min_ms: reference
            .of(steps.start_ms)
            .saturating_sub(lookback_ms)
            .saturating_add(1),
        max_ms: reference.of(steps.end_ms()),
        newest_only: steps.count == 1 || reference.is_fixed(),
    };
    let meter = &mut eval.meter;
    eval.storage
        .select(&select, &mut |labels, timestamps_ms, values| {
            meter.load(timestamps_ms.len())?;
            meter.grow(steps.count)?;
            let mut seen = 0;
            for time_ms in steps.times_ms() {
                let reference_ms = reference.of(time_ms);
                seen = advance(timestamps_ms, seen, reference_ms);
                let newest = seen.checked_sub(1).map(|at| (timestamps_ms[at], values[at]));
                grid.values.push(match newest {
                    Some((timestamp_ms, value))
                        if timestamp_ms > reference_ms.saturating_sub(lookback_ms) && !is_stale(value) =>
                    {
                        pick(timestamp_ms, value)
                    }
                    _ => ABSENT,
                });
            }
            grid.end_row(|| Metric::new(Arc::clone(labels)));
            Ok(())
        })?;
    Ok(grid)
}

/// Whether all series of a selector have the same name.
fn has_one_name(selector: &Selector) -> bool {
    selector
        .matchers
        .iter()
        .any(|matcher| &*matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal)
}

/// Applies `f` to the window of each series at each step. `params` are the
/// values of scalar arguments, one list of steps each.
pub(crate) fn over_windows(
    eval: &mut Evaluator<'_>,
    range: &Expr,
    steps: Steps,
    params: &[Vec<f64>],
    f: fn(&Window<'_>) -> Option<f64>,
) -> Result<Grid, Error> {
    match &range.node {
        Node::Range(selector, range_ms) => over_range(eval, selector, *range_ms, steps, params, f),
        Node::Subquery(subquery) => over_subquery(eval, subquery, steps, params, f),
        _ => Err(Error::evaluation(range.at, "expected a range vector")),
    }
}

fn over_range(
    eval: &mut Evaluator<'_>,
    selector: &Selector,
    range_ms: i64,
    steps: Steps,
    params: &[Vec<f64>],
    f: fn(&Window<'_>) -> Option<f64>,
) -> Result<Grid, Error> {
    let reference = eval.reference(selector.shift);
    let windows = Windows {
        reference,
        range_ms,
        steps,
        params,
    };
    let mut grid = Grid::new(steps.count);
    grid.distinct_without_name = has_one_name(selector);
    let mut fresh = Fresh::default();
    let meter = &mut eval.meter;
    eval.storage
        .select(&windows.select(selector), &mut |labels, timestamps_ms, values| {
            meter.load(timestamps_ms.len())?;
            meter.grow(steps.count)?;
            let (timestamps_ms, values) = fresh.without_stale(timestamps_ms, values);
            windows.apply(timestamps_ms, values, f, &mut grid.values, |visits| {
                meter.visit(visits)
            })?;
            grid.end_row(|| Metric::new(Arc::clone(labels)));
            Ok(())
        })?;
    Ok(grid)
}

fn over_subquery(
    eval: &mut Evaluator<'_>,
    subquery: &Subquery,
    steps: Steps,
    params: &[Vec<f64>],
    f: fn(&Window<'_>) -> Option<f64>,
) -> Result<Grid, Error> {
    let reference = eval.reference(subquery.shift);
    let windows = Windows {
        reference,
        range_ms: subquery.range_ms,
        steps,
        params,
    };
    let mut grid = Grid::new(steps.count);
    let Some(inner_steps) = inner_steps(eval, subquery, windows)? else {
        return Ok(grid);
    };
    let inner = eval.vector(&subquery.expr, inner_steps)?;
    grid.distinct_without_name = inner.distinct_without_name;
    let mut samples = Samples::default();
    for (metric, row) in inner.rows() {
        eval.meter.grow(steps.count)?;
        samples.fill(inner_steps, row);
        let meter = &mut eval.meter;
        windows.apply(
            &samples.timestamps_ms,
            &samples.values,
            f,
            &mut grid.values,
            |visits| meter.visit(visits),
        )?;
        grid.end_row(|| metric.clone());
    }
    Ok(grid)
}

/// The steps of a subquery: multiples of its step within all windows. None when
/// no multiple lies in them.
fn inner_steps(
    eval: &Evaluator<'_>,
    subquery: &Subquery,
    windows: Windows<'_>,
) -> Result<Option<Steps>, Error> {
    let step_ms = subquery.step_ms.unwrap_or(eval.options.subquery_step_ms).max(1);
    let after_ms = windows
        .reference
        .of(windows.steps.start_ms)
        .saturating_sub(subquery.range_ms);
    let end_ms = windows.reference.of(windows.steps.end_ms());
    let start_ms = after_ms
        .div_euclid(step_ms)
        .saturating_add(1)
        .saturating_mul(step_ms);
    if start_ms > end_ms || start_ms <= after_ms {
        return Ok(None);
    }
    let count = (i128::from(end_ms) - i128::from(start_ms)) / i128::from(step_ms) + 1;
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    eval.meter.steps(count)?;
    Ok(Some(Steps {
        start_ms,
        step_ms,
        count: count as usize,
    }))
}

/// The samples of a range at one time, for a query that asks for nothing else.
pub(crate) fn raw(eval: &mut Evaluator<'_>, range: &Expr, time_ms: i64) -> Result<Vec<Series>, Error> {
    let steps = Steps {
        start_ms: time_ms,
        step_ms: 1,
        count: 1,
    };
    let mut found = Vec::new();
    match &range.node {
        Node::Range(selector, range_ms) => {
            let reference = eval.reference(selector.shift);
            let windows = Windows {
                reference,
                range_ms: *range_ms,
                steps,
                params: &[],
            };
            let mut fresh = Fresh::default();
            let meter = &mut eval.meter;
            eval.storage
                .select(&windows.select(selector), &mut |labels, timestamps_ms, values| {
                    meter.load(timestamps_ms.len())?;
                    meter.grow(timestamps_ms.len())?;
                    let (timestamps_ms, values) = fresh.without_stale(timestamps_ms, values);
                    found.push(Series {
                        metric: Metric::new(Arc::clone(labels)),
                        timestamps_ms: timestamps_ms.to_vec(),
                        values: values.to_vec(),
                    });
                    Ok(())
                })?;
        }
        Node::Subquery(subquery) => {
            let reference = eval.reference(subquery.shift);
            let windows = Windows {
                reference,
                range_ms: subquery.range_ms,
                steps,
                params: &[],
            };
            if let Some(inner_steps) = inner_steps(eval, subquery, windows)? {
                let inner = eval.vector(&subquery.expr, inner_steps)?;
                for (metric, row) in inner.rows() {
                    let mut samples = Samples::default();
                    samples.fill(inner_steps, row);
                    let Samples {
                        timestamps_ms,
                        values,
                    } = samples;
                    found.push(Series {
                        metric: metric.clone(),
                        timestamps_ms,
                        values,
                    });
                }
            }
        }
        _ => return Err(Error::evaluation(range.at, "expected a range vector")),
    }
    found.retain(|series| !series.values.is_empty());
    Ok(found)
}
