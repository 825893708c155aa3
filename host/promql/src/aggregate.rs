//! Aggregations over the series of a vector.

use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

use crate::ast::{Aggregate, AggregateOp, Grouping, Node};
use crate::error::{Error, Position};
use crate::eval::{Evaluator, Steps};
use crate::functions::over_time::quantile;
use crate::group::{Groups, Key};
use crate::kahan::{Mean, Sum, Variance};
use crate::value::{ABSENT, Grid, Metric, is_absent};

pub(crate) fn eval(
    eval: &mut Evaluator<'_>,
    at: Position,
    node: &Aggregate,
    steps: Steps,
) -> Result<Grid, Error> {
    let params = match &node.param {
        Some(param) if node.op != AggregateOp::CountValues => eval.scalar(param, steps)?,
        _ => Vec::new(),
    };
    let grid = eval.vector(&node.expr, steps)?;
    eval.meter.grow(grid.values.len())?;
    match node.op {
        AggregateOp::CountValues => count_values(eval, at, node, &grid),
        AggregateOp::Topk | AggregateOp::Bottomk => ranked(at, node, grid, &params),
        AggregateOp::Quantile => quantiles(eval, at, node, &grid, &params),
        _ => folded(eval, node, &grid),
    }
}

/// The labels of a group that a series is in.
fn group_metric(eval: &mut Evaluator<'_>, grouping: &Grouping, metric: &Metric) -> Result<Metric, Error> {
    let key = Key::By(grouping);
    eval.meter.copy_labels(key.labels(metric))?;
    Ok(Metric::from(key.labels_of(metric)))
}

/// An empty result, which has no names unless it is grouped by them.
fn result(grouping: &Grouping, steps: usize) -> Grid {
    let mut grid = Grid::new(steps);
    grid.distinct_without_name = match grouping {
        Grouping::Only(labels) => !labels.iter().any(|label| &**label == METRIC_NAME),
        Grouping::Without(_) => true,
    };
    grid
}

/// What is known of one group at one step.
#[derive(Clone, Copy)]
enum Fold {
    None,
    Sum(Sum),
    Mean(Mean),
    Variance(Variance),
    Number(f64),
}

impl Fold {
    fn start(op: AggregateOp, value: f64) -> Self {
        match op {
            AggregateOp::Sum => Self::Sum(Sum::of(value)),
            AggregateOp::Avg => {
                let mut mean = Mean::default();
                mean.add(value);
                Self::Mean(mean)
            }
            AggregateOp::Stddev | AggregateOp::Stdvar => {
                let mut variance = Variance::default();
                variance.add(value);
                Self::Variance(variance)
            }
            AggregateOp::Count | AggregateOp::Group => Self::Number(1.0),
            _ => Self::Number(value),
        }
    }

    fn add(&mut self, op: AggregateOp, value: f64) {
        match self {
            Self::None => *self = Self::start(op, value),
            Self::Sum(sum) => sum.add(value),
            Self::Mean(mean) => mean.add(value),
            Self::Variance(variance) => variance.add(value),
            Self::Number(number) => match op {
                AggregateOp::Count => *number += 1.0,
                AggregateOp::Max if value > *number || number.is_nan() => *number = value,
                AggregateOp::Min if value < *number || number.is_nan() => *number = value,
                _ => {}
            },
        }
    }

    fn finish(self, op: AggregateOp) -> f64 {
        match self {
            Self::None => ABSENT,
            Self::Sum(sum) => sum.total(),
            Self::Mean(mean) => mean.mean(),
            Self::Variance(variance) if op == AggregateOp::Stddev => variance.variance().sqrt(),
            Self::Variance(variance) => variance.variance(),
            Self::Number(number) => number,
        }
    }
}

/// Aggregations that need one pass and little memory.
fn folded(eval: &mut Evaluator<'_>, node: &Aggregate, grid: &Grid) -> Result<Grid, Error> {
    let groups = Groups::new(Key::By(&node.grouping), &grid.metrics);
    let mut folds = vec![Fold::None; groups.len() * grid.steps];
    for (row, (_, values)) in grid.rows().enumerate() {
        let start = groups.of_row(row) * grid.steps;
        for (fold, value) in folds[start..].iter_mut().zip(values) {
            if !is_absent(*value) {
                fold.add(node.op, *value);
            }
        }
    }
    let mut result = result(&node.grouping, grid.steps);
    result
        .values
        .extend(folds.into_iter().map(|fold| fold.finish(node.op)));
    result.metrics = (0..groups.len())
        .map(|group| group_metric(eval, &node.grouping, &grid.metrics[groups.first_row(group)]))
        .collect::<Result<_, _>>()?;
    Ok(result)
}

/// The rows of each group.
fn members(groups: &Groups, rows: usize) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); groups.len()];
    (0..rows).for_each(|row| members[groups.of_row(row)].push(row));
    members
}

