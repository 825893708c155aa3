//! Binary operators: arithmetic, comparisons, vector matching, set operators.

use std::collections::HashMap;

use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

use crate::ast::{Binary, BinaryOp, Cardinality, Grouping};
use crate::error::{Error, Position};
use crate::eval::{Evaluator, Steps, drop_names};
use crate::group::{Key, Table};
use crate::value::{ABSENT, Computed, Grid, Metric, is_absent};

pub(crate) fn eval(
    eval: &mut Evaluator<'_>,
    at: Position,
    node: &Binary,
    steps: Steps,
) -> Result<Computed, Error> {
    let lhs = eval.eval(&node.lhs, steps)?;
    let rhs = eval.eval(&node.rhs, steps)?;
    eval.meter.visit(steps.count)?;
    match (lhs, rhs) {
        (Computed::Scalar(mut lhs), Computed::Scalar(rhs)) => {
            for (left, right) in lhs.iter_mut().zip(&rhs) {
                *left = scalar(node.op, *left, *right);
            }
            Ok(Computed::Scalar(lhs))
        }
        (Computed::Vector(grid), Computed::Scalar(scalars)) => with_scalars(at, node, grid, &scalars, false),
        (Computed::Scalar(scalars), Computed::Vector(grid)) => with_scalars(at, node, grid, &scalars, true),
        (Computed::Vector(lhs), Computed::Vector(rhs)) => {
            let grid = match node.op {
                BinaryOp::And | BinaryOp::Unless => intersect(eval, node, lhs, &rhs)?,
                BinaryOp::Or => union(eval, at, node, lhs, &rhs)?,
                _ => match_vectors(eval, at, node, &lhs, &rhs)?,
            };
            Ok(Computed::Vector(grid))
        }
        _ => Err(Error::evaluation(at, "a string is no operand")),
    }
}

/// The number an operator yields; 0 or 1 for comparisons.
fn scalar(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => crate::functions::math::pow(left, right),
        BinaryOp::Atan2 => left.atan2(right),
        _ => f64::from(u8::from(holds(op, left, right))),
    }
}

fn holds(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Eq => left == right,
        BinaryOp::Ne => left != right,
        BinaryOp::Gt => left > right,
        BinaryOp::Lt => left < right,
        BinaryOp::Ge => left >= right,
        BinaryOp::Le => left <= right,
        _ => false,
    }
}

/// What an operator makes of two samples; None filters them out. A comparison
/// keeps `kept`.
fn combine(node: &Binary, left: f64, right: f64, kept: f64) -> Option<f64> {
    if node.return_bool || !node.op.is_comparison() {
        return Some(scalar(node.op, left, right));
    }
    holds(node.op, left, right).then_some(kept)
}

fn drops_name(node: &Binary) -> bool {
    node.return_bool || !node.op.is_comparison()
}

/// A vector and a scalar; `swapped` when the scalar is on the left.
fn with_scalars(
    at: Position,
    node: &Binary,
    mut grid: Grid,
    scalars: &[f64],
    swapped: bool,
) -> Result<Computed, Error> {
    grid.filter_map(|step, value| {
        let (left, right) = if swapped {
            (scalars[step], value)
        } else {
            (value, scalars[step])
        };
        combine(node, left, right, value)
    });
    if drops_name(node) {
        drop_names(&mut grid, at)?;
    }
    Ok(Computed::Vector(grid))
}

/// `and` and `unless`: samples on the left that have, or do not have, a partner.
fn intersect(eval: &mut Evaluator<'_>, node: &Binary, mut lhs: Grid, rhs: &Grid) -> Result<Grid, Error> {
    eval.meter.visit(lhs.values.len() + rhs.values.len())?;
    let wanted = node.op == BinaryOp::And;
    let mut table = Table::new(Key::By(&node.matching.grouping), rhs.len());
    let groups: Vec<u32> = rhs
        .metrics
        .iter()
        .map(|metric| table.find_or_add(metric))
        .collect();
    let present = presence(table.len(), &groups, rhs);
    let steps = lhs.steps;
    for row in 0..lhs.len() {
        let group = table.find(&lhs.metrics[row]);
        for step in 0..steps {
            let found = group.is_some_and(|group| present[group as usize * steps + step]);
            if found != wanted {
                lhs.set(row, step, ABSENT);
            }
        }
    }
    lhs.drop_empty_rows();
    Ok(lhs)
}

