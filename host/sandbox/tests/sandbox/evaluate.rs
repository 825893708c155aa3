//! How runs of a rule end.

use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{
    Finding, Journal, LogLevel, LogLine, MetricChange, MetricUpdate, State, Timer,
};
use wasmalert_core::frame::FrameBuilder;
use wasmalert_core::limits::Limits;
use wasmalert_core::query::{Query, QueryError, QueryErrorCode, QueryTime};
use wasmalert_sandbox::{Verdict, World};

use crate::fixture::*;

/// Answers one finding about series `$series` of frame `$frame`, with the label
/// `job="hello"` on top where `$own` is 1.
const FIND: &str = r#"
  (func $find (param $frame i32) (param $series i32) (param $own i32)
    (i32.store (i32.const 2052) (i32.const 8192))
    (i32.store (i32.const 2056) (i32.const 1))
    (i32.store (i32.const 8192) (i32.const 1))
    (i32.store (i32.const 8196) (local.get $frame))
    (i32.store (i32.const 8200) (local.get $series))
    (i32.store (i32.const 8204) (i32.const 8300))
    (i32.store (i32.const 8208) (local.get $own))
    (f64.store (i32.const 8216) (f64.const 7.5))
    (i32.store (i32.const 8300) (i32.const 4112))
    (i32.store (i32.const 8304) (i32.const 3))
    (i32.store (i32.const 8308) (i32.const 4128))
    (i32.store (i32.const 8312) (i32.const 5)))"#;

fn labels_of(finding: &Finding) -> Labels {
    finding.labels().collect()
}

#[test]
fn a_rule_without_findings_is_done() {
    let component = load(&sandbox(), &rule("", ""));
    assert_eq!(component.world(), World::Rule);
    assert!(component.code_bytes() > 0);
    let evaluation = component.evaluate(&context(), &journal(&[], State::new()), &Limits::default());
    assert_eq!(evaluation.asked, []);
    assert!(evaluation.cost.fuel > 0 && evaluation.cost.fuel < 1_000);
    assert_eq!(evaluation.cost.host_calls, 0);
    assert!(evaluation.cost.wall_ns > 0);
    assert!(evaluation.cost.memory_bytes >= 2 << 16);
    let (outcome, effects) = done(evaluation);
    assert_eq!(outcome, Default::default());
    assert_eq!(effects, Default::default());
}

