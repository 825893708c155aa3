//! Firing, resolving and remembering over evaluations.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use hysteresis::Hysteresis;
use wasmalert::testing::FakeHost;

const SIMPLE: &str = r#"{"expr": "x", "fire_above": 10, "resolve_below": 5}"#;
const N_OF_M: &str = r#"{"expr": "x", "fire_above": 10, "resolve_below": 5,
    "fire_for": {"of": 3, "at_least": 2}, "resolve_for": {"of": 4, "at_least": 2}}"#;

/// Feeds one series; `-` is a missing one. Answers `F` where it fires.
fn timeline(config: &str, values: &str) -> String {
    let mut host = FakeHost::new().config(config);
    let mut fires = String::new();
    for value in values.split_whitespace() {
        match value {
            "-" => host.instant("x", &[]),
            value => host.instant("x", &[(r#"x{host="a"}"#, value.parse().unwrap())]),
        }
        let evaluation = host.evaluate::<Hysteresis>().unwrap();
        fires.push(if evaluation.found().is_empty() { '.' } else { 'F' });
        host.advance_ms(60_000);
    }
    fires
}

#[test]
fn it_fires_above_and_resolves_below() {
    assert_eq!(timeline(SIMPLE, "9 10 11 9 5 4.9 9 12 NaN 4"), "..FFF..FF.");
    let below = r#"{"expr": "x", "fire_below": 5, "resolve_above": 10}"#;
    assert_eq!(timeline(below, "6 5 4 9 10 11 6 NaN 1"), "..FFF...F");
}

#[test]
fn n_of_m_in_both_directions() {
    assert_eq!(timeline(N_OF_M, "11 0 0 11 0 11 9 4 9 9 4 4 4"), ".....FFFFF...");
    assert_eq!(timeline(N_OF_M, "11 11 4 9 9 9 4 9 4"), ".FFFFFFF.");
}

#[test]
fn a_missing_series_keeps_its_state_for_a_while() {
    assert_eq!(timeline(SIMPLE, "11 - - -"), "FF..");
    assert_eq!(
        timeline(SIMPLE, "11 - 6 - 6"),
        "FFFFF",
        "being seen starts the count anew"
    );
    assert_eq!(
        timeline(N_OF_M, "11 - - 11"),
        "...F",
        "what was beyond still counts"
    );
    assert_eq!(timeline(N_OF_M, "11 11 - - - - -"), ".FFFFF.");
}

#[test]
fn a_missing_series_keeps_labels_and_value() {
    let mut host = FakeHost::new().config(SIMPLE);
    host.instant(
        "x",
        &[
            (r#"x{host="a", dc="ä"}"#, 11.5),
            (r#"x{host="b"}"#, 12.0),
            (r#"x{host="c"}"#, 1.0),
        ],
    );
    let before = host.evaluate::<Hysteresis>().unwrap();
    host.instant("x", &[(r#"x{host="b"}"#, 12.0)]);
    let after = host.evaluate::<Hysteresis>().unwrap();
    assert_eq!(after.found(), [r#"{dc="ä", host="a"}"#, r#"{host="b"}"#]);
    assert_eq!(before.found(), after.found());
    assert_eq!(after.finding(r#"{dc="ä", host="a"}"#).value, 11.5);
}

#[test]
fn quiet_series_take_no_state() {
    let mut host = FakeHost::new().config(N_OF_M);
    host.instant("x", &[(r#"x{host="a"}"#, 11.0), (r#"x{host="b"}"#, 1.0)]);
    host.evaluate::<Hysteresis>().unwrap();
    assert_eq!(host.state["tracks"].len(), 14, "one track that does not fire");
    host.instant("x", &[(r#"x{host="a"}"#, 1.0), (r#"x{host="b"}"#, 1.0)]);
    for _ in 0..3 {
        host.evaluate::<Hysteresis>().unwrap();
    }
    assert!(host.state.is_empty());
}

#[test]
fn series_are_bounded() {
    let names: Vec<_> = (0..20_001).map(|i| format!("x{{i=\"{i}\"}}")).collect();
    let series: Vec<_> = names.iter().map(|name| (&**name, 11.0)).collect();
    let mut host = FakeHost::new().config(N_OF_M);
    host.instant("x", &series);
    assert_eq!(host.evaluate::<Hysteresis>().unwrap_err().code, "too_many_series");
    host.instant("x", &series[1..]);
    assert!(host.evaluate::<Hysteresis>().unwrap().findings.is_empty());
}

#[test]
fn a_failed_query_and_a_bad_state_change_nothing() {
    let mut host = FakeHost::new().config(SIMPLE);
    host.instant("x", &[(r#"x{host="a"}"#, 11.0)]);
    host.evaluate::<Hysteresis>().unwrap();
    let before = host.state.clone();
    host.fail("x", "query_failed", "");
    assert_eq!(host.evaluate::<Hysteresis>().unwrap_err().code, "query_failed");
    assert_eq!(host.state, before);
    host.instant("x", &[]);
    host.state
        .insert("tracks".to_owned(), before["tracks"][..20].to_vec());
    assert_eq!(host.evaluate::<Hysteresis>().unwrap_err().code, "bad_state");
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    for (config, says) in [
        (r#"{"expr": "x"}"#, "give either fire_above and resolve_below"),
        (
            r#"{"expr": "x", "fire_above": 1, "resolve_above": 1}"#,
            "give either",
        ),
        (r#"{"expr": "x", "fire_above": 1, "resolve_below": 2}"#, "overlap"),
        (r#"{"expr": "x", "fire_below": 2, "resolve_above": 1}"#, "overlap"),
        (
            r#"{"expr": "x", "fire_above": 1, "resolve_below": 1, "fire_for": {"of": 33, "at_least": 1}}"#,
            "fire_for",
        ),
        (
            r#"{"expr": "x", "fire_above": 1, "resolve_below": 1, "resolve_for": {"of": 1, "at_least": 2}}"#,
            "resolve_for",
        ),
        (
            r#"{"expr": "x", "fire_above": 1, "resolve_below": 1, "fire_for": {"of": 0, "at_least": 0}}"#,
            "fire_for",
        ),
    ] {
        let failure = FakeHost::new()
            .config(config)
            .evaluate::<Hysteresis>()
            .unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}
