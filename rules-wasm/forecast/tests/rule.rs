//! Lines that reach a limit in time, and those that do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use forecast::Forecast;
use wasmalert::testing::{Evaluation, FakeHost, START_MS, When};

const MINUTE: i64 = 60_000;
/// 61 points, of which 30 are needed.
const FALLING: &str =
    r#"{"expr": "free", "limit": 0, "direction": "falling", "window": "1h", "within": "2h", "step": "1m"}"#;
const RISING: &str =
    r#"{"expr": "free", "limit": 100, "direction": "rising", "window": "1h", "within": "2h", "step": "1m"}"#;
const A: &str = r#"free{disk="a"}"#;

/// A sample a minute, told by how many minutes ago it is; NaN is written down.
fn samples(minutes: i64, value: impl Fn(f64) -> f64) -> Vec<(i64, f64)> {
    let ago = (0..=minutes).rev();
    ago.map(|ago| (START_MS - ago * MINUTE, value(ago as f64)))
        .collect()
}

fn evaluate(config: &str, samples: &[(i64, f64)]) -> Evaluation {
    let mut host = FakeHost::new().config(config);
    host.range("free", &[(A, samples)]);
    host.evaluate::<Forecast>().unwrap()
}

/// The minutes until the limit is reached, of a series that fires.
fn reached(config: &str, value: impl Fn(f64) -> f64) -> Option<f64> {
    let evaluation = evaluate(config, &samples(60, value));
    evaluation
        .findings
        .first()
        .map(|finding| (finding.value / 60.0 * 1e6).round() / 1e6)
}

fn with(config: &str, more: &str) -> String {
    config.replace('}', &format!(", {more}}}"))
}

/// From -1 to 1, the same each time, without a pattern.
fn noise(at: f64) -> f64 {
    let hash = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 40) as f64 / f64::from(1 << 23) - 1.0
}

#[test]
fn a_limit_within_reach_fires_with_the_time_left() {
    assert_eq!(reached(FALLING, |ago| 90.0 + ago), Some(90.0));
    assert_eq!(reached(FALLING, |ago| 120.0 + ago), Some(120.0), "just in time");
    assert_eq!(reached(FALLING, |ago| 121.0 + ago), None);
    assert_eq!(reached(RISING, |ago| 10.0 - ago), Some(90.0));
    assert_eq!(reached(RISING, |ago| -21.0 - ago), None);
}

