//! Functions that change labels.

use wasmalert_core::Labels;

use super::argument_vector;
use crate::ast::{Expr, LabelReplace, Node};
use crate::error::{Error, Position};
use crate::eval::{Evaluator, Steps, same_labels};
use crate::value::{Computed, Grid, Metric};

/// Sets a label to what a pattern finds in another.
pub(crate) fn replace(
    eval: &mut Evaluator<'_>,
    at: Position,
    node: &LabelReplace,
    steps: Steps,
) -> Result<Grid, Error> {
    let mut grid = eval.vector(&node.expr, steps)?;
    eval.meter.visit(grid.len())?;
    let mut text = String::new();
    let references = node.replacement.matches('$').count();
    for metric in &mut grid.metrics {
        let source = metric.get(&node.source).unwrap_or("");
        let Some(found) = node.regex.captures(source) else {
            continue;
        };
        // Each reference stands for a part of the source at most.
        let expanded_max = references
            .saturating_mul(source.len())
            .saturating_add(node.replacement.len());
        eval.meter.label_bytes(expanded_max)?;
        eval.meter.copy_labels(metric.iter())?;
        text.clear();
        found.expand(&node.replacement, &mut text);
        let mut labels: Labels = metric.to_labels();
        labels.set(&node.target, &text);
        *metric = Metric::from(labels);
    }
    merge(at, grid)
}

/// The parser makes a node of every call of `label_replace`, so that this is
/// never reached.
pub(super) fn replace_unbuilt(
    _: &mut Evaluator<'_>,
    at: Position,
    _: &[Expr],
    _: Steps,
) -> Result<Computed, Error> {
    Err(Error::evaluation(at, "label_replace was not built by the parser"))
}

/// Sets a label to the values of others, with a separator between them.
pub(super) fn join(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    let mut grid = argument_vector(eval, at, arguments, steps)?;
    let mut texts = Vec::new();
    for argument in arguments.iter().skip(1) {
        match &argument.node {
            Node::String(text) => texts.push(&**text),
            _ => return Err(Error::evaluation(at, "label_join needs strings")),
        }
    }
    let [target, separator, sources @ ..] = &texts[..] else {
        return Err(Error::evaluation(at, "label_join needs a label and a separator"));
    };
    if target.is_empty() {
        return Err(Error::evaluation(at, "invalid label name \"\" in label_join"));
    }
    eval.meter.visit(grid.len().saturating_mul(sources.len()))?;
    for metric in &mut grid.metrics {
        let values: Vec<&str> = sources
            .iter()
            .map(|source| metric.get(source).unwrap_or(""))
            .collect();
        let joined = values.iter().map(|value| value.len() + separator.len()).sum();
        eval.meter.label_bytes(joined)?;
        eval.meter.copy_labels(metric.iter())?;
        let text = values.join(separator);
        let mut labels = metric.to_labels();
        labels.set(target, &text);
        *metric = Metric::from(labels);
    }
    merge(at, grid).map(Computed::Vector)
}

fn merge(at: Position, mut grid: Grid) -> Result<Grid, Error> {
    grid.distinct_without_name = false;
    grid.merge_equal_rows()
        .map_err(|metric| same_labels(at, &metric))?;
    Ok(grid)
}
