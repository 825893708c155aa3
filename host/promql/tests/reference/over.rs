//! Functions of ranges, read off Prometheus' documentation.

use crate::doubt::Doubt;

/// The samples of one series after `start_ms` and up to `end_ms`, at least one.
pub(crate) struct Window {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) samples: Vec<(i64, f64)>,
}

/// None: too few samples.
pub(crate) fn over(name: &str, param: f64, window: &Window, doubt: &Doubt) -> Option<f64> {
    let values: Vec<f64> = window.samples.iter().map(|sample| sample.1).collect();
    let pairs = || values.windows(2).map(|pair| (pair[0], pair[1]));
    pairs().for_each(|(a, b)| {
        if matches!(name, "rate" | "increase" | "irate" | "resets" | "changes") {
            doubt.compared(a, b);
        }
    });
    match name {
        "rate" => extrapolated(window, true, seconds(window.end_ms - window.start_ms), doubt),
        "increase" => extrapolated(window, true, 1.0, doubt),
        "delta" => extrapolated(window, false, 1.0, doubt),
        "irate" => {
            let ((before_ms, before), (last_ms, last)) = last_two(window)?;
            let change = if last < before { last } else { last - before };
            doubt.added(&[last, -before], change);
            Some(change / seconds(last_ms - before_ms))
        }
        "idelta" => {
            let ((_, before), (_, last)) = last_two(window)?;
            doubt.added(&[last, -before], last - before);
            Some(last - before)
        }
        "resets" => Some(pairs().filter(|(a, b)| b < a).count() as f64),
        "changes" => Some(
            pairs()
                .filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan()))
                .count() as f64,
        ),
        "count_over_time" => Some(values.len() as f64),
        "last_over_time" => values.last().copied(),
        "present_over_time" => Some(1.0),
        "quantile_over_time" => Some(quantile(param, &values)),
        name => Some(fold(name.trim_end_matches("_over_time"), &values, doubt)),
    }
}

/// What aggregations and functions over time have in common.
pub(crate) fn fold(name: &str, values: &[f64], doubt: &Doubt) -> f64 {
    let n = values.len() as f64;
    let sum: f64 = values.iter().fold(0.0, |sum, value| sum + value);
    let zeros = values.iter().filter(|value| **value == 0.0);
    let mut signs = zeros.map(|zero| zero.is_sign_negative());
    let numbers = || values.iter().copied().filter(|value| !value.is_nan());
    match name {
        "sum" | "avg" => doubt.added(values, sum),
        // Which zero it is depends on the order.
        "min" | "max" => {
            doubt.note(signs.clone().any(|negative| negative) && signs.any(|negative| !negative))
        }
        _ => {}
    }
    match name {
        "sum" => sum,
        "avg" => sum / n,
        "count" => n,
        "group" => 1.0,
        "min" => numbers().reduce(f64::min).unwrap_or(f64::NAN),
        "max" => numbers().reduce(f64::max).unwrap_or(f64::NAN),
        "stdvar" => variance(values, doubt),
        "stddev" => variance(values, doubt).sqrt(),
        _ => panic!("no function {name}"),
    }
}

fn variance(values: &[f64], doubt: &Doubt) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    doubt.estimated();
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    let largest = values.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
    let differ = values.iter().any(|value| *value != values[0]);
    doubt.written(if differ { 0.0 } else { largest });
    doubt.note(differ && variance <= 1e-3 * largest * largest);
    doubt.note(values.iter().all(|value| value.is_finite()) && !variance.is_finite());
    variance
}

/// Between the two nearest values, as far as the quantile lies between them. NaN
/// is less than any number.
pub(crate) fn quantile(quantile: f64, values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(b),
        (a, b) => b.cmp(&a),
    });
    match quantile {
        q if q.is_nan() || sorted.is_empty() => f64::NAN,
        q if q < 0.0 => f64::NEG_INFINITY,
        q if q > 1.0 => f64::INFINITY,
        q => {
            let rank = q * (sorted.len() - 1) as f64;
            let lower = rank.floor();
            let upper = (lower + 1.0).min((sorted.len() - 1) as f64);
            let weight = rank - lower;
            sorted[lower as usize] * (1.0 - weight) + sorted[upper as usize] * weight
        }
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

type Sample = (i64, f64);

fn last_two(window: &Window) -> Option<(Sample, Sample)> {
    match window.samples[..] {
        [.., before, last] => Some((before, last)),
        _ => None,
    }
}

/// The change over the whole window, as if the series went on to its edges: by
/// what is missing if a sample was due there, else by half an interval. A
/// counter does not start below zero. All this by `per`.
fn extrapolated(window: &Window, counter: bool, per: f64, doubt: &Doubt) -> Option<f64> {
    let [(first_ms, first), .., (last_ms, last)] = window.samples[..] else {
        return None;
    };
    let mut parts = vec![last, -first];
    if counter {
        for pair in window.samples.windows(2) {
            if pair[1].1 < pair[0].1 {
                parts.push(pair[0].1);
            }
        }
    }
    let change: f64 = parts.iter().sum();
    doubt.added(&parts, change);
    let sampled_s = seconds(last_ms - first_ms);
    let interval_s = sampled_s / (window.samples.len() - 1) as f64;
    let reach = |missing_s: f64| {
        if missing_s >= interval_s * 1.1 {
            interval_s / 2.0
        } else {
            missing_s
        }
    };
    let mut before_s = reach(seconds(first_ms - window.start_ms));
    let after_s = reach(seconds(window.end_ms - last_ms));
    if counter && change > 0.0 && first >= 0.0 {
        let since_zero_s = sampled_s * (first / change);
        if since_zero_s < before_s {
            before_s = since_zero_s;
        }
    }
    Some(change * ((sampled_s + before_s + after_s) / sampled_s / per))
}
