//! Compares results with what a case expects.

use wasmalert_core::Labels;
use wasmalert_promql::notation::{parse_series, parse_values};
use wasmalert_promql::{Metric, Series, Value};

use super::{Case, Kind};

/// Relative difference of values that count as equal, as upstream has it.
const EPSILON: f64 = 1e-6;

type Wanted = Vec<(Labels, Vec<Option<f64>>)>;

/// Holds a result against a case.
pub(crate) fn compare(case: &Case, value: &Value) -> Result<(), String> {
    match (value, case.kind) {
        (Value::String(text), _) => match &case.string {
            Some(wanted) if wanted == text => Ok(()),
            wanted => Err(format!("expected {wanted:?}, got {text:?}")),
        },
        (Value::Scalar(value), _) => scalar(case, *value),
        (Value::Vector(samples), _) => {
            let got = samples
                .iter()
                .map(|sample| (sample.metric.clone(), sample.value))
                .collect();
            vector(case, got)
        }
        (
            Value::Matrix(series),
            Kind::Range {
                start_ms, step_ms, ..
            },
        ) => matrix(case, series, start_ms, step_ms),
        (Value::Matrix(series), Kind::Instant { .. }) => {
            let (start_ms, step_ms) = case.matrix.ok_or("did not expect a range vector")?;
            matrix(case, series, start_ms, step_ms)
        }
    }
}

/// Holds one step of a range query against an instant case.
pub(crate) fn compare_step(case: &Case, series: &[Series], time_ms: i64) -> Result<(), String> {
    let at_step = |series: &Series| {
        let at = series.timestamps_ms.iter().position(|time| *time == time_ms)?;
        Some((series.metric.clone(), series.values[at]))
    };
    let got: Vec<_> = series.iter().filter_map(at_step).collect();
    if is_scalar(case) {
        return scalar(case, got.first().ok_or("no scalar")?.1);
    }
    let mut unordered = wanted(case)?;
    unordered.sort();
    sorted_vector(unordered, got)
}

fn is_scalar(case: &Case) -> bool {
    matches!(&case.expected[..], [only] if signed_number(only).is_some())
}

fn signed_number(text: &str) -> Option<f64> {
    match parse_values(text).ok()?[..] {
        [Some(value)] => Some(value),
        _ => None,
    }
}

fn scalar(case: &Case, value: f64) -> Result<(), String> {
    let [only] = &case.expected[..] else {
        return Err(format!("got scalar {value}"));
    };
    match signed_number(only) {
        Some(wanted) if equal(wanted, value) => Ok(()),
        wanted => Err(format!("expected {wanted:?}, got scalar {value}")),
    }
}

/// A label set and a value that sorts.
#[derive(PartialEq, PartialOrd, Clone, Debug)]
pub(crate) struct Row(Labels, f64);

trait SortRows {
    fn sort(&mut self);
}

impl SortRows for Vec<Row> {
    fn sort(&mut self) {
        self.sort_by(|a, b| a.0.cmp(&b.0));
    }
}

fn wanted(case: &Case) -> Result<Vec<Row>, String> {
    let series = wanted_series(case)?;
    series
        .into_iter()
        .map(|(labels, values)| match values[..] {
            [Some(value)] => Ok(Row(labels, value)),
            _ => Err(format!("expected one value of {labels}")),
        })
        .collect()
}

fn wanted_series(case: &Case) -> Result<Wanted, String> {
    let parse = |line: &String| parse_series(line).map_err(|error| format!("{line}: {error}"));
    case.expected
        .iter()
        .map(|line| parse(line).map(|series| (series.labels, series.values)))
        .collect()
}

fn vector(case: &Case, got: Vec<(Metric, f64)>) -> Result<(), String> {
    let mut wanted = wanted(case)?;
    if case.ordered {
        let got: Vec<Row> = got
            .iter()
            .map(|(metric, value)| Row(metric.to_labels(), *value))
            .collect();
        let same = got.len() == wanted.len()
            && got
                .iter()
                .zip(&wanted)
                .all(|(got, wanted)| got.0 == wanted.0 && equal(got.1, wanted.1));
        return if same {
            Ok(())
        } else {
            Err(format!("expected in order {wanted:?}, got {got:?}"))
        };
    }
    wanted.sort();
    sorted_vector(wanted, got)
}

fn sorted_vector(wanted: Vec<Row>, got: Vec<(Metric, f64)>) -> Result<(), String> {
    let mut got: Vec<Row> = got
        .iter()
        .map(|(metric, value)| Row(metric.to_labels(), *value))
        .collect();
    got.sort();
    let same = got.len() == wanted.len()
        && got
            .iter()
            .zip(&wanted)
            .all(|(got, wanted)| got.0 == wanted.0 && equal(got.1, wanted.1));
    if same {
        Ok(())
    } else {
        Err(format!("expected {wanted:?}, got {got:?}"))
    }
}

fn matrix(case: &Case, series: &[Series], start_ms: i64, step_ms: i64) -> Result<(), String> {
    let wanted = if is_scalar(case) {
        vec![(
            Labels::new(),
            parse_values(&case.expected[0]).map_err(|error| error.to_string())?,
        )]
    } else {
        wanted_series(case)?
    };
    let wanted: Vec<_> = wanted
        .into_iter()
        .filter(|(_, values)| values.iter().any(Option::is_some))
        .collect();
    if wanted.len() != series.len() {
        return Err(format!("expected {wanted:?}, got {series:?}"));
    }
    for (labels, values) in &wanted {
        let found = series
            .iter()
            .find(|series| series.metric.to_labels() == *labels)
            .ok_or_else(|| format!("expected {labels}, got {series:?}"))?;
        let samples: Vec<(i64, f64)> = values
            .iter()
            .enumerate()
            .filter_map(|(at, value)| Some((start_ms + at as i64 * step_ms, (*value)?)))
            .collect();
        let got: Vec<(i64, f64)> = found
            .timestamps_ms
            .iter()
            .copied()
            .zip(found.values.iter().copied())
            .collect();
        let same = samples.len() == got.len()
            && samples
                .iter()
                .zip(&got)
                .all(|(a, b)| a.0 == b.0 && equal(a.1, b.1));
        if !same {
            return Err(format!("{labels}: expected {samples:?}, got {got:?}"));
        }
    }
    Ok(())
}

fn equal(a: f64, b: f64) -> bool {
    if (a.is_nan() && b.is_nan()) || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}
