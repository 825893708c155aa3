//! No input makes the crate panic, overflow its stack or run without end.

use proptest::prelude::*;
use wasmalert_core::Labels;
use wasmalert_core::sample::stale_nan;
use wasmalert_promql::{Error, Limits, MemoryStorage, Options, Query, Type, notation};

const VALID: &[&str] = &[
    "up == 0",
    r#"sum by (job) (rate(http_requests_total{code=~"5..", job!=""}[5m] offset 1m)) / on(job) group_left(team) up > 0.5"#,
    r#"histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m:30s] @ end())))"#,
    r#"label_replace(a{b="c"}, "d", "$1-${x}", "b", "(.*)") or label_join(a, "e", "\u0041\x41", "b", 'c')"#,
    "-a ^ -2 % 0x1F atan2 1e3 unless ignoring(z) {\"quoted name\", \"label \"='x'}",
    "quantile_over_time(0.5, a[1h30m]) > bool scalar(topk(2, a)) # comment",
    "max_over_time((a - a offset -5m)[10m:]) and absent_over_time(b[1w])",
    "count_values without (c) (\"v\", clamp(a, -Inf, NaN)) + day_of_week()",
];

/// Small, so that many cases run.
fn limits() -> Limits {
    Limits {
        steps: 500,
        samples_loaded: 10_000,
        result_samples: 20_000,
        fuel: 200_000,
        regex_bytes: 100_000,
        ..Limits::default()
    }
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(stale_nan()),
        Just(-stale_nan()),
        Just(0.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        -10.0..10.0,
    ]
}

fn time_ms() -> impl Strategy<Value = i64> {
    prop_oneof![
        -10_000_i64..1_000_000,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        Just(0),
        i64::MAX - 1_000_000..=i64::MAX,
        i64::MIN..i64::MIN + 1_000_000,
    ]
}

/// Equal for equal values, and for all NaNs.
fn bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

type Samples = Vec<(u8, i64, f64)>;

fn samples() -> impl Strategy<Value = Samples> {
    proptest::collection::vec((0_u8..24, time_ms(), number()), 0..60)
}

fn storage(samples: &Samples) -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for (series, time_ms, value) in samples {
        let name = ["a", "b", "up"][usize::from(*series) % 3];
        let le = ["", "0.1", "+Inf", "x"][usize::from(*series) / 6];
        let job = ["", "j"][usize::from(*series) % 2];
        let labels = Labels::from_iter([("__name__", name), ("le", le), ("job", job)]);
        storage.append(&labels, *time_ms, *value);
    }
    storage
}

/// Runs what parses. Errors are fine; panics are not.
fn evaluate(text: &str, samples: &Samples, start_ms: i64, end_ms: i64, step_ms: i64) {
    let Ok(query) = Query::parse(text, &limits()) else {
        return;
    };
    let storage = storage(samples);
    let options = Options {
        limits: limits(),
        ..Options::default()
    };
    if let Ok(outcome) = query.instant(&storage, start_ms, &options) {
        let is_text = query.kind() == Type::String;
        assert_eq!(outcome.value.to_frame(start_ms).is_err(), is_text);
    }
    if let Ok(outcome) = query.range(&storage, start_ms, end_ms, step_ms, &options) {
        let is_text = query.kind() == Type::String;
        assert_eq!(outcome.value.to_frame(start_ms).is_err(), is_text);
    }
}

fn duration() -> impl Strategy<Value = String> {
    prop_oneof![
        (1_u32..100).prop_map(|s| format!("{s}s")),
        Just("5m".to_owned()),
        Just("290y".to_owned()),
        Just("1ms".to_owned()),
        Just("9223372036".to_owned()),
    ]
}

fn shift() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        1 => duration().prop_map(|d| format!(" offset {d}")),
        1 => duration().prop_map(|d| format!(" offset -{d}")),
        1 => Just(" @ start()".to_owned()),
        1 => Just(" @ -1e15 offset -290y".to_owned()),
        1 => (0..1000).prop_map(|s| format!(" @ {s}")),
    ]
}

fn selector() -> impl Strategy<Value = String> {
    let matchers = prop_oneof![
        Just("a"),
        Just("b"),
        Just("up{job=\"j\"}"),
        Just("{__name__=~\".+\"}"),
        Just("a{job!~\"j.*\"}"),
    ];
    (matchers, shift()).prop_map(|(matchers, shift)| format!("{matchers}{shift}"))
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        number().prop_map(|n| if n.is_nan() {
            "NaN".to_owned()
        } else {
            format!("({n})")
        }),
        Just("time()".to_owned()),
        Just("0.5".to_owned()),
        Just("2".to_owned()),
    ]
}

