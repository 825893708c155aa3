//! Functions of how series change: rates, deltas, derivatives, resets.

use crate::kahan::Sum;
use crate::window::Window;

pub(super) fn rate(window: &Window<'_>) -> Option<f64> {
    extrapolated(window, true, true)
}

pub(super) fn increase(window: &Window<'_>) -> Option<f64> {
    extrapolated(window, true, false)
}

pub(super) fn delta(window: &Window<'_>) -> Option<f64> {
    extrapolated(window, false, false)
}

fn seconds_between(from_ms: i64, to_ms: i64) -> f64 {
    to_ms.saturating_sub(from_ms) as f64 / 1e3
}

/// The change from the first to the last sample, stretched to the whole window
/// where the series seems to go on; a counter is not stretched below zero.
fn extrapolated(window: &Window<'_>, is_counter: bool, per_second: bool) -> Option<f64> {
    let [first, .., last] = window.values else {
        return None;
    };
    let [first_ms, .., last_ms] = window.timestamps_ms else {
        return None;
    };
    let mut change = last - first;
    if is_counter {
        // What the counter had reached each time it started anew.
        change += window.peaks.iter().fold(0.0, |lost, peak| lost + peak);
    }
    let sampled_s = seconds_between(*first_ms, *last_ms);
    let between_samples_s = sampled_s / (window.values.len() - 1) as f64;
    let threshold_s = between_samples_s * 1.1;
    let mut to_start_s = seconds_between(window.start_ms, *first_ms);
    let mut to_end_s = seconds_between(*last_ms, window.end_ms);
    if to_start_s >= threshold_s {
        to_start_s = between_samples_s / 2.0;
    }
    if is_counter && change > 0.0 && *first >= 0.0 {
        let to_zero_s = sampled_s * (first / change);
        if to_zero_s < to_start_s {
            to_start_s = to_zero_s;
        }
    }
    if to_end_s >= threshold_s {
        to_end_s = between_samples_s / 2.0;
    }
    let mut factor = (sampled_s + to_start_s + to_end_s) / sampled_s;
    if per_second {
        factor /= window.range_s();
    }
    Some(change * factor)
}

pub(super) fn irate(window: &Window<'_>) -> Option<f64> {
    let [.., before, last] = window.values else {
        return None;
    };
    let [.., before_ms, last_ms] = window.timestamps_ms else {
        return None;
    };
    let change = if last < before { *last } else { last - before };
    let interval_s = seconds_between(*before_ms, *last_ms);
    (interval_s > 0.0).then(|| change / interval_s)
}

pub(super) fn idelta(window: &Window<'_>) -> Option<f64> {
    let [.., before, last] = window.values else {
        return None;
    };
    Some(last - before)
}

pub(super) fn resets(window: &Window<'_>) -> Option<f64> {
    Some(window.peaks.len() as f64)
}

pub(super) fn changes(window: &Window<'_>) -> Option<f64> {
    let changed = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
    Some(window.values.windows(2).filter(changed).count() as f64)
}

pub(super) fn deriv(window: &Window<'_>) -> Option<f64> {
    let [first_ms, _, ..] = window.timestamps_ms else {
        return None;
    };
    Some(regression(window, *first_ms).0)
}

pub(super) fn predict_linear(window: &Window<'_>) -> Option<f64> {
    if window.values.len() < 2 {
        return None;
    }
    let (slope, intercept) = regression(window, window.time_ms);
    Some(slope * window.param(0) + intercept)
}

/// Slope per second, and value at `intercept_ms`, of the line of least squares.
fn regression(window: &Window<'_>, intercept_ms: i64) -> (f64, f64) {
    let (mut sum_x, mut sum_y) = (Sum::default(), Sum::default());
    let (mut sum_xy, mut sum_xx) = (Sum::default(), Sum::default());
    for (timestamp_ms, y) in window.timestamps_ms.iter().zip(window.values) {
        let x = seconds_between(intercept_ms, *timestamp_ms);
        sum_x.add(x);
        sum_y.add(*y);
        sum_xy.add(x * y);
        sum_xx.add(x * x);
    }
    let first = window.values.first().copied().unwrap_or(f64::NAN);
    if window.values.iter().all(|value| *value == first) {
        return if first.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, first)
        };
    }
    let n = window.values.len() as f64;
    let (x, y) = (sum_x.total(), sum_y.total());
    let covariance = sum_xy.total() - x * y / n;
    let variance = sum_xx.total() - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}