#[test]
fn away_from_the_limit_or_not_at_all_never_reaches_it() {
    assert_eq!(reached(FALLING, |ago| 90.0 - ago), None);
    assert_eq!(reached(RISING, |ago| 10.0 + ago), None);
    assert_eq!(reached(FALLING, |_| 1.0), None);
    assert_eq!(reached(&with(FALLING, r#""min_fit": 0"#), |_| 1.0), None);
}

#[test]
fn a_limit_that_is_reached_fires_whatever_the_history() {
    for (config, value) in [(FALLING, 0.0), (FALLING, -1.0), (RISING, 100.0), (RISING, 101.0)] {
        let evaluation = evaluate(config, &[(START_MS, value)]);
        assert_eq!(evaluation.found(), [r#"{disk="a"}"#]);
        let finding = &evaluation.findings[0];
        assert_eq!(finding.value, 0.0);
        assert_eq!(
            finding.annotations,
            [("reached_at".to_owned(), "2027-01-15T08:00:00.000Z".to_owned())]
        );
    }
}

#[test]
fn annotations_tell_when_and_how_fast() {
    let evaluation = evaluate(FALLING, &samples(60, |ago| 1e9 + ago * 12_345_678.9));
    let told = [
        ("reached_at", "2027-01-15T09:21:00.000Z"),
        ("change_per_hour", "-741000000"),
    ];
    let annotations = &evaluation.findings[0].annotations;
    assert_eq!(annotations[1], (told[1].0.to_owned(), told[1].1.to_owned()));
    assert_eq!(annotations[0].0, told[0].0);
    assert_eq!(annotations[0].1[..16], told[0].1[..16]);
    assert!(evaluation.state.is_empty() && evaluation.timers.is_empty());
    let rising = evaluate(RISING, &samples(60, |ago| 10.0 - ago));
    let told = ("change_per_hour".to_owned(), "60".to_owned());
    assert_eq!(rising.findings[0].annotations[1], told);
}

#[test]
fn outliers_do_not_move_the_line() {
    let spiked = |ago: f64| if ago as i64 % 4 == 1 { 1e6 } else { 90.0 + ago };
    assert_eq!(reached(FALLING, spiked), Some(90.0), "a quarter of the points");
    let last = |ago: f64| if ago == 0.0 { 1.0 } else { 500.0 };
    assert_eq!(reached(FALLING, last), None, "a spike towards the limit");
}

#[test]
fn a_clean_up_counts_at_once() {
    let cleaned = |ago: f64| if ago == 0.0 { 500.0 } else { 30.0 + ago };
    assert_eq!(reached(FALLING, |ago| 30.0 + ago), Some(30.0));
    assert_eq!(reached(FALLING, cleaned), None);
    let spike = |ago: f64| if ago == 0.0 { 1.0 } else { 90.0 + ago };
    assert_eq!(
        reached(FALLING, spike),
        Some(90.0),
        "what the line says is farther"
    );
}

#[test]
fn a_line_has_to_fit() {
    let noisy = |ago: f64| 60.0 + ago / 10.0 + 40.0 * noise(ago);
    let any = with(&FALLING.replace("2h", "10w"), r#""min_fit": 0"#);
    assert!(reached(&any, noisy).is_some());
    assert_eq!(reached(&FALLING.replace("2h", "10w"), noisy), None);
    let clear = |ago: f64| 90.0 + ago + 2.0 * noise(ago);
    assert!(reached(FALLING, clear).is_some());
    assert_eq!(reached(&with(FALLING, r#""min_fit": 1"#), clear), None);
    assert_eq!(
        reached(&with(FALLING, r#""min_fit": 1"#), |ago| 64.0 + ago),
        Some(64.0)
    );
}

#[test]
fn a_line_needs_points() {
    let fires = |samples: &[(i64, f64)]| !evaluate(FALLING, samples).findings.is_empty();
    assert!(fires(&samples(29, |ago| 90.0 + ago)));
    assert!(!fires(&samples(28, |ago| 90.0 + ago)), "29 of 30");
    let two = with(FALLING, r#""min_points": 2"#);
    assert_eq!(evaluate(&two, &samples(1, |ago| 90.0 + ago)).findings.len(), 1);
    assert!(evaluate(&two, &samples(0, |ago| 90.0 + ago)).findings.is_empty());
}

#[test]
fn nan_and_infinities_are_no_points() {
    for gap in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let value = |ago: f64| if ago as i64 % 2 == 1 { gap } else { 90.0 + ago };
        assert_eq!(reached(FALLING, value), Some(90.0), "{gap}");
        assert_eq!(reached(FALLING, |_| gap), None);
        let less = |ago: f64| {
            if ago > 0.0 && ago as i64 % 30 != 2 {
                gap
            } else {
                90.0 + ago
            }
        };
        assert_eq!(reached(FALLING, less), None, "too few are left");
    }
}

#[test]
fn values_beyond_all_bounds_say_nothing() {
    assert_eq!(
        reached(FALLING, |ago| if ago as i64 % 2 == 0 { f64::MAX } else { 1.0 }),
        None
    );
    assert_eq!(reached(RISING, |ago| -f64::MAX + ago), None);
}

#[test]
fn a_series_that_is_gone_does_not_fire() {
    let mut host = FakeHost::new().config(FALLING);
    host.range("free", &[]);
    assert!(host.evaluate::<Forecast>().unwrap().findings.is_empty());
    let mut gone = samples(60, |ago| 90.0 + ago);
    gone.truncate(55);
    assert_eq!(evaluate(FALLING, &gone).findings.len(), 1, "six minutes ago");
    gone.truncate(54);
    assert!(evaluate(FALLING, &gone).findings.is_empty());
}

#[test]
fn many_points_are_merged() {
    let config = FALLING.replace("\"1h\"", "\"1000m\"");
    let value = |ago: f64| 90.0 + ago + if ago as i64 % 5 == 0 { 1e4 } else { 0.0 };
    let mut series = samples(1_000, value);
    series.last_mut().unwrap().1 = 90.0;
    let evaluation = evaluate(&config, &series);
    assert!((evaluation.findings[0].value / 60.0 - 90.0).abs() < 3.0);
}

#[test]
fn it_asks_for_forty_steps() {
    let mut host = FakeHost::new().config(FALLING.replace(r#", "step": "1m""#, ""));
    host.range("free", &[]);
    let asked = host.evaluate::<Forecast>().unwrap().queries.remove(0).when;
    let (start_ms, end_ms, step_ms) = (START_MS - 60 * MINUTE, START_MS, 90_000);
    assert_eq!(
        asked,
        When::Range {
            start_ms,
            end_ms,
            step_ms
        }
    );
}

#[test]
fn samples_are_bounded() {
    let samples = vec![(START_MS, 1.0); 100_000];
    let names: Vec<_> = (0..11).map(|i| format!("free{{i=\"{i}\"}}")).collect();
    let series: Vec<_> = names.iter().map(|name| (&**name, &samples[..])).collect();
    let mut host = FakeHost::new().config(FALLING);
    host.range("free", &series);
    assert_eq!(host.evaluate::<Forecast>().unwrap_err().code, "too_many_samples");
}

#[test]
fn a_failed_query_fails_the_evaluation() {
    let mut host = FakeHost::new().config(FALLING);
    host.fail("free", "query_unavailable", "");
    assert_eq!(host.evaluate::<Forecast>().unwrap_err().code, "query_unavailable");
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    for (config, says) in [
        (r#"{"expr": "free"}"#.to_owned(), "missing field `limit`"),
        (FALLING.replace("falling", "down"), "unknown variant `down`"),
        (FALLING.replace("\"1h\"", "\"0\""), "window: has to be longer"),
        (FALLING.replace("\"2h\"", "\"0\""), "within: has to be longer"),
        (
            FALLING.replace("1m", "2h"),
            "step: the window, 1h, has to have 1 to 1000 steps",
        ),
        (FALLING.replace("1m", "3s"), "has to have 1 to 1000 steps"),
        (
            with(FALLING, r#""min_points": 1"#),
            "min_points: between 2 and 61",
        ),
        (
            with(FALLING, r#""min_points": 62"#),
            "min_points: between 2 and 61",
        ),
        (with(FALLING, r#""min_fit": 1.1"#), "min_fit: between 0 and 1"),
        (with(FALLING, r#""for": "1m""#), "unknown field `for`"),
    ] {
        let failure = FakeHost::new().config(config).evaluate::<Forecast>().unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}