const RANGE_FUNCTIONS: &[&str] = &[
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "resets",
    "changes",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "present_over_time",
    "absent_over_time",
];

const VECTOR_FUNCTIONS: &[&str] = &[
    "abs",
    "absent",
    "ceil",
    "exp",
    "ln",
    "sqrt",
    "sgn",
    "round",
    "sort",
    "sort_desc",
    "timestamp",
    "year",
    "month",
    "day_of_year",
    "days_in_month",
    "hour",
    "acosh",
    "sum",
    "avg",
    "stddev",
    "min",
    "max",
    "count",
    "group",
    "-",
    "sum by (le)",
    "max without (job)",
    "count by (__name__)",
];

const OPERATORS: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "atan2",
    "==",
    "!= bool",
    ">",
    "<=",
    "and",
    "or",
    "unless",
    "or on(job)",
    "+ on(le) group_left(job)",
    "* ignoring(le) group_right()",
    "/ on(__name__)",
    "> on()",
    "unless on(job)",
];

fn vector() -> impl Strategy<Value = String> {
    selector().prop_recursive(4, 24, 3, |inner| {
        let range = prop_oneof![
            (Just("a"), duration(), shift())
                .prop_map(|(name, range, shift)| format!("{name}[{range}]{shift}")),
            (inner.clone(), duration(), duration(), shift())
                .prop_map(|(expr, range, step, shift)| format!("({expr})[{range}:{step}]{shift}")),
        ];
        let select = proptest::sample::select;
        prop_oneof![
            (select(RANGE_FUNCTIONS), range.clone()).prop_map(|(f, range)| format!("{f}({range})")),
            (scalar(), range.clone()).prop_map(|(q, range)| format!("quantile_over_time({q}, {range})")),
            (scalar(), range).prop_map(|(t, range)| format!("predict_linear({range}, {t})")),
            (select(VECTOR_FUNCTIONS), inner.clone()).prop_map(|(f, expr)| format!("{f}({expr})")),
            (inner.clone(), select(OPERATORS), inner.clone())
                .prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
            (scalar(), select(&OPERATORS[..11]), inner.clone())
                .prop_map(|(l, op, r)| format!("{l} {op} ({r})")),
            (inner.clone(), scalar(), scalar()).prop_map(|(e, a, b)| format!("clamp(({e}), {a}, {b})")),
            (scalar(), inner.clone()).prop_map(|(k, e)| format!("topk by (job) ({k}, ({e}))")),
            (scalar(), inner.clone()).prop_map(|(q, e)| format!("quantile({q}, ({e}))")),
            (scalar(), inner.clone()).prop_map(|(q, e)| format!("histogram_quantile({q}, ({e}))")),
            (scalar(), scalar(), inner.clone())
                .prop_map(|(a, b, e)| format!("histogram_fraction({a}, {b}, ({e}))")),
            inner.clone().prop_map(|e| format!("count_values(\"v\", ({e}))")),
            inner
                .clone()
                .prop_map(|e| format!("label_replace(({e}), \"job\", \"$1x\", \"le\", \"(.*)\")")),
            inner.prop_map(|e| format!("vector(scalar(({e})))")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,200}") {
        let _ = Query::parse(&text, &limits());
        let _ = notation::parse_series(&text);
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = Query::parse(&text, &limits());
        let _ = notation::parse_values(&text);
    }

    #[test]
    fn mutated_expressions_do_no_harm(
        at in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..3, any::<char>()), 1..4),
        samples in samples(),
        times in (time_ms(), time_ms(), 1_i64..1_000_000),
    ) {
        let mut text: Vec<char> = at.get(VALID).chars().collect();
        for (at, kind, c) in edits {
            if text.is_empty() { break; }
            let at = at.index(text.len());
            // Printable ASCII half of the time: it gets further.
            let c = if (c as u32).is_multiple_of(2) { char::from(32 + (c as u32 % 95) as u8) } else { c };
            match kind {
                0 => { text.remove(at); }
                1 => text.insert(at, c),
                _ => text[at] = c,
            }
        }
        let text: String = text.into_iter().collect();
        evaluate(&text, &samples, times.0, times.1, times.2);
    }

    #[test]
    fn any_expression_over_any_data_ends(
        text in vector(),
        samples in samples(),
        times in (time_ms(), time_ms(), 1_i64..1_000_000),
    ) {
        let query = Query::parse(&text, &limits());
        prop_assert!(query.is_ok(), "{text}: {query:?}");
        evaluate(&text, &samples, times.0, times.1, times.2);
    }

    #[test]
    fn a_range_query_is_instant_queries_at_its_steps(
        text in vector(),
        samples in proptest::collection::vec((0_u8..24, 0_i64..1_000_000, number()), 0..60),
    ) {
        // The start of a range is another one; and topk puts the series of an
        // instant query in order, which sums and NaNs of other bits may show.
        if text.contains("start()") || text.contains("topk") {
            return Ok(());
        }
        let query = Query::parse(&text, &Limits::default()).unwrap();
        let storage = storage(&samples);
        let options = Options::default();
        let (start_ms, step_ms) = (200_000, 70_000);
        let Ok(range) = query.range(&storage, start_ms, start_ms + 3 * step_ms, step_ms, &options) else {
            return Ok(());
        };
        let wasmalert_promql::Value::Matrix(series) = range.value else { panic!("no matrix") };
        for step in 0..4 {
            let time_ms = start_ms + step * step_ms;
            let instant = query.instant(&storage, time_ms, &options).unwrap();
            let wasmalert_promql::Value::Vector(samples) = instant.value else { panic!("no vector") };
            let mut wanted: Vec<_> =
                samples.iter().map(|sample| (sample.metric.to_string(), bits(sample.value))).collect();
            let mut got: Vec<_> = series
                .iter()
                .filter_map(|series| {
                    let at = series.timestamps_ms.iter().position(|time| *time == time_ms)?;
                    Some((series.metric.to_string(), bits(series.values[at])))
                })
                .collect();
            wanted.sort();
            got.sort();
            prop_assert_eq!(got, wanted, "{} at {}", text, time_ms);
        }
    }
}

