//! Functions that turn vectors into scalars and back, sort them, or tell that
//! they are empty.

use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

use super::argument_vector;
use crate::aggregate::reordered;
use crate::ast::{Expr, Node, Selector};
use crate::error::{Error, Position};
use crate::eval::{Evaluator, Steps, drop_names};
use crate::matcher::MatchOp;
use crate::selector::{over_windows, timestamps};
use crate::value::{ABSENT, Computed, Grid, Metric, is_absent};

pub(super) fn pi(_: &mut Evaluator<'_>, _: Position, _: &[Expr], steps: Steps) -> Result<Computed, Error> {
    Ok(Computed::Scalar(vec![std::f64::consts::PI; steps.count]))
}

pub(super) fn time(_: &mut Evaluator<'_>, _: Position, _: &[Expr], steps: Steps) -> Result<Computed, Error> {
    Ok(Computed::Scalar(
        steps.times_ms().map(|time_ms| time_ms as f64 / 1e3).collect(),
    ))
}

/// A scalar as a vector of one series without labels.
pub(super) fn vector(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    let Some(argument) = arguments.first() else {
        return Err(Error::evaluation(at, "expected a scalar"));
    };
    let mut grid = Grid::new(steps.count);
    grid.distinct_without_name = true;
    grid.values = eval.scalar(argument, steps)?;
    grid.end_row(|| Metric::from(Labels::new()));
    Ok(Computed::Vector(grid))
}

/// The value of a vector of one series; NaN for none or several.
pub(super) fn scalar(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    let grid = argument_vector(eval, at, arguments, steps)?;
    let mut values = vec![ABSENT; steps.count];
    for (_, row) in grid.rows() {
        for (value, found) in values.iter_mut().zip(row) {
            if !is_absent(*found) {
                *value = if is_absent(*value) { *found } else { f64::NAN };
            }
        }
    }
    values
        .iter_mut()
        .filter(|value| is_absent(**value))
        .for_each(|value| *value = f64::NAN);
    Ok(Computed::Scalar(values))
}

/// When samples were taken: of a selector those stored, else the step itself.
pub(super) fn timestamp(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    let mut grid = match arguments.first().map(|argument| &argument.node) {
        Some(Node::Selector(selector)) => timestamps(eval, selector, steps)?,
        _ => {
            let mut grid = argument_vector(eval, at, arguments, steps)?;
            grid.filter_map(|step, _| Some(steps.time_ms(step) as f64 / 1e3));
            grid
        }
    };
    drop_names(&mut grid, at)?;
    Ok(Computed::Vector(grid))
}

pub(super) fn sort(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    sorted(eval, at, arguments, steps, false)
}

pub(super) fn sort_desc(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    sorted(eval, at, arguments, steps, true)
}

/// By value, NaN last. Over several steps there is no order of series.
fn sorted(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
    descending: bool,
) -> Result<Computed, Error> {
    let grid = argument_vector(eval, at, arguments, steps)?;
    if steps.count > 1 {
        return Ok(Computed::Vector(grid));
    }
    let mut order: Vec<usize> = (0..grid.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (grid.values[*a], grid.values[*b]);
        let order = if descending {
            b.partial_cmp(&a)
        } else {
            a.partial_cmp(&b)
        };
        order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    });
    Ok(Computed::Vector(reordered(&grid, &order)))
}

/// 1 where a vector is empty.
pub(super) fn absent(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    let grid = argument_vector(eval, at, arguments, steps)?;
    Ok(Computed::Vector(where_empty(&grid, arguments)))
}

/// 1 where no series has a sample in the range.
pub(super) fn absent_over_time(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    let Some(range) = arguments.first() else {
        return Err(Error::evaluation(at, "expected a range vector"));
    };
    let grid = over_windows(eval, range, steps, &[], |_| Some(1.0))?;
    Ok(Computed::Vector(where_empty(&grid, arguments)))
}

fn where_empty(grid: &Grid, arguments: &[Expr]) -> Grid {
    let mut result = Grid::new(grid.steps);
    result.distinct_without_name = true;
    result.values = vec![1.0; grid.steps];
    for (_, row) in grid.rows() {
        for (result, value) in result.values.iter_mut().zip(row) {
            if !is_absent(*value) {
                *result = ABSENT;
            }
        }
    }
    let selector = match arguments.first().map(|argument| &argument.node) {
        Some(Node::Selector(selector) | Node::Range(selector, _)) => Some(selector),
        _ => None,
    };
    result.end_row(|| Metric::from(selector.map(labels_of).unwrap_or_default()));
    result
}

/// The labels that a selector asks for by equality, each only once.
fn labels_of(selector: &Selector) -> Labels {
    let mut labels = Labels::new();
    let mut seen: Vec<&str> = vec![METRIC_NAME];
    for matcher in &selector.matchers {
        if matcher.op == MatchOp::Equal && !seen.contains(&&*matcher.name) {
            labels.set(&matcher.name, &matcher.value);
            seen.push(&matcher.name);
        } else if &*matcher.name != METRIC_NAME {
            labels.set(&matcher.name, "");
        }
    }
    labels
}
