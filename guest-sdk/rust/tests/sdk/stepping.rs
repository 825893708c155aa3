//! Time, slots and timers over several evaluations.

use wasmalert::prelude::*;
use wasmalert::testing::{FakeHost, START_MS};

/// Counts its slots and wakes itself 10 s after each.
struct Waker;

#[derive(Deserialize)]
struct Config {
    after_ms: i64,
}

impl Rule for Waker {
    type Config = Config;

    fn describe() -> Description {
        Description::default()
    }

    fn evaluate(context: &Context, config: Config) -> Result<Outcome, Error> {
        let mut outcome = Outcome::new();
        if let Some(timer) = context.timer() {
            outcome
                .find(Finding::new())
                .label("timer", timer)
                .label("due", context.trigger.due_ms);
            if config.after_ms > 0 {
                return Ok(outcome);
            }
        }
        let slots: i64 = state::load("slots")?.unwrap_or(0) + 1;
        state::save("slots", &slots)?;
        timers::set("wake", context.now_ms + config.after_ms, &[slots as u8]);
        assert_eq!(context.label("team"), "core");
        Ok(outcome)
    }
}

fn host(after_ms: i64) -> FakeHost {
    let config = format!(r#"{{"after_ms": {after_ms}}}"#);
    FakeHost::new()
        .config(config)
        .labels(r#"{team="core"}"#)
        .interval_ms(30_000)
}

#[test]
fn slots_and_due_timers_come_in_order() {
    let mut host = host(10_000);
    let steps = host.run_for::<Waker>(75_000);
    let times: Vec<_> = steps
        .iter()
        .map(|step| (step.now_ms - START_MS, step.timer.as_deref()))
        .collect();
    assert_eq!(
        times,
        [
            (30_000, None),
            (40_000, Some("wake")),
            (60_000, None),
            (70_000, Some("wake"))
        ]
    );
    let found = steps[1].result.as_ref().unwrap().found();
    assert_eq!(
        found,
        [format!(r#"{{due="{}", timer="wake"}}"#, START_MS + 40_000)]
    );
    assert_eq!(host.state["slots"], b"2");
    assert_eq!(host.now_ms, START_MS + 75_000);
    assert!(host.timers.is_empty());
}

#[test]
fn a_timer_in_the_past_is_due_at_once() {
    let mut host = host(10_000);
    host.evaluate::<Waker>().unwrap();
    host.advance_ms(20_000);
    let steps = host.run_for::<Waker>(0);
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].now_ms, START_MS + 20_000);
}

#[test]
#[should_panic(expected = "does a timer set itself?")]
fn a_timer_that_sets_itself_for_now_is_found_out() {
    host(0).run_for::<Waker>(60_000);
}
