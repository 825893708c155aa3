//! Queries see the same as over plain columns.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wasmalert_core::sample::stale_nan;
use wasmalert_promql::{Limits, MemoryStorage, Options, Query, Storage, Value};
use wasmalert_tsdb::{Db, Sample};

use crate::support::{append, keep_all, labels};

const QUERIES: &[&str] = &[
    "a",
    "a offset 1m",
    r#"{job=~"j1|j2", __name__!="b"}"#,
    r#"a{job!="j0"} - on(job) group_left b"#,
    "sum by (job) (rate(a[5m]))",
    "max_over_time(b[3m]) - min_over_time(b[3m] offset 2m)",
    "count_over_time(a{job=\"j1\"}[10m:30s])",
    "absent(a{job=\"j9\"}) or a @ 300",
    "timestamp(b) > bool 100",
    "quantile(0.5, a) by (job)",
    "changes(a[20m])",
];

type Samples = Vec<(u8, i64, f64)>;

fn samples() -> impl Strategy<Value = Samples> {
    let value = prop_oneof![
        8 => (0_i32..50).prop_map(f64::from),
        1 => Just(stale_nan()),
        1 => Just(f64::NAN),
        1 => any::<f64>(),
    ];
    let time_ms = prop_oneof![(0_i64..120).prop_map(|at| at * 15_000), 0_i64..1_800_000];
    proptest::collection::vec((0_u8..6, time_ms, value), 0..1_500)
}

fn fill(samples: &Samples) -> (Db, MemoryStorage) {
    let (db, mut memory) = (Db::new(keep_all()), MemoryStorage::new());
    for &(series, timestamp_ms, value) in samples {
        let job = ["j0", "j1", "j2"][usize::from(series) % 3];
        let set = labels(&[("__name__", if series < 3 { "a" } else { "b" }), ("job", job)]);
        let sample = Sample { timestamp_ms, value };
        // Of two values at one time the store keeps the first, the other the last.
        if append(&db, &set, &[(sample.timestamp_ms, sample.value)], 0).accepted == 1 {
            memory.append(&set, timestamp_ms, value);
        }
    }
    (db, memory)
}

/// A result as bits, in order of labels. Sums of many series are compared at 13
/// digits, since the order of series is anybody's.
fn comparable(value: &Value) -> BTreeMap<String, Vec<(i64, String)>> {
    let text = |value: f64| format!("{value:.12e}");
    match value {
        Value::Vector(samples) => samples
            .iter()
            .map(|sample| (sample.metric.to_string(), vec![(0, text(sample.value))]))
            .collect(),
        Value::Matrix(series) => series
            .iter()
            .map(|series| {
                let values = series.values.iter().map(|value| text(*value));
                (
                    series.metric.to_string(),
                    series.timestamps_ms.iter().copied().zip(values).collect(),
                )
            })
            .collect(),
        other => panic!("a vector or a matrix was expected, not {other:?}"),
    }
}

fn instant(
    storage: &dyn Storage,
    text: &str,
    time_ms: i64,
) -> Result<BTreeMap<String, Vec<(i64, String)>>, String> {
    let query = Query::parse(text, &Limits::default()).map_err(|error| format!("{text}: {error}"))?;
    let outcome = query.instant(storage, time_ms, &Options::default());
    outcome
        .map(|outcome| comparable(&outcome.value))
        .map_err(|error| error.code().to_owned())
}

fn range(storage: &dyn Storage, text: &str) -> Result<BTreeMap<String, Vec<(i64, String)>>, String> {
    let query = Query::parse(text, &Limits::default()).map_err(|error| format!("{text}: {error}"))?;
    let outcome = query.range(storage, 0, 2_000_000, 47_000, &Options::default());
    outcome
        .map(|outcome| comparable(&outcome.value))
        .map_err(|error| error.code().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn as_over_plain_columns(samples in samples(), time_ms in 0_i64..2_000_000) {
        let (db, memory) = fill(&samples);
        for text in QUERIES {
            prop_assert_eq!(instant(&db, text, time_ms), instant(&memory, text, time_ms), "{}", text);
            prop_assert_eq!(range(&db, text), range(&memory, text), "{}", text);
        }
    }
}

#[test]
fn the_queries_find_something() {
    let samples = (0..6)
        .flat_map(|series| (0..100).map(move |at| (series, at * 15_000, at as f64)))
        .collect();
    let (db, _) = fill(&samples);
    for text in QUERIES {
        assert!(!range(&db, text).unwrap().is_empty(), "{text}");
    }
}
