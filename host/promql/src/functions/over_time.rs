//! Aggregations over the samples of one series: `…_over_time`.

use crate::kahan::{Mean, Sum, Variance};
use crate::window::Window;

pub(super) fn sum(window: &Window<'_>) -> Option<f64> {
    let mut sum = Sum::default();
    window.values.iter().for_each(|value| sum.add(*value));
    Some(sum.total())
}

pub(super) fn avg(window: &Window<'_>) -> Option<f64> {
    let mut mean = Mean::default();
    window.values.iter().for_each(|value| mean.add(*value));
    Some(mean.mean())
}

pub(super) fn count(window: &Window<'_>) -> Option<f64> {
    Some(window.values.len() as f64)
}

pub(super) fn min(window: &Window<'_>) -> Option<f64> {
    window
        .values
        .iter()
        .copied()
        .reduce(|min, value| if value < min || min.is_nan() { value } else { min })
}

pub(super) fn max(window: &Window<'_>) -> Option<f64> {
    window
        .values
        .iter()
        .copied()
        .reduce(|max, value| if value > max || max.is_nan() { value } else { max })
}

pub(super) fn last(window: &Window<'_>) -> Option<f64> {
    Some(window.last())
}

pub(super) fn present(_: &Window<'_>) -> Option<f64> {
    Some(1.0)
}

fn variance(window: &Window<'_>) -> f64 {
    let mut variance = Variance::default();
    window.values.iter().for_each(|value| variance.add(*value));
    variance.variance()
}

pub(super) fn stdvar(window: &Window<'_>) -> Option<f64> {
    Some(variance(window))
}

pub(super) fn stddev(window: &Window<'_>) -> Option<f64> {
    Some(variance(window).sqrt())
}

pub(super) fn quantile_over(window: &Window<'_>) -> Option<f64> {
    Some(quantile(window.param(0), &mut window.values.to_vec()))
}

/// The quantile of some values, which it sorts; between two of them it
/// interpolates. NaN values come first.
pub(crate) fn quantile(quantile: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())));
    let last = values.len() - 1;
    let rank = quantile * last as f64;
    let lower = (rank.floor() as usize).min(last);
    let upper = (lower + 1).min(last);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}
