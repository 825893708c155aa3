//! Silence over time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use deadman::Deadman;
use wasmalert::testing::{FakeHost, START_MS, Step};

const MINUTE: i64 = 60_000;
const SERIES: &str = r#"{"expr": "beat", "silence": "2m30s"}"#;
const TIMESTAMP: &str = r#"{"expr": "beat", "silence": "2m30s", "mode": "timestamp"}"#;
const A: &str = r#"beat{host="a"}"#;
const B: &str = r#"beat{host="b"}"#;

fn host(config: &str) -> FakeHost {
    FakeHost::new().config(config)
}

/// The first time something was found, from the start, and what.
fn first(steps: &[Step]) -> Option<(i64, Vec<String>)> {
    steps.iter().find_map(|step| {
        let found = step.result.as_ref().unwrap().found();
        (!found.is_empty()).then_some((step.now_ms - START_MS, found))
    })
}

#[test]
fn a_series_fires_exactly_at_its_deadline_and_resolves_when_back() {
    let mut host = host(SERIES);
    host.instant("beat", &[(A, 1.0), (B, 1.0)]);
    host.evaluate::<Deadman>().unwrap();
    host.run_for::<Deadman>(MINUTE);
    host.instant("beat", &[(B, 1.0)]);
    let steps = host.run_for::<Deadman>(4 * MINUTE);
    let (at, found) = first(&steps).unwrap();
    assert_eq!((at, found), (MINUTE + 150_000, vec![r#"{host="a"}"#.to_owned()]));
    let woken: Vec<_> = steps
        .iter()
        .filter(|step| step.timer.is_some())
        .map(|step| step.now_ms)
        .collect();
    assert_eq!(woken, [START_MS + MINUTE + 150_000], "between slots, and once");
    let last = steps.last().unwrap().result.as_ref().unwrap();
    let finding = last.finding(r#"{host="a"}"#);
    assert_eq!(finding.value, 240.0);
    assert_eq!(
        finding.annotations,
        [("last_beat".to_owned(), "2027-01-15T08:01:00.000Z".to_owned())]
    );
    host.instant("beat", &[(A, 1.0), (B, 1.0)]);
    assert!(
        host.run_for::<Deadman>(MINUTE)[0]
            .result
            .as_ref()
            .unwrap()
            .findings
            .is_empty()
    );
}

#[test]
fn a_series_that_is_back_at_the_deadline_does_not_fire() {
    let mut host = host(SERIES).interval_ms(600_000);
    host.instant("beat", &[(A, 1.0)]);
    host.evaluate::<Deadman>().unwrap();
    let steps = host.run_for::<Deadman>(9 * MINUTE);
    assert_eq!(steps.len(), 3, "it asks again at each deadline");
    assert_eq!(first(&steps), None);
}

#[test]
fn nothing_ever_seen_fires_once_without_labels() {
    let mut host = host(SERIES);
    host.instant("beat", &[]);
    host.evaluate::<Deadman>().unwrap();
    let steps = host.run_for::<Deadman>(3 * MINUTE);
    assert_eq!(first(&steps), Some((150_000, vec!["{}".to_owned()])));
    assert!(host.timers.is_empty(), "there is nothing more to wait for");
    host.instant("beat", &[(A, 1.0)]);
    assert!(host.evaluate::<Deadman>().unwrap().findings.is_empty());
    host.instant("beat", &[]);
    let found = first(&host.run_for::<Deadman>(5 * MINUTE)).unwrap().1;
    assert_eq!(found, [r#"{host="a"}"#]);
}

#[test]
fn a_timestamp_is_the_last_beat() {
    let mut host = host(TIMESTAMP);
    let beat = (START_MS - 50_000) as f64 / 1_000.0;
    let future = (START_MS + 60 * MINUTE) as f64 / 1_000.0;
    host.instant("beat", &[(A, beat), (B, future), (r#"beat{host="c"}"#, f64::NAN)]);
    assert!(host.evaluate::<Deadman>().unwrap().findings.is_empty());
    let steps = host.run_for::<Deadman>(4 * MINUTE);
    assert_eq!(first(&steps), Some((100_000, vec![r#"{host="a"}"#.to_owned()])));
    let found = steps.last().unwrap().result.as_ref().unwrap().found();
    assert_eq!(found, [r#"{host="a"}"#], "the future is now, and NaN nothing");
}

#[test]
fn a_silent_series_is_forgotten_once_it_is_gone_for_long() {
    let config = r#"{"expr": "beat", "silence": "1m", "forget_after": "10m", "mode": "timestamp"}"#;
    let mut host = host(config);
    host.instant("beat", &[(A, 5.0)]);
    let steps = host.run_for::<Deadman>(20 * MINUTE);
    let found = |step: &Step| step.result.as_ref().unwrap().found().len();
    assert_eq!(
        steps.iter().map(found).sum::<usize>(),
        20,
        "it is there, if silent"
    );
    host.instant("beat", &[]);
    let steps = host.run_for::<Deadman>(12 * MINUTE);
    assert_eq!(
        steps.iter().map(found).sum::<usize>(),
        9,
        "its absence counts from the last result"
    );
    assert_eq!(
        host.state["beats"],
        format!(r#"{{"since_ms":{},"seen":true,"series":[]}}"#, START_MS + MINUTE).into_bytes()
    );
}

#[test]
fn series_are_told_apart_by_some_labels() {
    let mut host = host(r#"{"expr": "beat", "silence": "90s", "by": ["job"]}"#);
    host.instant(
        "beat",
        &[
            (r#"{job="x", host="a"}"#, 1.0),
            (r#"{job="x", host="b"}"#, 1.0),
            (r#"{host="c"}"#, 1.0),
        ],
    );
    host.evaluate::<Deadman>().unwrap();
    host.instant("beat", &[(r#"{job="x", host="b"}"#, 1.0)]);
    let steps = host.run_for::<Deadman>(3 * MINUTE);
    assert_eq!(steps.last().unwrap().result.as_ref().unwrap().found(), ["{}"]);
}

#[test]
fn a_failed_query_fires_nothing_and_is_made_up_for() {
    let mut host = host(SERIES);
    host.instant("beat", &[(A, 1.0)]);
    host.evaluate::<Deadman>().unwrap();
    host.fail("beat", "query_unavailable", "");
    let steps = host.run_for::<Deadman>(4 * MINUTE);
    assert!(steps.iter().all(|step| step.result.is_err()));
    host.instant("beat", &[]);
    assert_eq!(host.evaluate::<Deadman>().unwrap().found(), [r#"{host="a"}"#]);
}

#[test]
fn series_are_bounded() {
    let names: Vec<_> = (0..5_001).map(|i| format!("x{{i=\"{i}\"}}")).collect();
    let series: Vec<_> = names.iter().map(|name| (&**name, 1.0)).collect();
    let mut host = host(SERIES);
    host.instant("beat", &series);
    assert_eq!(host.evaluate::<Deadman>().unwrap_err().code, "too_many_series");
    host.instant("beat", &series[1..]);
    assert!(host.evaluate::<Deadman>().is_ok());
}

#[test]
fn configurations_that_do_not_fit_are_refused() {
    for (config, says) in [
        (r#"{"expr": "x"}"#, "missing field `silence`"),
        (r#"{"expr": "x", "silence": "soon"}"#, "a duration such as"),
        (r#"{"expr": "x", "silence": "0"}"#, "silence: has to be longer"),
        (
            r#"{"expr": "x", "silence": "24h"}"#,
            "forget_after: 1d is not longer",
        ),
        (
            r#"{"expr": "x", "silence": "1m", "mode": "x"}"#,
            "unknown variant `x`",
        ),
    ] {
        let failure = host(config).evaluate::<Deadman>().unwrap_err();
        assert_eq!(failure.code, "bad_config");
        assert!(failure.message.contains(says), "{failure}");
    }
}