/// At which steps each group has a sample.
fn presence(groups: usize, group_of_row: &[u32], grid: &Grid) -> Vec<bool> {
    let mut present = vec![false; groups * grid.steps];
    for (group, (_, row)) in group_of_row.iter().zip(grid.rows()) {
        let start = *group as usize * grid.steps;
        for (present, value) in present[start..].iter_mut().zip(row) {
            *present |= !is_absent(*value);
        }
    }
    present
}

/// `or`: all samples on the left, and those on the right without a partner.
fn union(
    eval: &mut Evaluator<'_>,
    at: Position,
    node: &Binary,
    lhs: Grid,
    rhs: &Grid,
) -> Result<Grid, Error> {
    eval.meter.visit(lhs.values.len() + rhs.values.len())?;
    eval.meter.grow(rhs.values.len())?;
    let mut grid = Grid::new(lhs.steps);
    {
        let mut table = Table::new(Key::By(&node.matching.grouping), lhs.len());
        let groups: Vec<u32> = lhs
            .metrics
            .iter()
            .map(|metric| table.find_or_add(metric))
            .collect();
        let present = presence(table.len(), &groups, &lhs);
        for (metric, row) in rhs.rows() {
            let group = table.find(metric);
            for (step, value) in row.iter().enumerate() {
                let found = group.is_some_and(|group| present[group as usize * lhs.steps + step]);
                grid.values.push(if found { ABSENT } else { *value });
            }
            grid.end_row(|| metric.clone());
        }
    }
    let mut all = lhs;
    all.distinct_without_name = false;
    all.metrics.append(&mut grid.metrics);
    all.values.append(&mut grid.values);
    if all.steps > 1 {
        all.merge_equal_rows()
            .map_err(|metric| crate::eval::same_labels(at, &metric))?;
    }
    Ok(all)
}

/// Arithmetic and comparisons between two vectors.
fn match_vectors(
    eval: &mut Evaluator<'_>,
    at: Position,
    node: &Binary,
    lhs: &Grid,
    rhs: &Grid,
) -> Result<Grid, Error> {
    eval.meter.visit(lhs.values.len() + rhs.values.len())?;
    let swapped = node.matching.cardinality == Cardinality::OneToMany;
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    let mut table = Table::new(Key::By(&node.matching.grouping), one.len());
    let one_groups: Vec<u32> = one
        .metrics
        .iter()
        .map(|metric| table.find_or_add(metric))
        .collect();
    let many_groups: Vec<Option<u32>> = many.metrics.iter().map(|metric| table.find(metric)).collect();
    let mut join = Join {
        at,
        node,
        many,
        one,
        swapped,
        result: Grid::new(lhs.steps),
        rows: HashMap::new(),
        partner: vec![None; table.len()],
        matched: vec![false; table.len()],
    };
    let present = presence(1, &vec![0; many.len()], many);
    for (step, present) in present.into_iter().enumerate() {
        // Where one side is empty, duplicates on the other do no harm.
        if !present {
            continue;
        }
        join.find_partners(step, &one_groups)?;
        join.step(eval, step, &many_groups)?;
    }
    join.finish()
}

/// A join of the many (or one) on one side with the one on the other.
struct Join<'a> {
    at: Position,
    node: &'a Binary,
    many: &'a Grid,
    one: &'a Grid,
    /// Whether the many are on the right.
    swapped: bool,
    result: Grid,
    /// Result rows by rows of `many` and `one`.
    rows: HashMap<(u32, u32), usize>,
    /// The row of `one` in each group at the current step.
    partner: Vec<Option<u32>>,
    /// Groups that have been matched at the current step.
    matched: Vec<bool>,
}

