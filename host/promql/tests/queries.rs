//! The public interface: results, limits, warnings, other storages.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::frame::FrameError;
use wasmalert_promql::{
    Error, Limit, Limits, MatchOp, MemoryStorage, Options, Query, Select, Storage, Type, Visit,
};

fn storage(series: usize) -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for at in 0..series {
        let instance = format!("i{at}");
        let labels = Labels::from_iter([("__name__", "up"), ("instance", &instance)]);
        for minute in 0..10 {
            storage.append(&labels, minute * 60_000, at as f64);
        }
    }
    storage
}

fn parse(text: &str) -> Query {
    Query::parse(text, &Limits::default()).unwrap()
}

#[test]
fn results_become_frames() {
    let storage = storage(3);
    let options = Options::default();
    let vector = parse("up > 0").instant(&storage, 60_000, &options).unwrap().value;
    let frame = vector.to_frame(60_000).unwrap();
    assert!(frame.is_instant());
    assert_eq!(frame.all_values(), [1.0, 2.0]);
    assert_eq!(
        frame.labels_of(0).unwrap().to_string(),
        r#"{__name__="up", instance="i1"}"#
    );

    let matrix = parse("-up{instance='i2'}")
        .range(&storage, 0, 120_000, 60_000, &options)
        .unwrap()
        .value;
    let frame = matrix.to_frame(0).unwrap();
    assert_eq!(frame.all_timestamps_ms(), [0, 60_000, 120_000]);
    assert_eq!(frame.all_values(), [-2.0; 3]);
    assert_eq!(frame.labels_of(0).unwrap().to_string(), r#"{instance="i2"}"#);

    let text = parse("\"text\"")
        .instant(&storage, 7, &options)
        .unwrap()
        .value
        .to_frame(7);
    assert_eq!(text, Err(FrameError::Text));

    let scalar = parse("1 + 1")
        .instant(&storage, 7, &options)
        .unwrap()
        .value
        .to_frame(7)
        .unwrap();
    assert_eq!(
        (scalar.len(), scalar.all_timestamps_ms(), scalar.all_values()),
        (1, &[7][..], &[2.0][..])
    );
}

#[test]
fn every_limit_is_held() {
    let storage = storage(20);
    for (limit, max, text) in [
        (Limit::ExpressionBytes, 5, "up + up"),
        (Limit::ExpressionDepth, 2, "(((up)))"),
        (Limit::Steps, 3, "up"),
        (Limit::Series, 19, "up"),
        (Limit::Series, 39, "up + up"),
        (Limit::SamplesLoaded, 90, "sum(count_over_time(up[5m]))"),
        (Limit::ResultSamples, 104, "up"),
        (Limit::ResultSamples, 250, "up or up"),
        (Limit::Regexes, 1, "up{a=~'x.*', b!~'y'}"),
        (Limit::LabelBytes, 600, "sum by (instance) (up)"),
        (Limit::LabelBytes, 1_500, "label_join(up, 'a', '', 'instance')"),
        (Limit::Fuel, 90, "count_over_time(up[5m])"),
    ] {
        let mut options = Options::default();
        options.limits.set(limit, max);
        let result = Query::parse(text, &options.limits)
            .and_then(|query| query.range(&storage, 300_000, 540_000, 60_000, &options));
        match result {
            Err(
                error @ Error::Limit {
                    limit: got,
                    max: held,
                },
            ) => {
                assert_eq!((got, held), (limit, max), "{text}");
                assert_eq!(error.code(), format!("{}_exceeded", limit.name()));
            }
            other => panic!("{limit:?}: {other:?}"),
        }
        options.limits = Limits::default();
        let query = Query::parse(text, &options.limits).unwrap();
        assert!(
            query.range(&storage, 300_000, 540_000, 60_000, &options).is_ok(),
            "{text}"
        );
    }
}

#[test]
fn a_large_regular_expression_is_refused() {
    let limits = Limits {
        regex_bytes: 1_000,
        ..Limits::default()
    };
    let error = Query::parse(r#"up{a=~"[a-z]{500}"}"#, &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1:4: the regular expression \"[a-z]{500}\" needs more than 1000 bytes when compiled"
    );
}

#[test]
fn subqueries_have_a_limit_of_steps_of_their_own() {
    let error = parse("max_over_time(up[1y:1s])")
        .instant(&storage(1), 0, &Options::default())
        .unwrap_err();
    assert_eq!(error.code(), "steps_exceeded");
}

#[test]
fn a_query_stops_when_told_to() {
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 2
    };
    let options = Options {
        should_stop: Some(&stop),
        ..Options::default()
    };
    let query = parse("sum_over_time(sum_over_time(up[1h:1s])[1h:1s])");
    let error = query.instant(&storage(100), 3_600_000, &options).unwrap_err();
    assert_eq!((error, asked.get()), (Error::Stopped, 3));
}

