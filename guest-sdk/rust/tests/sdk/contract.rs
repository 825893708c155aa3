//! What takes effect, and what fails an evaluation.

use wasmalert::prelude::*;
use wasmalert::testing::{FakeHost, Limit, LogLevel, MetricChange};

/// Does as its configuration says.
struct Obedient;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Do {
    Effects,
    EffectsAndError,
    Swallow,
    MayFail,
    Twice,
    TwiceButForName,
    NoSuchSeries,
    LogMuch,
    BadMetric,
    NamelessSample,
    Remember,
}

#[derive(Deserialize)]
struct Config {
    what: Do,
}

impl Rule for Obedient {
    type Config = Config;

    fn describe() -> Description {
        Description::new("obedient", "Does as told.")
            .config_schema("{}")
            .query("up")
            .extra("a", "b")
    }

    fn evaluate(context: &Context, config: Config) -> Result<Outcome, Error> {
        let mut outcome = Outcome::new();
        match config.what {
            Do::Effects => effects(context)?,
            Do::EffectsAndError => {
                effects(context)?;
                return Err(Error::new("told_so", "as told"));
            }
            Do::Swallow => drop(query("up")),
            Do::MayFail => {
                let error = Query::new("up").may_fail().run().err().ok_or("it did not fail")?;
                outcome
                    .find(Finding::new())
                    .label("code", error.code)
                    .annotation("text", error.message);
            }
            Do::Twice => {
                outcome.find(Finding::new()).label("a", "1");
                outcome
                    .find(Finding::new())
                    .label("a", "2")
                    .label("severity", "page");
                outcome
                    .find(Finding::new())
                    .label("a", "1")
                    .label("severity", "none");
            }
            Do::TwiceButForName => {
                for series in query("up")?.series() {
                    outcome.find(series);
                }
            }
            Do::NoSuchSeries => drop(outcome.find(SeriesRef { frame: 0, series: 0 })),
            Do::LogMuch => log::info("x".repeat(70_000)),
            Do::BadMetric => metrics::count("requests", &[], -1.0),
            Do::NamelessSample => outcome.samples.push(RecordedSample::new(1.0)),
            Do::Remember => {
                let seen: u32 = state::load("seen")?.unwrap_or(0);
                state::save("seen", &(seen + 1))?;
                outcome.find(Finding::new()).value(f64::from(seen));
            }
        }
        Ok(outcome)
    }
}

fn effects(context: &Context) -> Result<(), Error> {
    state::set("raw", b"1");
    state::save("json", &[1, 2])?;
    state::set("gone", b"");
    state::delete("gone");
    assert_eq!(state::keys("r"), ["raw"]);
    assert_eq!(state::load::<Vec<u32>>("json")?, Some(vec![1, 2]));
    timers::set("soon", context.now_ms + 5, b"p");
    timers::set("never", context.now_ms, b"");
    timers::cancel("never");
    assert_eq!(timers::pending().len(), 1);
    log::write(log::Level::Warn, "careful", &[("host", "a")]);
    metrics::count("runs_total", &[("kind", "a")], 1.0);
    metrics::gauge("depth", &[], -2.0);
    metrics::observe("seconds", &[], 0.5);
    Ok(())
}