#[test]
fn a_query_that_is_not_there_ends_the_run_and_is_answered_in_the_next() {
    let wasm = rule(
        FIND,
        "(call $say) (call $ask (i32.const 0)) (call $find (i32.const 0) (i32.const 1) (i32.const 0))",
    );
    let component = load(&sandbox(), &wasm);
    let limits = Limits::default();
    let first = component.evaluate(&context(), &journal(&[], State::new()), &limits);
    assert_eq!(first.verdict, Verdict::Wants(vec![up()]));
    assert_eq!(first.asked, [up()]);
    let second = component.evaluate(
        &context(),
        &journal(&[(up(), Ok(frame()))], State::new()),
        &limits,
    );
    assert_eq!(second.asked, [up()]);
    let (outcome, effects) = done(second);
    assert_eq!(outcome.findings.len(), 1);
    assert_eq!(labels_of(&outcome.findings[0]).to_string(), r#"{job="b"}"#);
    assert_eq!(outcome.findings[0].value, 7.5);
    assert_eq!(
        effects.log.len(),
        1,
        "what the first run logged is not there twice"
    );
}

#[test]
fn labels_of_a_finding_win_over_those_of_its_series() {
    let body = "(call $ask (i32.const 0)) (call $find (i32.const 0) (i32.const 1) (i32.const 1))";
    let (outcome, _) = done(evaluate(&rule(FIND, body), &Limits::default()));
    assert_eq!(labels_of(&outcome.findings[0]).to_string(), r#"{job="hello"}"#);
}

#[test]
fn a_finding_about_a_frame_or_series_that_is_not_there_fails_the_run() {
    let limits = Limits::default();
    let find = |frame: u32, series: u32| {
        format!(
            "(call $ask (i32.const 0)) (call $find (i32.const {frame}) (i32.const {series}) (i32.const 0))"
        )
    };
    let (code, message) = fails(FIND, &find(1, 0), &limits);
    assert_eq!(
        (code, &*message),
        ("bad_outcome", "refers to frame 1, which this run did not receive")
    );
    let (code, message) = fails(FIND, &find(0, 2), &limits);
    assert_eq!(
        (code, &*message),
        ("bad_outcome", "refers to series 2 of frame 0, which has 2")
    );
}

#[test]
fn asking_again_gives_the_same_frame() {
    let body = "(call $ask (i32.const 0)) (call $ask (i32.const 0))
        (if (call $id (i32.load (i32.const 3076))) (then unreachable))";
    let evaluation = evaluate(&rule("", body), &Limits::default());
    assert_eq!(evaluation.asked, [up()]);
    done(evaluation);
}

#[test]
fn prefetch_wants_everything_that_is_missing_at_once() {
    // Two instant queries and a range query, of which the first is asked twice.
    let query = |at: u32, expr_bytes: u32| {
        format!(
            "(i32.store (i32.const {}) (i32.const 4096)) (i32.store (i32.const {}) (i32.const {expr_bytes}))",
            at + 8,
            at + 12
        )
    };
    let body = [
        query(8192, 2),
        query(8232, 1),
        query(8272, 2),
        query(8400, 2),
        "(i64.store (i32.const 8424) (i64.const 100)) (i64.store (i32.const 8432) (i64.const 10))
         (call $prefetch (i32.const 8192) (i32.const 3) (i32.const 8400) (i32.const 1))
         (call $ask (i32.const 0))"
            .to_owned(),
    ];
    let component = load(&sandbox(), &rule("", &body.concat()));
    let u = Query {
        expr: "u".into(),
        ..up()
    };
    let range = Query {
        time: QueryTime::Range {
            start_ms: 0,
            end_ms: 100,
            step_ms: 10,
        },
        ..up()
    };
    let known = (up(), Ok(frame()));
    let evaluation = component.evaluate(
        &context(),
        &journal(std::slice::from_ref(&known), State::new()),
        &Limits::default(),
    );
    assert_eq!(evaluation.asked, [up(), u.clone(), range.clone()]);
    assert_eq!(evaluation.verdict, Verdict::Wants(vec![u.clone(), range.clone()]));
    let all = [known, (u, Ok(frame())), (range, Ok(frame()))];
    done(component.evaluate(&context(), &journal(&all, State::new()), &Limits::default()));
}

#[test]
fn a_failed_query_fails_the_run_even_if_the_rule_says_nothing() {
    let error = QueryError {
        code: QueryErrorCode::Timeout,
        message: "took too long".into(),
    };
    let failed = journal(&[(up(), Err(error))], State::new());
    let sandbox = sandbox();
    let swallow = load(&sandbox, &rule("", "(call $ask (i32.const 0))"));
    let fault = fault(swallow.evaluate(&context(), &failed, &Limits::default()));
    assert_eq!(fault.code.as_str(), "query_timeout");
    assert_eq!(
        fault.message,
        "query `up` to source `default` failed: took too long"
    );
    // An error of its own does not hide it either.
    let own = load(
        &sandbox,
        &rule(
            "",
            "(call $ask (i32.const 0)) (i32.store8 (i32.const 2048) (i32.const 1))",
        ),
    );
    let fault = crate::fixture::fault(own.evaluate(&context(), &failed, &Limits::default()));
    assert_eq!(fault.code.as_str(), "query_timeout");
    // A rule that has said so goes on: it sees the error (1) and not a frame (0).
    let body = "(call $ask (i32.const 1))
        (if (i32.eqz (i32.load8_u (i32.const 3072))) (then unreachable))";
    done(load(&sandbox, &rule("", body)).evaluate(&context(), &failed, &Limits::default()));
}

#[test]
fn an_error_of_the_component_carries_its_words() {
    let body = "(i32.store8 (i32.const 2048) (i32.const 1))
        (i32.store (i32.const 2052) (i32.const 4112)) (i32.store (i32.const 2056) (i32.const 3))
        (i32.store (i32.const 2060) (i32.const 4128)) (i32.store (i32.const 2064) (i32.const 5))";
    let (code, message) = fails("", body, &Limits::default());
    assert_eq!((code, &*message), ("component_error", "job: hello"));
}

#[test]
fn a_trap_names_what_happened_and_where_and_keeps_the_log() {
    let items = "(func $divide (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))))";
    let evaluation = evaluate(
        &rule(items, "(call $say) (call $divide (i32.const 0))"),
        &Limits::default(),
    );
    let Verdict::Failed { fault, log } = evaluation.verdict else {
        panic!("did not fail")
    };
    assert_eq!(fault.code.as_str(), "trap");
    assert!(
        fault.message.starts_with("integer divide by zero in divide"),
        "{}",
        fault.message
    );
    assert_eq!(
        log,
        [LogLine {
            level: LogLevel::Info,
            message: "hello".into(),
            fields: Vec::new()
        }]
    );
}

#[test]
fn a_range_query_must_make_sense() {
    let range = |start: i64, end: i64, step: i64| {
        format!(
            "(call $range (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 2) (i64.const {start})
               (i64.const {end}) (i64.const {step}) (i32.const 0) (i32.const 3072))"
        )
    };
    let limits = Limits::default();
    assert_eq!(fails("", &range(0, 10, 0), &limits).0, "bad_call");
    assert_eq!(fails("", &range(0, 10, -1), &limits).0, "bad_call");
    assert_eq!(
        fails("", &range(10, 9, 1), &limits),
        (
            "bad_call",
            "a range query ends at 9, before its start at 10".to_owned()
        )
    );
}

#[test]
fn state_reads_see_the_writes_of_the_run_and_nothing_is_kept_before_it_succeeds() {
    // job: "a" is there before; is set to "hello", read back, then `up` removed.
    let body = "(call $state_set (i32.const 4112) (i32.const 3) (i32.const 4128) (i32.const 5))
        (call $state_get (i32.const 4112) (i32.const 3) (i32.const 3072))
        (if (i32.ne (i32.load (i32.const 3080)) (i32.const 5)) (then unreachable))
        (call $state_delete (i32.const 4096) (i32.const 2))
        (call $state_get (i32.const 4096) (i32.const 2) (i32.const 3072))
        (if (i32.load8_u (i32.const 3072)) (then unreachable))
        (call $state_keys (i32.const 0) (i32.const 0) (i32.const 3072))
        (if (i32.ne (i32.load (i32.const 3076)) (i32.const 1)) (then unreachable))";
    let before = State::from([("job".into(), b"a".to_vec()), ("up".into(), b"b".to_vec())]);
    let journal: Arc<Journal> = journal(&[], before.clone());
    let evaluation = load(&sandbox(), &rule("", body)).evaluate(&context(), &journal, &Limits::default());
    let (_, effects) = done(evaluation);
    assert_eq!(*journal.state, before);
    assert_eq!(
        effects.state_after(&before),
        State::from([("job".into(), b"hello".to_vec())])
    );
}

#[test]
fn describe_may_log_and_nothing_else() {
    let wat = |call: &str| {
        let from = r#"#describe") (result i32)"#;
        embed(&rule_wat("", "").replace(from, &format!("{from} {call}")), "rule")
    };
    let sandbox = sandbox();
    let run = load(&sandbox, &wat("(call $say)")).describe(&Limits::default());
    assert_eq!(run.result, Ok(Default::default()));
    assert_eq!(run.log.len(), 1);
    let run = load(&sandbox, &wat("(call $ask (i32.const 0))")).describe(&Limits::default());
    assert_eq!(run.result.unwrap_err().code.as_str(), "bad_call");
}

#[test]
fn two_runs_over_one_journal_are_identical() {
    let body = "(call $ask (i32.const 0)) (call $say) (call $find (i32.const 0) (i32.const 0) (i32.const 0))";
    let component = load(&sandbox(), &rule(FIND, body));
    let journal = journal(&[(up(), Ok(frame()))], State::new());
    let [a, b] = [(); 2].map(|()| component.evaluate(&context(), &journal, &Limits::default()));
    assert_eq!(a.verdict, b.verdict);
    assert_eq!(
        (a.cost.fuel, a.cost.boundary_bytes),
        (b.cost.fuel, b.cost.boundary_bytes)
    );
}

#[test]
fn timers_and_metrics_of_a_run_are_effects() {
    let body =
        "(call $timer_set (i32.const 4112) (i32.const 3) (i64.const 99) (i32.const 4128) (i32.const 5))
        (call $count (i32.const 4096) (i32.const 2) (i32.const 0) (i32.const 0) (f64.const 1.5))";
    let (_, effects) = done(evaluate(&rule("", body), &Limits::default()));
    let timer = Timer {
        due_ms: 99,
        payload: b"hello".to_vec(),
    };
    assert_eq!(effects.timers, [("job".to_owned(), Some(timer))].into());
    let update = MetricUpdate {
        name: "up".into(),
        labels: Labels::new(),
        change: MetricChange::Count(1.5),
    };
    assert_eq!(effects.metrics, [update]);
}

#[test]
fn the_columns_of_a_range_result() {
    let mut builder = FrameBuilder::new();
    for samples in [&[(1, 1.5), (2, 2.5)][..], &[(3, 3.5)]] {
        builder.label("job", "a");
        samples.iter().for_each(|(at, value)| builder.sample(*at, *value));
        builder.end_series().unwrap();
    }
    let answer = Arc::new(builder.finish());
    // Newest values, then offsets, then all times as bytes; each unexpected one traps.
    let items = r#"(func $f64 (param $list i32) (param $at i32) (param $value f64)
        (if (f64.ne (local.get $value) (f64.load (i32.add (i32.load (local.get $list)) (local.get $at))))
          (then unreachable)))
      (func $i32 (param $list i32) (param $at i32) (param $value i32)
        (if (i32.ne (local.get $value) (i32.load (i32.add (i32.load (local.get $list)) (local.get $at))))
          (then unreachable)))"#;
    let body = "(call $ask (i32.const 0)) (local.set $i (i32.load (i32.const 3076)))
        (if (i32.ne (call $len (local.get $i)) (i32.const 2)) (then unreachable))
        (call $values (local.get $i) (i32.const 3072))
        (if (i32.ne (i32.load (i32.const 3076)) (i32.const 2)) (then unreachable))
        (call $f64 (i32.const 3072) (i32.const 0) (f64.const 2.5))
        (call $f64 (i32.const 3072) (i32.const 8) (f64.const 3.5))
        (call $offsets (local.get $i) (i32.const 3072))
        (if (i32.ne (i32.load (i32.const 3076)) (i32.const 3)) (then unreachable))
        (call $i32 (i32.const 3072) (i32.const 4) (i32.const 2))
        (call $i32 (i32.const 3072) (i32.const 8) (i32.const 3))
        (call $packed (local.get $i) (i32.const 3072))
        (if (i32.ne (i32.load (i32.const 3076)) (i32.const 24)) (then unreachable))
        (call $i32 (i32.const 3072) (i32.const 16) (i32.const 3))";
    let imports = r#"(module
      (import "wasmalert:rules/query@0.1.0" "[method]frame.sample-offsets" (func $offsets (param i32 i32)))
      (import "wasmalert:rules/query@0.1.0" "[method]frame.all-timestamps-ms-packed"
        (func $packed (param i32 i32)))"#;
    let wasm = embed(&rule_wat(items, body).replacen("(module", imports, 1), "rule");
    let journal = journal(&[(up(), Ok(answer))], State::new());
    done(load(&sandbox(), &wasm).evaluate(&context(), &journal, &Limits::default()));
}

#[test]
fn a_series_that_is_not_there_is_a_bad_call() {
    let body = "(call $ask (i32.const 0))
        (call $labels (i32.load (i32.const 3076)) (i32.const 2) (i32.const 3072))";
    let (code, message) = fails("", body, &Limits::default());
    assert_eq!(
        (code, &*message),
        ("bad_call", "there is no series 2 in a frame of 2")
    );
}