#[test]
fn labels_do_not_grow_without_bound() {
    let mut options = Options::default();
    options.limits.label_bytes = 1 << 20;
    let doubled = |open: &str, close: &str| format!("{}up{}", open.repeat(60), close.repeat(60));
    for text in [
        doubled("label_replace(", ", 'a', '$1$1$1', 'a', '(.*)')")
            .replace("(up,", "(label_replace(up, 'a', 'x', '', ''),"),
        doubled("label_join(", ", 'instance', '', 'instance', 'instance')"),
    ] {
        let error = parse(&text).instant(&storage(1), 0, &options).unwrap_err();
        assert_eq!(error.code(), "label_bytes_exceeded");
    }
}

#[test]
fn a_query_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Query>();
    shared::<MemoryStorage>();
}

#[test]
fn the_crate_stays_pure() {
    let manifest = include_str!("../Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    let names: Vec<&str> = dependencies
        .split("[lints]")
        .next()
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with(['#', '[']) && !line.is_empty())
        .map(|line| line.split(['.', ' ']).next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["wasmalert-core", "regex", "regex-syntax", "thiserror", "proptest"]
    );
}

#[test]
fn bad_ranges_are_refused() {
    let query = parse("up");
    let options = Options::default();
    for (start_ms, end_ms, step_ms) in [(0, 1, 0), (0, 1, -1), (1, 0, 1)] {
        let error = query
            .range(&storage(1), start_ms, end_ms, step_ms, &options)
            .unwrap_err();
        assert_eq!(error.code(), "invalid_range");
    }
    let error = query
        .range(&storage(1), i64::MIN, i64::MAX, 1, &options)
        .unwrap_err();
    assert_eq!(error.code(), "steps_exceeded");
}

#[test]
fn warnings_say_what_is_odd() {
    let mut storage = MemoryStorage::new();
    storage.append(&Labels::from_iter([("__name__", "b"), ("le", "x")]), 0, 1.0);
    let warnings = |text: &str| {
        parse(text)
            .instant(&storage, 0, &Options::default())
            .unwrap()
            .warnings
    };
    assert_eq!(warnings("b"), [""; 0]);
    assert_eq!(
        warnings("1 + histogram_quantile(1.5, b)"),
        [
            "1:5: quantile value should be between 0 and 1, got 1.5",
            "1:5: bucket label \"le\" is missing or has a malformed value of \"x\"",
        ]
    );
}

#[test]
fn selections_tell_what_a_query_reads() {
    let query =
        parse("sum(rate(a{x=\"1\"}[5m])) / on() group_left b unless max_over_time({c=~\"d.*\"}[5m:])");
    assert_eq!(query.kind(), Type::Vector);
    let found: Vec<String> = query
        .selections()
        .iter()
        .map(|found| format!("{:?}", found.matchers))
        .collect();
    assert_eq!(
        found,
        [r#"[__name__="a", x="1"]"#, r#"[__name__="b"]"#, r#"[c=~"d.*"]"#]
    );
    assert_eq!(query.selections()[2].matchers[0].op, MatchOp::Matches);
}

/// What a storage is asked for, and one that fails.
struct Asked(Cell<Option<(i64, i64, bool)>>);

impl Storage for Asked {
    fn select(&self, select: &Select<'_>, visit: Visit<'_>) -> Result<(), Error> {
        self.0
            .set(Some((select.min_ms, select.max_ms, select.newest_only)));
        let labels = Arc::new(Labels::from_iter([("__name__", "up")]));
        visit(&labels, &[select.max_ms], &[1.0])?;
        Err(Error::Storage("the disk is gone".to_owned()))
    }
}

#[test]
fn a_storage_is_asked_for_no_more_than_needed() {
    for (text, wanted) in [
        ("up", (700_001, 1_000_000, true)),
        ("up offset 100s", (600_001, 900_000, true)),
        ("up @ 5", (-294_999, 5_000, true)),
        ("rate(up[1m])", (940_001, 1_000_000, false)),
        ("rate(up[1m] offset -1m)", (1_000_001, 1_060_000, false)),
    ] {
        let storage = Asked(Cell::new(None));
        let error = parse(text)
            .instant(&storage, 1_000_000, &Options::default())
            .unwrap_err();
        assert_eq!(error.to_string(), "the storage failed: the disk is gone");
        assert_eq!(storage.0.get(), Some(wanted), "{text}");
    }
}