fn host(what: &str) -> FakeHost {
    FakeHost::new().config(format!(r#"{{"what": "{what}"}}"#))
}

#[test]
fn effects_take_place_on_success() {
    let mut host = host("effects");
    let evaluation = host.evaluate::<Obedient>().unwrap();
    assert_eq!(host.state.keys().collect::<Vec<_>>(), ["json", "raw"]);
    assert_eq!(host.state["json"], b"[1,2]");
    assert_eq!(host.timers["soon"].due_ms, host.now_ms + 5);
    assert_eq!(host.timers.len(), 1);
    assert_eq!(evaluation.log[0].level, LogLevel::Warn);
    assert_eq!(evaluation.log[0].fields, [("host".to_owned(), "a".to_owned())]);
    let changes: Vec<_> = evaluation.metrics.iter().map(|metric| metric.change).collect();
    let wanted = [
        MetricChange::Count(1.0),
        MetricChange::Gauge(-2.0),
        MetricChange::Observe(0.5),
    ];
    assert_eq!(changes, wanted);
    assert_eq!(evaluation.metrics[0].labels.get("kind"), Some("a"));
}

#[test]
fn effects_are_dropped_on_an_error() {
    let mut host = host("effects_and_error");
    let failure = host.evaluate::<Obedient>().unwrap_err();
    assert_eq!((&*failure.code, &*failure.message), ("told_so", "as told"));
    assert!(host.state.is_empty() && host.timers.is_empty());
}

#[test]
fn a_swallowed_query_error_fails_the_evaluation() {
    let mut host = host("swallow");
    host.fail("up", "query_timeout", "took too long");
    assert_eq!(host.evaluate::<Obedient>().unwrap_err().code, "query_timeout");
    host.instant("up", &[]);
    assert!(host.evaluate::<Obedient>().is_ok());
}

#[test]
fn a_query_that_may_fail_is_the_rules_business() {
    let mut host = host("may_fail");
    host.fail("up", "query_unavailable", "no route");
    let evaluation = host.evaluate::<Obedient>().unwrap();
    let finding = evaluation.finding(r#"{code="query_unavailable"}"#);
    assert_eq!(finding.annotations, [("text".to_owned(), "no route".to_owned())]);
}

#[test]
fn equal_identities_fail() {
    let failure = host("twice")
        .labels(r#"{severity="page"}"#)
        .evaluate::<Obedient>()
        .unwrap_err();
    assert_eq!(failure.code, "duplicate_labels");
    assert!(
        host("twice").evaluate::<Obedient>().is_ok(),
        "the rule's labels make them equal"
    );
    let mut host = host("twice_but_for_name");
    host.instant("up", &[(r#"a{x="1"}"#, 1.0), (r#"b{x="1"}"#, 1.0)]);
    assert_eq!(host.evaluate::<Obedient>().unwrap_err().code, "duplicate_labels");
}

#[test]
fn what_does_not_hold_together_fails() {
    let code = |what: &str| host(what).evaluate::<Obedient>().unwrap_err().code;
    assert_eq!(code("no_such_series"), "bad_outcome");
    assert_eq!(code("nameless_sample"), "bad_outcome");
    assert_eq!(code("bad_metric"), "bad_call");
    assert_eq!(code("log_much"), "log_bytes_exceeded");
    let mut host = host("effects");
    host.limit(Limit::StateBytes, 8);
    assert_eq!(
        host.evaluate::<Obedient>().unwrap_err().code,
        "state_bytes_exceeded"
    );
}

#[test]
fn a_bad_configuration_says_what_does_not_fit() {
    let failure = FakeHost::new().evaluate::<Obedient>().unwrap_err();
    assert_eq!(failure.code, "bad_config");
    assert!(failure.message.contains("missing field `what`"), "{failure}");
}

#[test]
fn state_is_carried_over() {
    let mut host = host("remember");
    for seen in [0.0, 1.0, 2.0] {
        let evaluation = host.evaluate::<Obedient>().unwrap();
        assert_eq!(evaluation.finding("{}").value, seen);
    }
    host.state.insert("seen".to_owned(), b"no number".to_vec());
    let failure = host.evaluate::<Obedient>().unwrap_err();
    assert_eq!(failure.code, "bad_json");
    assert!(failure.message.contains(r#"the state under "seen""#), "{failure}");
}

#[test]
#[should_panic(expected = "no answer to")]
fn an_unknown_query_panics() {
    let _ = host("swallow").evaluate::<Obedient>();
}

#[test]
#[should_panic(expected = "outside an evaluation")]
fn the_host_is_there_only_within_an_evaluation() {
    log::info("lost");
}

#[test]
#[should_panic(expected = "two runs over the same inputs differ")]
fn a_rule_that_remembers_by_itself_is_found_out() {
    use std::sync::atomic::{AtomicU32, Ordering};
    struct Forgetful;
    static RUNS: AtomicU32 = AtomicU32::new(0);
    impl Rule for Forgetful {
        type Config = ();
        fn describe() -> Description {
            Description::default()
        }
        fn evaluate(_: &Context, (): ()) -> Result<Outcome, Error> {
            let mut outcome = Outcome::new();
            outcome
                .find(Finding::new())
                .value(f64::from(RUNS.fetch_add(1, Ordering::Relaxed)));
            Ok(outcome)
        }
    }
    let _ = FakeHost::new().evaluate::<Forgetful>();
}
