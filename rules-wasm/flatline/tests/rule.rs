//! What is a flat line, and what is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use flatline::Flatline;
use wasmalert::testing::{Evaluation, FakeHost, START_MS, When};

const MINUTE: i64 = 60_000;
/// Ten steps, of which five are needed, and gaps of two minutes.
const SIMPLE: &str = r#"{"expr": "x", "unchanged_for": "10m", "step": "1m"}"#;
const A: &str = r#"x{host="a"}"#;

/// Minutely samples, the last one now; `-` is none, `VxN` a value N times.
fn samples(values: &str) -> Vec<(i64, f64)> {
    let values = values.split_whitespace().flat_map(|value| {
        let (value, times) = value.split_once('x').unwrap_or((value, "1"));
        vec![value; times.parse().unwrap()]
    });
    let values: Vec<_> = values.collect();
    let first_ms = START_MS - (values.len() as i64 - 1) * MINUTE;
    let times = (0_i64..).map(|at| first_ms + at * MINUTE);
    let samples = times.zip(values).filter(|(_, value)| *value != "-");
    samples
        .map(|(time_ms, value)| (time_ms, value.parse().unwrap()))
        .collect()
}

fn evaluate(config: &str, values: &str) -> Evaluation {
    let samples = samples(values);
    let mut host = FakeHost::new().config(config);
    host.range("x", &[(A, &samples)]);
    host.evaluate::<Flatline>().unwrap()
}

fn is_flat(config: &str, values: &str) -> bool {
    !evaluate(config, values).findings.is_empty()
}

fn with(more: &str) -> String {
    SIMPLE.replace('}', &format!(", {more}}}"))
}

