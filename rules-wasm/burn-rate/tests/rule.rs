//! Levels, windows and what series come to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use burn_rate::BurnRate;
use wasmalert::testing::{Evaluation, FakeHost};

const DEFAULTS: &str = r#"{"objective": 99.9, "error_ratio": "r[$window]"}"#;
/// A budget of one half, which floating-point numbers have exactly.
const HALF: &str = r#"{"objective": 50, "error_ratio": "r[$window]", "period": "10h",
    "windows": [{"long": "2h", "short": "90m", "burn_rate": 1.5}]}"#;
const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];
const A: &str = r#"{service="a"}"#;

type Series<'a> = &'a [(&'a str, f64)];

/// Evaluates with these error ratios by window; the other windows have none.
fn evaluate(config: &str, ratios: &[(&str, Series<'_>)]) -> Evaluation {
    let mut host = FakeHost::new().config(config);
    for window in WINDOWS.iter().chain(&["1h30m", "30d", "10h"]) {
        host.instant(&format!("r[{window}]"), &[]);
    }
    for (window, series) in ratios {
        host.instant(&format!("r[{window}]"), series);
    }
    host.evaluate::<BurnRate>().unwrap()
}

/// How many alerts the half-budget level makes of these two ratios.
fn half(long: f64, short: f64) -> usize {
    let evaluation = evaluate(HALF, &[("2h", &[(A, long)]), ("1h30m", &[(A, short)])]);
    evaluation.findings.len()
}

#[test]
fn each_default_level_fires_when_both_its_windows_burn() {
    for (long, short, burn_rate, severity) in [
        ("1h", "5m", 14.4, "page"),
        ("6h", "30m", 6.0, "page"),
        ("1d", "2h", 3.0, "ticket"),
        ("3d", "6h", 1.0, "ticket"),
    ] {
        let (above, below) = (burn_rate * 0.001_01, burn_rate * 0.000_99);
        let fires = |a: f64, b: f64| evaluate(DEFAULTS, &[(long, &[(A, a)]), (short, &[(A, b)])]).found();
        let wanted = format!(r#"{{long_window="{long}", service="a", severity="{severity}"}}"#);
        assert_eq!(fires(above, above), [wanted]);
        assert!(fires(above, below).is_empty() && fires(below, above).is_empty());
    }
}

#[test]
fn an_outage_fires_every_level_of_its_series_alone() {
    let series: Series<'_> = &[(A, 1.0), (r#"{service="b"}"#, 0.0), (r#"{service="c"}"#, 0.0009)];
    let ratios: Vec<_> = WINDOWS.iter().map(|window| (*window, series)).collect();
    let evaluation = evaluate(DEFAULTS, &ratios);
    let found = evaluation.found();
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|labels| labels.contains(r#"service="a""#)));
    assert!(evaluation.state.is_empty() && evaluation.timers.is_empty());
}

#[test]
fn a_rate_has_to_be_exceeded() {
    assert_eq!(half(0.75, 0.75), 0, "a burn rate of exactly 1.5");
    assert_eq!(half(0.750_000_1, 0.75), 0);
    assert_eq!(half(0.750_000_1, 0.750_000_1), 1);
}

#[test]
fn no_traffic_and_errors_without_traffic_do_not_fire() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
        assert_eq!((half(value, 1.0), half(1.0, value)), (0, 0), "{value}");
    }
}

#[test]
fn a_series_counts_where_both_windows_have_it() {
    let b: Series<'_> = &[(r#"{service="b"}"#, 1.0)];
    let both: Series<'_> = &[(r#"{service="b"}"#, 0.9), (A, 1.0)];
    assert!(evaluate(HALF, &[]).findings.is_empty());
    assert!(evaluate(HALF, &[("2h", both)]).findings.is_empty());
    let evaluation = evaluate(HALF, &[("2h", both), ("1h30m", b)]);
    let finding = evaluation.finding(r#"{long_window="2h", service="b"}"#);
    assert_eq!((finding.value, evaluation.findings.len()), (1.8, 1));
}

#[test]
fn recorded_ratios_are_known_whatever_their_names() {
    let config = r#"{"objective": 50, "error_ratio": "ratio$window",
        "windows": [{"long": "2h", "short": "1h", "burn_rate": 1}]}"#;
    let mut host = FakeHost::new().config(config);
    host.instant("ratio2h", &[(r#"ratio2h{service="a"}"#, 0.9)]);
    host.instant("ratio1h", &[(r#"ratio1h{service="a"}"#, 0.9)]);
    let found = host.evaluate::<BurnRate>().unwrap().found();
    assert_eq!(found, [r#"{long_window="2h", service="a"}"#]);
}

#[test]
fn annotations_tell_both_rates_and_the_budget() {
    let evaluation = evaluate(HALF, &[("2h", &[(A, 0.8)]), ("1h30m", &[(A, 1.0)])]);
    let finding = evaluation.finding(r#"{long_window="2h", service="a"}"#);
    let told: Vec<_> = finding
        .annotations
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    assert_eq!(finding.value, 1.6);
    assert_eq!(
        told,
        [
            ("burn_rate_long", "1.6"),
            ("burn_rate_short", "2"),
            (
                "budget",
                "2h used 32% of the error budget of 10h; at this rate a whole one lasts 6h15m"
            ),
        ]
    );
}

#[test]
fn spans_are_told_in_two_units() {
    let story = |config: &str, ratio: f64| {
        let evaluation = evaluate(config, &[("1h", &[(A, ratio)]), ("5m", &[(A, ratio)])]);
        evaluation.findings[0].annotations[2].1.clone()
    };
    let used = "1h used 138.89% of the error budget of 30d; at this rate a whole one lasts 43m12s";
    assert_eq!(story(DEFAULTS, 1.0), used);
    assert!(story(DEFAULTS, 0.016).ends_with(" lasts 1d21h"));
    assert!(story(&DEFAULTS.replace("99.9", "99.99999"), 1.0).ends_with(" lasts 0s"));
}

#[test]
fn the_budget_left_is_asked_for() {
    let config = HALF.replace("\"objective\"", "\"budget_left\": true, \"objective\"");
    let budget = |left: Series<'_>| {
        let evaluation = evaluate(
            &config,
            &[("2h", &[(A, 1.0)]), ("1h30m", &[(A, 1.0)]), ("10h", left)],
        );
        let (_, text) = evaluation.findings[0].annotations.last().unwrap().clone();
        text.split_once("lasts ").unwrap().1.to_owned()
    };
    assert_eq!(budget(&[(A, 0.25)]), "5h, and the 50% that are left 2h30m");
    assert_eq!(budget(&[(A, 0.5)]), "5h, and nothing is left");
    assert_eq!(budget(&[(A, f64::NAN)]), "5h");
    assert_eq!(budget(&[]), "5h");

    let mut host = FakeHost::new().config(config);
    host.instant("r[2h]", &[(A, 1.0)]);
    host.instant("r[1h30m]", &[(A, 1.0)]);
    host.fail("r[10h]", "query_too_large", "");
    assert_eq!(
        host.evaluate::<BurnRate>().unwrap().findings.len(),
        1,
        "the alert is not lost"
    );
}

#[test]
fn errors_and_total_are_divided_and_each_window_is_asked_once() {
    let config = r#"{"objective": 99, "errors": "e[$window] or f[$window]", "total": "t[$window]"}"#;
    let mut host = FakeHost::new().config(config);
    host.answer_by(|asked| {
        let whole = asked.expr.starts_with("(e[") && asked.expr.ends_with("])") && !asked.expr.contains('$');
        whole.then(|| Ok(wasmalert::testing::frame(0, &[])))
    });
    let evaluation = host.evaluate::<BurnRate>().unwrap();
    let asked: Vec<_> = evaluation.queries.iter().map(|asked| &*asked.expr).collect();
    assert_eq!(
        asked.len(),
        7,
        "6h is the long window of one level and the short one of another"
    );
    assert_eq!(asked[0], "(e[5m] or f[5m]) / (t[5m])");
}

#[test]
fn labels_of_a_level_win_and_an_empty_one_deletes() {
    let config = HALF.replace(
        "\"burn_rate\": 1.5",
        r#""burn_rate": 1.5, "labels": {"service": "", "severity": "page"}"#,
    );
    let evaluation = evaluate(&config, &[("2h", &[(A, 1.0)]), ("1h30m", &[(A, 1.0)])]);
    assert_eq!(evaluation.found(), [r#"{long_window="2h", severity="page"}"#]);
}

#[test]
fn a_failed_query_fails_the_evaluation() {
    for window in ["2h", "1h30m"] {
        let mut host = FakeHost::new().config(HALF);
        host.instant("r[2h]", &[]);
        host.instant("r[1h30m]", &[]);
        host.fail(&format!("r[{window}]"), "query_timeout", "");
        assert_eq!(host.evaluate::<BurnRate>().unwrap_err().code, "query_timeout");
    }
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    let ratio = |rest: &str| format!(r#"{{"objective": 99.9, "error_ratio": "r[$window]", {rest}}}"#);
    let windows = |windows: &str| ratio(&format!(r#""windows": [{windows}]"#));
    let level = r#"{"long": "1h", "short": "5m", "burn_rate": 2}"#;
    for (config, says) in [
        (
            r#"{"error_ratio": "r[$window]"}"#.to_owned(),
            "missing field `objective`",
        ),
        (
            r#"{"objective": 99}"#.to_owned(),
            "give either errors and total, or error_ratio",
        ),
        (
            r#"{"objective": 99, "errors": "[$window]"}"#.to_owned(),
            "give either",
        ),
        (ratio(r#""errors": "[$window]""#), "give either"),
        (
            r#"{"objective": 100, "error_ratio": "r[$window]"}"#.to_owned(),
            "objective: 100 is not",
        ),
        (
            r#"{"objective": 0, "error_ratio": "r[$window]"}"#.to_owned(),
            "objective: 0 is not",
        ),
        (
            r#"{"objective": 99, "error_ratio": "r[5m]"}"#.to_owned(),
            "error_ratio: has no $window",
        ),
        (
            r#"{"objective": 99, "errors": "r[$window]", "total": "r"}"#.to_owned(),
            "total: has no $window",
        ),
        (
            r#"{"objective": 90, "error_ratio": "r[$window]"}"#.to_owned(),
            "windows[0]: with objective 90 the burn rate is between 0 and 10; 14.4 is never exceeded",
        ),
        (ratio(r#""period": "0""#), "period: has to be longer"),
        (ratio(r#""window": []"#), "unknown field `window`"),
        (windows(""), "windows: give 1 to 8"),
        (windows(&[level; 9].join(",")), "windows: give 1 to 8"),
        (
            windows(r#"{"long": "5m", "short": "5m", "burn_rate": 2}"#),
            "windows[0]: short is 5m",
        ),
        (
            windows(r#"{"long": "5m", "short": "0", "burn_rate": 2}"#),
            "windows[0]: short is 0s",
        ),
        (
            windows(r#"{"long": "1h", "short": "5m", "burn_rate": 0}"#),
            "0 is never exceeded",
        ),
        (
            windows(&[level; 2].join(",")),
            "windows[1]: long and labels are those of windows[0]",
        ),
        (
            windows(r#"{"long": "1h", "short": "5m", "burn_rate": 2, "labels": {"long_window": ""}}"#),
            "the label long_window is the rule's own",
        ),
    ] {
        let failure = FakeHost::new().config(config).evaluate::<BurnRate>().unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}