impl Join<'_> {
    fn find_partners(&mut self, step: usize, one_groups: &[u32]) -> Result<(), Error> {
        self.partner.fill(None);
        self.matched.fill(false);
        for (row, group) in one_groups.iter().enumerate() {
            if is_absent(self.one.cell(row, step)) {
                continue;
            }
            if let Some(other) = self.partner[*group as usize].replace(row as u32) {
                return Err(self.duplicate(other as usize, row));
            }
        }
        Ok(())
    }

    fn duplicate(&self, first: usize, second: usize) -> Error {
        let side = if self.swapped { "left" } else { "right" };
        let key = Key::By(&self.node.matching.grouping);
        let group = key.labels_of(&self.one.metrics[first]);
        let (first, second) = (&self.one.metrics[first], &self.one.metrics[second]);
        Error::evaluation(
            self.at,
            format!(
                "found duplicate series for the match group {group} on the {side} hand-side of the operation: \
                 [{second}, {first}]; many-to-many matching not allowed: matching labels must be unique on one side"
            ),
        )
    }

    fn step(
        &mut self,
        eval: &mut Evaluator<'_>,
        step: usize,
        many_groups: &[Option<u32>],
    ) -> Result<(), Error> {
        for (row, group) in many_groups.iter().enumerate() {
            let value = self.many.cell(row, step);
            let Some(group) = group.filter(|_| !is_absent(value)) else {
                continue;
            };
            let Some(partner) = self.partner[group as usize] else {
                continue;
            };
            let other = self.one.cell(partner as usize, step);
            let (left, right) = if self.swapped {
                (other, value)
            } else {
                (value, other)
            };
            // Even where the comparison filters out what is there twice.
            let twice = std::mem::replace(&mut self.matched[group as usize], true);
            if twice && self.node.matching.cardinality == Cardinality::OneToOne {
                return Err(Error::evaluation(
                    self.at,
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            let Some(value) = combine(self.node, left, right, left) else {
                continue;
            };
            let result_row = self.result_row(eval, row as u32, partner)?;
            self.result.set(result_row, step, value);
        }
        Ok(())
    }

    fn result_row(&mut self, eval: &mut Evaluator<'_>, many: u32, one: u32) -> Result<usize, Error> {
        if self.result.steps > 1
            && let Some(row) = self.rows.get(&(many, one))
        {
            return Ok(*row);
        }
        eval.meter.grow(self.result.steps)?;
        let (many_metric, one_metric) = (&self.many.metrics[many as usize], &self.one.metrics[one as usize]);
        let metric = result_metric(eval, self.node, many_metric, one_metric)?;
        let row = self.result.add_row(metric);
        if self.result.steps > 1 {
            self.rows.insert((many, one), row);
        }
        Ok(row)
    }

    fn finish(self) -> Result<Grid, Error> {
        let Self {
            at, node, mut result, ..
        } = self;
        let one_to_one = node.matching.cardinality == Cardinality::OneToOne;
        let drops_name = drops_name(node);
        let by_name = node.matching.names(METRIC_NAME);
        // At a single step every group yields one sample, and groups differ.
        if result.steps > 1 || !one_to_one || by_name {
            result.merge_equal_rows().map_err(|metric| {
                Error::evaluation(
                    at,
                    format!(
                        "multiple matches for labels: grouping labels must ensure unique matches: {metric}"
                    ),
                )
            })?;
        }
        result.distinct_without_name = drops_name && !by_name;
        Ok(result)
    }
}

/// The labels of what a match yields.
fn result_metric(
    eval: &mut Evaluator<'_>,
    node: &Binary,
    many: &Metric,
    one: &Metric,
) -> Result<Metric, Error> {
    let matching = &node.matching;
    let without_name = drops_name(node);
    if matching.cardinality != Cardinality::OneToOne {
        return included(eval, node, many, one, without_name);
    }
    let kept = |name: &str| match &matching.grouping {
        Grouping::Only(only) => only.iter().any(|label| **label == *name),
        Grouping::Without(without) => !without.iter().any(|label| **label == *name),
    };
    if matches!(&matching.grouping, Grouping::Without(without) if without.is_empty()) {
        let metric = many.clone();
        return Ok(if without_name {
            metric.without_name()
        } else {
            metric
        });
    }
    eval.meter.copy_labels(many.iter())?;
    let labels: Labels = many
        .iter()
        .filter(|(name, _)| kept(name) && !(without_name && *name == METRIC_NAME))
        .collect();
    Ok(Metric::from(labels))
}

/// The labels of the many side, with those copied from the one side.
fn included(
    eval: &mut Evaluator<'_>,
    node: &Binary,
    many: &Metric,
    one: &Metric,
    without_name: bool,
) -> Result<Metric, Error> {
    let metric = if without_name {
        many.clone().without_name()
    } else {
        many.clone()
    };
    if node.matching.include.is_empty() {
        return Ok(metric);
    }
    eval.meter.copy_labels(many.iter().chain(one.iter()))?;
    let mut labels = metric.to_labels();
    for label in &node.matching.include {
        labels.set(label, one.get(label).unwrap_or(""));
    }
    Ok(Metric::from(labels))
}