#[test]
fn a_series_fires_once_it_has_not_changed_for_long_enough() {
    assert!(is_flat(SIMPLE, "5x11"));
    assert!(is_flat(SIMPLE, "7x2 5x11"), "what was before does not count");
    assert!(!is_flat(SIMPLE, "7x3 5x10"), "nine minutes are not ten");
    assert!(!is_flat(SIMPLE, "5x12 7"), "it resolves at the first change");
    let evaluation = evaluate(SIMPLE, "5x13");
    assert_eq!(evaluation.found(), [r#"{host="a"}"#]);
    assert_eq!(evaluation.findings[0].value, 5.0);
    assert!(evaluation.state.is_empty());
}

#[test]
fn drift_within_the_tolerance_counts_as_a_whole() {
    let config = with(r#""tolerance": 0.5"#);
    assert!(is_flat(&config, "5 5.5 5 5.25x10"));
    assert!(
        !is_flat(&config, "5x5 5.25x4 5.75x4"),
        "each step is small, all are not"
    );
    assert!(!is_flat(SIMPLE, "5 5.25 5x10"));
}

#[test]
fn a_young_series_is_not_flat_yet() {
    assert!(!is_flat(SIMPLE, "-x3 5x10"));
    assert!(!is_flat(SIMPLE, "5"));
}

#[test]
fn no_data_is_no_flat_line() {
    let mut host = FakeHost::new().config(SIMPLE);
    host.range("x", &[]);
    assert!(host.evaluate::<Flatline>().unwrap().findings.is_empty());
    assert!(is_flat(SIMPLE, "5x11 -x2"), "a gap that is short enough");
    assert!(!is_flat(SIMPLE, "5x11 -x3"), "it is gone");
}

#[test]
fn gaps_and_too_few_samples() {
    assert!(is_flat(SIMPLE, "5 -x6 5x4"), "five samples over ten minutes");
    assert!(!is_flat(SIMPLE, "5 -x7 5x3"));
    assert!(is_flat(&with(r#""min_samples": 2"#), "5 -x9 5"));
    assert!(
        !is_flat(&with(r#""min_samples": 11"#), "5x9 -x2 5"),
        "eleven are needed"
    );
    assert!(is_flat(SIMPLE, "5x2 -x2 5x9"), "a gap where unchanged_for begins");
}

#[test]
fn nan_is_no_sample_and_an_infinity_a_value() {
    assert!(!is_flat(SIMPLE, "NaNx13"));
    assert!(is_flat(SIMPLE, "5x6 NaNx2 5x5"));
    assert!(!is_flat(SIMPLE, "5x10 NaNx3"), "the last value is too old");
    assert!(is_flat(SIMPLE, "infx13") && is_flat(SIMPLE, "-infx13"));
    assert!(!is_flat(SIMPLE, "infx6 5x7") && !is_flat(SIMPLE, "-infx6 infx7"));
}

#[test]
fn a_series_may_stand_still_at_some_values() {
    let config = with(r#""tolerance": 0.5, "except": [0, 100]"#);
    assert!(!is_flat(&config, "0x13") && !is_flat(&config, "99.5x13"));
    assert!(is_flat(&config, "1x13"));
    assert!(!is_flat(&with(r#""except": [0]"#), "-0x13"), "0 has no sign here");
}

#[test]
fn series_are_told_apart() {
    let (flat, moving) = (samples("5x13"), samples("5x12 6"));
    let mut host = FakeHost::new().config(SIMPLE);
    host.range(
        "x",
        &[
            (A, &moving),
            (r#"x{host="b"}"#, &flat),
            (r#"x{host="c"}"#, &moving),
        ],
    );
    assert_eq!(host.evaluate::<Flatline>().unwrap().found(), [r#"{host="b"}"#]);
}

#[test]
fn it_asks_for_sixty_steps_and_a_tenth_more() {
    for (span, step, asked_ms, step_ms) in [
        ("1h", "", 66 * MINUTE, 60_000),
        ("10s", "", 12_000, 1_000),
        ("10m", r#", "step": "7m""#, 4 * 7 * MINUTE, 420_000),
    ] {
        let mut host = FakeHost::new().config(format!(r#"{{"expr": "x", "unchanged_for": "{span}"{step}}}"#));
        host.range("x", &[]);
        let asked = host.evaluate::<Flatline>().unwrap().queries.remove(0).when;
        let (start_ms, end_ms) = (START_MS - asked_ms, START_MS);
        assert_eq!(
            asked,
            When::Range {
                start_ms,
                end_ms,
                step_ms
            }
        );
    }
}

#[test]
fn samples_are_bounded() {
    let samples = vec![(START_MS, 1.0); 100_000];
    let names: Vec<_> = (0..10).map(|i| format!("x{{i=\"{i}\"}}")).collect();
    let mut series: Vec<_> = names.iter().map(|name| (&**name, &samples[..])).collect();
    let mut host = FakeHost::new().config(SIMPLE);
    host.range("x", &series);
    assert!(host.evaluate::<Flatline>().is_ok());
    series.push((A, &samples[..1]));
    host.range("x", &series);
    assert_eq!(host.evaluate::<Flatline>().unwrap_err().code, "too_many_samples");
}

#[test]
fn a_failed_query_fails_the_evaluation() {
    let mut host = FakeHost::new().config(SIMPLE);
    host.fail("x", "query_timeout", "");
    assert_eq!(host.evaluate::<Flatline>().unwrap_err().code, "query_timeout");
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    for (config, says) in [
        (r#"{"expr": "x"}"#.to_owned(), "missing field `unchanged_for`"),
        (
            r#"{"expr": "x", "unchanged_for": "0"}"#.to_owned(),
            "unchanged_for: has to be longer",
        ),
        (
            r#"{"expr": "x", "unchanged_for": "999ms"}"#.to_owned(),
            "step: unchanged_for, 999ms, has to have 1",
        ),
        (
            SIMPLE.replace("1m", "11m"),
            "step: unchanged_for, 10m, has to have 1 to 1000 steps",
        ),
        (SIMPLE.replace("1m", "599ms"), "1 to 1000 steps"),
        (SIMPLE.replace("1m", "0"), "1 to 1000 steps"),
        (with(r#""min_samples": 1"#), "min_samples: between 2 and 11"),
        (with(r#""min_samples": 12"#), "min_samples: between 2 and 11"),
        (with(r#""tolerance": -1"#), "tolerance: has to be at least 0"),
        (
            with(&format!(r#""except": [{}]"#, ["0"; 101].join(","))),
            "except: more than 100",
        ),
        (with(r#""for": "1m""#), "unknown field `for`"),
    ] {
        let failure = FakeHost::new().config(config).evaluate::<Flatline>().unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}