fn quantiles(
    eval: &mut Evaluator<'_>,
    at: Position,
    node: &Aggregate,
    grid: &Grid,
    params: &[f64],
) -> Result<Grid, Error> {
    if let Some(odd) = params.iter().find(|param| !(0.0..=1.0).contains(*param)) {
        eval.warn(
            at,
            &format!("quantile value should be between 0 and 1, got {odd}"),
        );
    }
    let groups = Groups::new(Key::By(&node.grouping), &grid.metrics);
    let mut result = result(&node.grouping, grid.steps);
    let mut values = Vec::new();
    for rows in members(&groups, grid.len()) {
        for (step, param) in params.iter().enumerate() {
            values.clear();
            values.extend(
                rows.iter()
                    .map(|row| grid.cell(*row, step))
                    .filter(|value| !is_absent(*value)),
            );
            let value = if values.is_empty() {
                ABSENT
            } else {
                quantile(*param, &mut values)
            };
            result.values.push(value);
        }
        let metric = group_metric(eval, &node.grouping, &grid.metrics[rows[0]])?;
        result.end_row(|| metric);
    }
    Ok(result)
}

/// `topk` and `bottomk`. At a single step the result is in order.
fn ranked(at: Position, node: &Aggregate, mut grid: Grid, params: &[f64]) -> Result<Grid, Error> {
    let counts: Vec<usize> = params
        .iter()
        .map(|param| count_of(at, *param))
        .collect::<Result<_, _>>()?;
    if counts.iter().all(|count| *count == 0) {
        return Ok(Grid::new(grid.steps));
    }
    let groups = Groups::new(Key::By(&node.grouping), &grid.metrics);
    let members = members(&groups, grid.len());
    let mut order = Vec::new();
    for (step, count) in counts.iter().enumerate() {
        for rows in &members {
            let mut ranked: Vec<usize> = rows
                .iter()
                .copied()
                .filter(|row| !is_absent(grid.cell(*row, step)))
                .collect();
            ranked.sort_by(|a, b| {
                let (a, b) = (grid.cell(*a, step), grid.cell(*b, step));
                let order = if node.op == AggregateOp::Topk {
                    b.partial_cmp(&a)
                } else {
                    a.partial_cmp(&b)
                };
                // A NaN comes after every number.
                order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            });
            for row in ranked.iter().skip(*count) {
                grid.set(*row, step, ABSENT);
            }
            order.extend(ranked.into_iter().take(*count));
        }
    }
    if grid.steps > 1 {
        grid.drop_empty_rows();
        return Ok(grid);
    }
    Ok(reordered(&grid, &order))
}

/// The rows of a grid of one step, in another order.
pub(crate) fn reordered(grid: &Grid, order: &[usize]) -> Grid {
    Grid {
        metrics: order.iter().map(|row| grid.metrics[*row].clone()).collect(),
        values: order.iter().map(|row| grid.values[*row]).collect(),
        ..*grid
    }
}

/// The number of series that `topk` keeps.
fn count_of(at: Position, param: f64) -> Result<usize, Error> {
    if param.is_nan() {
        return Err(Error::evaluation(at, "Parameter value is NaN"));
    }
    if param >= i64::MAX as f64 || param <= i64::MIN as f64 {
        return Err(Error::evaluation(
            at,
            format!("Scalar value {param} overflows int64"),
        ));
    }
    Ok(if param < 1.0 { 0 } else { param as usize })
}

/// Counts equal values, which become a label.
fn count_values(
    eval: &mut Evaluator<'_>,
    at: Position,
    node: &Aggregate,
    grid: &Grid,
) -> Result<Grid, Error> {
    let Some(Node::String(label)) = node.param.as_ref().map(|param| &param.node) else {
        return Err(Error::evaluation(at, "count_values needs a label's name"));
    };
    if label.is_empty() {
        return Err(Error::evaluation(at, "invalid label name \"\" in count_values"));
    }
    // The label is set before the grouping, which `without` may take it from.
    let shown = match &node.grouping {
        Grouping::Only(_) => true,
        Grouping::Without(without) => **label != *METRIC_NAME && !without.contains(label),
    };
    let mut found = std::collections::HashMap::<Labels, usize>::new();
    let mut result = Grid::new(grid.steps);
    for (metric, values) in grid.rows() {
        let group = Key::By(&node.grouping).labels_of(metric);
        for (step, value) in values.iter().enumerate() {
            if is_absent(*value) {
                continue;
            }
            let mut labels = group.clone();
            if shown {
                labels.set(label, &number_text(*value));
            }
            let row = match found.get(&labels) {
                Some(row) => *row,
                None => {
                    eval.meter.grow(result.steps)?;
                    eval.meter.copy_labels(labels.iter())?;
                    let row = result.add_row(Metric::from(labels.clone()));
                    found.insert(labels, row);
                    row
                }
            };
            let before = result.cell(row, step);
            result.set(row, step, if is_absent(before) { 1.0 } else { before + 1.0 });
        }
    }
    Ok(result)
}

/// A number as Go's `strconv.FormatFloat(value, 'f', -1, 64)` writes it.
fn number_text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}
