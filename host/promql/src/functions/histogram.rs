//! Quantiles and fractions of classic histograms: series with a label `le`.

use super::{argument_vector, scalars};
use crate::ast::Expr;
use crate::error::{Error, Position};
use crate::eval::{Evaluator, Steps, drop_names};
use crate::group::{Groups, Key};
use crate::value::{ABSENT, Computed, Grid, Metric, is_absent};

/// The label of a bucket's upper bound.
const BOUND: &str = "le";
/// Counts that fall by less than this part of themselves fell by rounding.
const TOLERANCE: f64 = 1e-12;

/// A bucket with the count of all observations up to its bound.
#[derive(Clone, Copy)]
struct Bucket {
    bound: f64,
    count: f64,
}

pub(super) fn quantile(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    let params = scalars(eval, arguments, steps)?;
    warn_of_quantiles(eval, at, &params[0]);
    histograms(eval, at, arguments, steps, |step, buckets| {
        bucket_quantile(params[0][step], buckets)
    })
}

pub(super) fn fraction(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
) -> Result<Computed, Error> {
    let params = scalars(eval, arguments, steps)?;
    histograms(eval, at, arguments, steps, |step, buckets| {
        (bucket_fraction(params[0][step], params[1][step], buckets), false)
    })
}

pub(super) fn warn_of_quantiles(eval: &mut Evaluator<'_>, at: Position, quantiles: &[f64]) {
    if let Some(odd) = quantiles.iter().find(|quantile| !(0.0..=1.0).contains(*quantile)) {
        eval.warn(
            at,
            &format!("quantile value should be between 0 and 1, got {odd}"),
        );
    }
}

/// Applies `f` to the buckets of each histogram at each step. It says whether
/// it had to mend counts that fell.
fn histograms(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
    f: impl Fn(usize, &mut Vec<Bucket>) -> (f64, bool),
) -> Result<Computed, Error> {
    let grid = argument_vector(eval, at, arguments, steps)?;
    let key = Key::Except(BOUND);
    let groups = Groups::new(key, &grid.metrics);
    let mut members: Vec<Vec<(f64, usize)>> = vec![Vec::new(); groups.len()];
    for (row, metric) in grid.metrics.iter().enumerate() {
        match metric.get(BOUND).and_then(parse_bound) {
            Some(bound) => members[groups.of_row(row)].push((bound, row)),
            None => {
                let value = metric.get(BOUND).unwrap_or("");
                eval.warn(
                    at,
                    &format!("bucket label \"le\" is missing or has a malformed value of {value:?}"),
                );
            }
        }
    }
    let mut result = Grid::new(steps.count);
    let mut buckets = Vec::new();
    for rows in members.into_iter().filter(|rows| !rows.is_empty()) {
        for step in 0..steps.count {
            buckets.clear();
            let counts = rows.iter().map(|(bound, row)| Bucket {
                bound: *bound,
                count: grid.cell(*row, step),
            });
            buckets.extend(counts.filter(|bucket| !is_absent(bucket.count)));
            if buckets.is_empty() {
                result.values.push(ABSENT);
                continue;
            }
            let (value, mended) = f(step, &mut buckets);
            result.values.push(value);
            if mended {
                eval.warn(
                    at,
                    "input to histogram_quantile needed to be fixed for monotonicity",
                );
            }
        }
        eval.meter.copy_labels(key.labels(&grid.metrics[rows[0].1]))?;
        result.end_row(|| Metric::from(key.labels_of(&grid.metrics[rows[0].1])));
    }
    drop_names(&mut result, at)?;
    Ok(Computed::Vector(result))
}

fn parse_bound(text: &str) -> Option<f64> {
    crate::parse::parse_number(text).or_else(|| text.parse().ok())
}

/// Sorts buckets and sums those of equal bound. False unless the last one holds
/// everything.
fn tidy(buckets: &mut Vec<Bucket>) -> bool {
    buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    if buckets.last().is_none_or(|last| last.bound != f64::INFINITY) {
        return false;
    }
    buckets.dedup_by(|next, kept| {
        let equal = next.bound == kept.bound;
        if equal {
            kept.count += next.count;
        }
        equal
    });
    true
}

/// Makes counts rise from bucket to bucket; true if one fell by more than rounding.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let mut mended = false;
    let mut before = buckets.first().map_or(0.0, |bucket| bucket.count);
    for bucket in buckets.iter_mut().skip(1) {
        if bucket.count == before {
            continue;
        }
        if almost_equal(before, bucket.count) {
            bucket.count = before;
        } else if bucket.count < before {
            bucket.count = before;
            mended = true;
        } else {
            before = bucket.count;
        }
    }
    mended
}

fn almost_equal(a: f64, b: f64) -> bool {
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// The quantile, interpolated within its bucket.
fn bucket_quantile(quantile: f64, buckets: &mut Vec<Bucket>) -> (f64, bool) {
    if quantile.is_nan() {
        return (f64::NAN, false);
    }
    if quantile < 0.0 {
        return (f64::NEG_INFINITY, false);
    }
    if quantile > 1.0 {
        return (f64::INFINITY, false);
    }
    if !tidy(buckets) {
        return (f64::NAN, false);
    }
    let mended = make_monotonic(buckets);
    let [rest @ .., all] = &buckets[..] else {
        return (f64::NAN, mended);
    };
    let Some(highest) = rest.last() else {
        return (f64::NAN, mended);
    };
    if all.count == 0.0 {
        return (f64::NAN, mended);
    }
    let rank = quantile * all.count;
    // A count that is NaN never reaches the rank.
    let at = rest.partition_point(|bucket| bucket.count.is_nan() || bucket.count < rank);
    let Some(bucket) = rest.get(at) else {
        return (highest.bound, mended);
    };
    let below = at.checked_sub(1).map(|below| rest[below]);
    if below.is_none() && bucket.bound <= 0.0 {
        return (bucket.bound, mended);
    }
    let below = below.unwrap_or(Bucket {
        bound: 0.0,
        count: 0.0,
    });
    let part = (rank - below.count) / (bucket.count - below.count);
    (below.bound + (bucket.bound - below.bound) * part, mended)
}

/// The part of all observations between two bounds.
fn bucket_fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !tidy(buckets) {
        return f64::NAN;
    }
    let total = buckets.last().map_or(0.0, |all| all.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let (lower, upper) = (rank_of(lower, buckets, total), rank_of(upper, buckets, total));
    // An endless first bucket counts for nothing when a bound lies in it: where
    // in it observations are, nobody knows.
    let first = buckets.first().map_or(0.0, |first| first.count);
    match (lower, upper) {
        (_, None) => 0.0,
        (lower, Some(upper)) => (upper - lower.unwrap_or(first)) / total,
    }
}

/// How many observations lie below a bound; None if it lies within an endless bucket.
fn rank_of(bound: f64, buckets: &[Bucket], total: f64) -> Option<f64> {
    let mut below = Bucket {
        bound: f64::NEG_INFINITY,
        count: 0.0,
    };
    if buckets.first().is_some_and(|first| first.bound > 0.0) {
        below.bound = 0.0;
    }
    for bucket in buckets {
        if below.bound >= bound {
            return Some(below.count.min(total));
        }
        if bucket.bound > bound {
            if below.bound.is_infinite() {
                return None;
            }
            let part = (bound - below.bound) / (bucket.bound - below.bound);
            return Some((below.count + (bucket.count - below.count) * part).min(total));
        }
        below = *bucket;
    }
    Some(total)
}