#[test]
fn deep_and_long_expressions_are_refused_before_the_stack_ends() {
    let depth = 100_000;
    let limits = Limits {
        expression_bytes: u64::MAX,
        ..Limits::default()
    };
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("-", "x", ""),
        ("-(", "x", ")"),
        ("abs(", "x", ")"),
        ("sum(", "x", ")"),
        ("1+", "1", ""),
        ("2^", "1", ""),
        ("x or ", "x", ""),
        ("1+(", "1", ")"),
        ("sum by (a) (", "x", ")"),
        ("max_over_time(", "x", "[5m:])"),
        ("label_replace(", "x", ", \"a\", \"b\", \"c\", \"d\")"),
        ("x * on(a) group_left(b) ", "x", ""),
        ("topk(scalar(", "x", "), x)"),
    ] {
        let text = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
        let error = Query::parse(&text, &limits).unwrap_err();
        assert_eq!(error.code(), "expression_depth_exceeded", "{open}");
        let error = Query::parse(&text, &Limits::default()).unwrap_err();
        assert_eq!(error.code(), "expression_bytes_exceeded", "{open}");
    }
}

#[test]
fn the_deepest_expression_allowed_fits_a_small_stack() {
    let run = || {
        for (open, middle, close, levels) in [
            ("(", "x", ")", 200),
            ("-(", "x", ")", 99),
            ("abs(", "x", ")", 199),
            ("x + ", "x", "", 199),
            ("2 ^ ", "x", "", 199),
            ("sum(", "x", ")", 199),
            ("label_replace(", "x", ", \"a\", \"b\", \"c\", \"d\")", 64),
        ] {
            let text = format!("{}{middle}{}", open.repeat(levels), close.repeat(levels));
            let query =
                Query::parse(&text, &Limits::default()).unwrap_or_else(|error| panic!("{open}: {error}"));
            let storage = storage(&vec![(0, 0, 1.0)]);
            let result = query.instant(&storage, 0, &Options::default());
            assert!(result.is_ok(), "{open}: {result:?}");
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(run)
        .unwrap();
    thread.join().unwrap();
}

#[test]
fn regular_expressions_are_bounded() {
    for pattern in ["((a{100}){100}){100}", r"(\\w{500}){30}", r"\\w{100000}"] {
        let error = Query::parse(&format!("x{{a=~\"{pattern}\"}}"), &Limits::default()).unwrap_err();
        assert!(matches!(error, Error::Parse { .. }), "{pattern}: {error}");
    }
    let nested = format!("x{{a=~\"{}a{}\"}}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(Query::parse(&nested, &Limits::default()).is_err());
    // Not a pattern by itself, though one when wrapped.
    assert!(Query::parse(r#"x{a=~"b)|(c"}"#, &Limits::default()).is_err());
}
