//! The evaluator agrees with a small reference: random series, random
//! expressions, at an instant and over a range.
//!
//! The reference shares nothing with the evaluator but `Labels`: it has a tree of
//! its own, which is written as text for the evaluator. More cases:
//! `PROPTEST_CASES=100000 cargo test --release -p wasmalert-promql --test reference`.

mod doubt;
mod eval;
mod operators;
mod over;
mod strategy;
mod tree;

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use wasmalert_core::Labels;
use wasmalert_promql::{Limits, MemoryStorage, Options, Query, Value};

use doubt::Doubt;
use eval::{Reference, Refused, Stored};
use strategy::Case;
use tree::Tree;

/// Enough to find what is plainly wrong; about two seconds.
const CASES: u32 = 4_000;
const SUBQUERY_STEP_MS: i64 = 20_000;

/// Samples by labels and time.
type Found = BTreeMap<Labels, BTreeMap<i64, f64>>;

fn storage(series: &Stored) -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for (labels, samples) in series {
        for (time_ms, value) in samples {
            storage.append(labels, *time_ms, *value);
        }
    }
    storage
}

/// What the reference finds at each step; None where rounding may have decided.
fn wanted(case: &Case, times_ms: &[i64]) -> Option<Result<Found, Refused>> {
    let reference = Reference {
        series: &case.series,
        query_start_ms: times_ms[0],
        query_end_ms: times_ms[times_ms.len() - 1],
        lookback_ms: case.lookback_ms,
        subquery_step_ms: SUBQUERY_STEP_MS,
        doubt: Doubt::default(),
    };
    let mut found = Found::new();
    for time_ms in times_ms {
        let vector = match reference.at(&case.tree, *time_ms) {
            Ok(eval::Value::Scalar(value)) => vec![(Labels::new(), value)],
            Ok(eval::Value::Vector(vector)) => vector,
            Err(refused) => return (!reference.doubt.any()).then_some(Err(refused)),
        };
        for (labels, value) in vector {
            found.entry(labels).or_default().insert(*time_ms, value);
        }
    }
    (!reference.doubt.any()).then_some(Ok(found))
}

fn found(value: Value, time_ms: i64) -> Found {
    match value {
        Value::Scalar(value) => Found::from([(Labels::new(), BTreeMap::from([(time_ms, value)]))]),
        Value::Vector(samples) => samples
            .iter()
            .map(|sample| {
                (
                    sample.metric.to_labels(),
                    BTreeMap::from([(time_ms, sample.value)]),
                )
            })
            .collect(),
        Value::Matrix(series) => series
            .iter()
            .map(|series| {
                let samples = series
                    .timestamps_ms
                    .iter()
                    .copied()
                    .zip(series.values.iter().copied());
                (series.metric.to_labels(), samples.collect())
            })
            .collect(),
        Value::String(text) => panic!("the string {text}"),
    }
}

/// Equal but for the last bits.
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn agree(wanted: &Found, got: &Found) -> bool {
    let values = |found: &Found| {
        found
            .values()
            .flatten()
            .map(|(_, value)| *value)
            .collect::<Vec<f64>>()
    };
    let times = |found: &Found| {
        let times = found
            .iter()
            .map(|(labels, row)| (labels.clone(), row.keys().copied().collect()));
        times.collect::<Vec<(Labels, Vec<i64>)>>()
    };
    let mut pairs = values(wanted).into_iter().zip(values(got));
    times(wanted) == times(got) && pairs.all(|(a, b)| same(a, b))
}

/// Whether there was something to compare.
fn check(case: &Case, times_ms: &[i64]) -> Result<bool, TestCaseError> {
    let Some(wanted) = wanted(case, times_ms) else {
        return Ok(false);
    };
    let text = case.tree.to_string();
    let query = Query::parse(&text, &Limits::default())
        .map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
    let storage = storage(&case.series);
    let options = Options {
        lookback_ms: case.lookback_ms,
        subquery_step_ms: SUBQUERY_STEP_MS,
        ..Options::default()
    };
    let (start_ms, end_ms) = (times_ms[0], times_ms[times_ms.len() - 1]);
    let outcome = if times_ms.len() == 1 {
        query.instant(&storage, start_ms, &options)
    } else {
        query.range(&storage, start_ms, end_ms, times_ms[1] - start_ms, &options)
    };
    let got = outcome.map(|outcome| found(outcome.value, start_ms));
    let agreed = match (&wanted, &got) {
        (Ok(wanted), Ok(got)) => agree(wanted, got),
        (Err(Refused), Err(_)) => true,
        // Over a range, a subquery has steps between the windows too.
        (Ok(_), Err(_)) => times_ms.len() > 1 && case.tree.has_subquery(),
        (Err(Refused), Ok(_)) => false,
    };
    if agreed {
        return Ok(true);
    }
    let message = format!("{text}\n at {times_ms:?}\n wanted {wanted:#?}\n got {got:#?}");
    Err(TestCaseError::fail(message))
}

#[test]
fn the_evaluator_agrees_with_the_reference() {
    let config = Config::with_cases(CASES);
    // `PROPTEST_CASES` is what proptest's own default reads.
    let cases = if Config::default().cases == 256 {
        CASES
    } else {
        Config::default().cases
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..config
    });
    let (all, compared) = (Cell::new(0_u32), Cell::new(0_u32));
    let result = runner.run(&strategy::case(), |case| {
        let range: Vec<i64> = (0..4).map(|step| case.time_ms + step * case.step_ms).collect();
        for times_ms in [&range[..1], &range] {
            all.set(all.get() + 1);
            compared.set(compared.get() + u32::from(check(&case, times_ms)?));
        }
        Ok(())
    });
    match &result {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => {
            let Case {
                series, lookback_ms, ..
            } = case;
            panic!("{reason}\n series {series:#?}\n lookback {lookback_ms} ms");
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
    assert!(
        compared.get() > all.get() * 3 / 4,
        "{compared:?} of {all:?} cases said something"
    );
}

impl Tree {
    fn has_subquery(&self) -> bool {
        self.to_string().contains(":]") || self.to_string().contains("s:")
    }
}
