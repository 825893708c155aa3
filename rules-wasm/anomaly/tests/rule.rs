//! The past, what is usual after it, and what is not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use anomaly::Anomaly;
use wasmalert::testing::{Asked, Evaluation, FakeHost, Frame, START_MS, When, frame, range_frame};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Four days, two of which are needed; ten times the median distance is usual.
const SIMPLE: &str = r#"{"expr": "x", "season": "1d", "seasons": 4, "window": "10m",
    "min_deviation_ratio": 0, "sensitivity": 6.744907594765952}"#;
const A: &str = r#"x{host="a"}"#;

/// What a series was in each of the past seasons, the latest first.
type Past<'a> = &'a [&'a [f64]];

/// Answers of a source which has these series at a time now and at these of the past.
fn host(config: &str, now: &[(&str, f64)], past: &[(&str, Past<'_>)], season_ms: i64) -> FakeHost {
    let now = frame(START_MS, now);
    let mut seasons = BTreeMap::<i64, Vec<(String, Vec<(i64, f64)>)>>::new();
    for (series, past) in past {
        for (values, back) in past.iter().zip(1..).filter(|(values, _)| !values.is_empty()) {
            let then_ms = START_MS - back * season_ms;
            let samples = values.iter().enumerate();
            let samples = samples.map(|(at, value)| (then_ms + at as i64, *value)).collect();
            seasons
                .entry(then_ms)
                .or_default()
                .push(((*series).to_owned(), samples));
        }
    }
    let then = move |then_ms: i64| -> Frame {
        let series = seasons.get(&then_ms).into_iter().flatten();
        let series: Vec<_> = series
            .map(|(series, samples)| (&**series, &samples[..]))
            .collect();
        range_frame(&series)
    };
    let mut host = FakeHost::new().config(config);
    host.answer_by(move |asked: &Asked| match asked.when {
        When::Instant { .. } => Some(Ok(now.clone())),
        When::Range { start_ms, end_ms, .. } => Some(Ok(then(start_ms.midpoint(end_ms)))),
    });
    host
}

fn evaluate(config: &str, value: f64, past: Past<'_>) -> Evaluation {
    host(config, &[(A, value)], &[(A, past)], DAY)
        .evaluate::<Anomaly>()
        .unwrap()
}

fn fires(config: &str, value: f64, past: Past<'_>) -> bool {
    !evaluate(config, value, past).findings.is_empty()
}

fn with(more: &str) -> String {
    SIMPLE.replace('}', &format!(", {more}}}"))
}

/// A median of 100 with a median distance of 2: 80 to 120 are usual.
const STEADY: Past<'_> = &[&[98.0, 100.0, 102.0], &[98.0, 100.0, 102.0]];

#[test]
fn a_value_beyond_what_is_usual_fires() {
    for (value, wanted) in [
        (100.0, false),
        (119.9, false),
        (120.1, true),
        (80.1, false),
        (79.9, true),
    ] {
        assert_eq!(fires(SIMPLE, value, STEADY), wanted, "{value}");
    }
    let evaluation = evaluate(SIMPLE, 150.0, STEADY);
    let finding = evaluation.finding(r#"{host="a"}"#);
    let told: Vec<_> = finding
        .annotations
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    assert_eq!(finding.value, 150.0);
    assert_eq!(told, [("expected", "100"), ("usual", "80 to 120")]);
    assert!(evaluation.state.is_empty() && evaluation.timers.is_empty());
}

#[test]
fn a_direction_fires_alone() {
    let (above, below) = (with(r#""direction": "above""#), with(r#""direction": "below""#));
    assert!(fires(&above, 150.0, STEADY) && !fires(&above, 50.0, STEADY));
    assert!(!fires(&below, 150.0, STEADY) && fires(&below, 50.0, STEADY));
}

#[test]
fn deviations_that_are_small_enough_are_usual() {
    let constant: Past<'_> = &[&[100.0; 5], &[100.0; 5]];
    assert!(fires(SIMPLE, 100.1, constant), "nothing else has ever been");
    let absolute = with(r#""min_deviation": 30"#);
    assert!(!fires(&absolute, 130.0, constant) && fires(&absolute, 130.1, constant));
    assert!(!fires(&absolute, 130.0, STEADY) && fires(&absolute, 69.9, STEADY));
    let relative = SIMPLE.replace("ratio\": 0", "ratio\": 0.5");
    assert!(!fires(&relative, 150.0, constant) && fires(&relative, 150.1, constant));
    let negative: Past<'_> = &[&[-100.0; 5], &[-100.0; 5]];
    assert!(!fires(&relative, -150.0, negative) && fires(&relative, -150.1, negative));
    let default = SIMPLE.replace("\"min_deviation_ratio\": 0,", "");
    assert!(!fires(&default, 110.0, constant) && fires(&default, 110.1, constant));
}

#[test]
fn outages_of_the_past_do_not_move_what_is_usual() {
    let past: Past<'_> = &[&[0.0; 2], &[99.0, 100.0, 101.0], &[1e9; 2], &[99.0, 100.0, 101.0]];
    assert!(fires(SIMPLE, 0.0, past), "an outage like that of yesterday");
    assert!(!fires(SIMPLE, 100.0, past));
}

#[test]
fn a_series_needs_some_history() {
    assert!(!fires(SIMPLE, 500.0, &[]));
    assert!(!fires(SIMPLE, 500.0, &[&[100.0; 9]]), "one season of two");
    assert!(
        fires(SIMPLE, 500.0, &[&[], &[100.0], &[], &[100.0]]),
        "gaps do not matter"
    );
    assert!(fires(&with(r#""min_seasons": 1"#), 500.0, &[&[100.0]]));
    assert!(!fires(&with(r#""min_seasons": 3"#), 500.0, &[&[100.0], &[100.0]]));
}

#[test]
fn nan_and_infinities() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    assert!(!fires(SIMPLE, nan, STEADY));
    assert!(fires(SIMPLE, inf, STEADY) && fires(SIMPLE, -inf, STEADY));
    assert!(
        !fires(SIMPLE, 500.0, &[&[nan, inf], &[100.0], &[-inf]]),
        "one season of two"
    );
    let holes: Past<'_> = &[&[98.0, nan, 100.0, 102.0], &[inf, 98.0, 100.0, 102.0]];
    assert!(!fires(SIMPLE, 119.9, holes) && fires(SIMPLE, 120.1, holes));
}

#[test]
fn each_series_has_a_past_of_its_own() {
    let (b, c, d) = (r#"x{host="b"}"#, r#"x{host="c"}"#, r#"x{host="d"}"#);
    let (low, high): (Past<'_>, Past<'_>) = (&[&[1.0], &[1.0]], &[&[100.0], &[100.0]]);
    let now = [(A, 1.0), (b, 1.0), (c, 100.0)];
    let past = [(d, high), (c, low), (b, high), (A, low)];
    let mut host = host(SIMPLE, &now, &past, DAY);
    let found = host.evaluate::<Anomaly>().unwrap().found();
    assert_eq!(found, [r#"{host="b"}"#, r#"{host="c"}"#], "d is missing now");
}

#[test]
fn an_empty_result_is_no_anomaly() {
    let past: &[(&str, Past<'_>)] = &[(A, STEADY)];
    assert!(
        host(SIMPLE, &[], past, DAY)
            .evaluate::<Anomaly>()
            .unwrap()
            .findings
            .is_empty()
    );
    assert!(
        host(SIMPLE, &[], &[], DAY)
            .evaluate::<Anomaly>()
            .unwrap()
            .findings
            .is_empty()
    );
}

#[test]
fn it_asks_for_each_season_around_this_time() {
    let config = r#"{"expr": "x", "season": "1w", "seasons": 2, "window": "32m", "step": "10m"}"#;
    let evaluation = host(config, &[], &[], DAY).evaluate::<Anomaly>().unwrap();
    let asked: Vec<_> = evaluation.queries.iter().map(|asked| asked.when).collect();
    let around = |back: i64| When::Range {
        start_ms: START_MS - back * 7 * DAY - 30 * MINUTE,
        end_ms: START_MS - back * 7 * DAY + 30 * MINUTE,
        step_ms: 600_000,
    };
    assert_eq!(asked, [When::Instant { at_ms: START_MS }, around(1), around(2)]);
    let month = SIMPLE.replace("\"seasons\": 4", "\"seasons\": 30");
    assert_eq!(
        host(&month, &[], &[], DAY)
            .evaluate::<Anomaly>()
            .unwrap()
            .queries
            .len(),
        31
    );
}

#[test]
fn weeks_are_compared_with_weeks() {
    let config = SIMPLE.replace("1d", "1w");
    let now = [(A, 150.0)];
    let found = |season_ms| {
        let mut host = host(&config, &now, &[(A, STEADY)], season_ms);
        host.evaluate::<Anomaly>().unwrap().findings.len()
    };
    assert_eq!((found(7 * DAY), found(DAY)), (1, 0));
}

#[test]
fn series_and_samples_are_bounded() {
    let names: Vec<_> = (0..5_001).map(|i| format!("x{{i=\"{i}\"}}")).collect();
    let now: Vec<_> = names.iter().map(|name| (&**name, 1.0)).collect();
    let failure = host(SIMPLE, &now, &[], DAY).evaluate::<Anomaly>().unwrap_err();
    assert_eq!(failure.code, "too_many_series");
    assert!(host(SIMPLE, &now[1..], &[], DAY).evaluate::<Anomaly>().is_ok());
    let many = vec![1.0; 500_000];
    let mut host = host(SIMPLE, &[(A, 1.0)], &[(A, &[&many[..], &many[..], &[1.0]])], DAY);
    assert_eq!(host.evaluate::<Anomaly>().unwrap_err().code, "too_many_samples");
}

#[test]
fn a_failed_query_fails_the_evaluation() {
    let mut host = FakeHost::new().config(SIMPLE);
    host.fail("x", "query_timeout", "");
    assert_eq!(host.evaluate::<Anomaly>().unwrap_err().code, "query_timeout");
    host.answer_by(|asked| match asked.when {
        When::Instant { .. } => Some(Ok(frame(START_MS, &[]))),
        When::Range { .. } => None,
    });
    assert_eq!(host.evaluate::<Anomaly>().unwrap_err().code, "query_timeout");
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    for (config, says) in [
        (r#"{"expr": "x"}"#.to_owned(), "missing field `season`"),
        (SIMPLE.replace("1d", "1h"), "unknown variant `1h`"),
        (
            SIMPLE.replace("\"seasons\": 4", "\"seasons\": 0"),
            "seasons: between 1 and 30",
        ),
        (
            SIMPLE.replace("\"seasons\": 4", "\"seasons\": 31"),
            "seasons: between 1 and 30",
        ),
        (
            SIMPLE.replace("10m", "0"),
            "window: longer than 0 and shorter than half a season, 1d; 0s is not",
        ),
        (
            SIMPLE.replace("10m", "12h"),
            "window: longer than 0 and shorter than half a season, 1d; 12h is not",
        ),
        (
            SIMPLE.replace("10m", "999ms"),
            "step: longer than 0 and no longer than the window, 999ms",
        ),
        (with(r#""step": "0""#), "step: longer than 0"),
        (with(r#""step": "11m""#), "no longer than the window, 10m"),
        (
            with(r#""step": "10s""#),
            "step: twice the window, 10m, has more than 100 steps",
        ),
        (
            with(r#""min_seasons": 0"#),
            "min_seasons: between 1 and seasons, 4",
        ),
        (
            with(r#""min_seasons": 5"#),
            "min_seasons: between 1 and seasons, 4",
        ),
        (
            SIMPLE.replace("6.744907594765952", "0"),
            "sensitivity: has to be more than 0",
        ),
        (
            with(r#""min_deviation": -1"#),
            "min_deviation and min_deviation_ratio: at least 0",
        ),
        (with(r#""for": "1m""#), "unknown field `for`"),
    ] {
        let failure = FakeHost::new().config(config).evaluate::<Anomaly>().unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}
