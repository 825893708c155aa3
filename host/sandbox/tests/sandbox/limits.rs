//! Every limit has its own code.

use std::thread;

use wasmalert_core::evaluation::State;
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_sandbox::{Component, Sandbox, SandboxConfig, SandboxError, Verdict};

use crate::fixture::*;

const FOREVER: &str = "(loop $l (br $l))";

/// A call, over and over.
fn repeat(call: &str) -> String {
    format!("(loop $l {call} (br $l))")
}

/// Runs a rule with one limit lowered and gives its fault's code.
#[track_caller]
fn over(limit: Limit, allowed: u64, items: &str, body: &str) -> &'static str {
    let mut limits = Limits::default();
    limits.set(limit, allowed);
    fails(items, body, &limits).0
}

#[test]
fn fuel() {
    let mut limits = Limits::default();
    limits.set(Limit::Fuel, 10_000);
    let evaluation = evaluate(&rule("", FOREVER), &limits);
    assert!(
        (9_900..=10_000).contains(&evaluation.cost.fuel),
        "{}",
        evaluation.cost.fuel
    );
    let fault = fault(evaluation);
    assert_eq!(fault.code.as_str(), "fuel_exceeded");
    assert_eq!(fault.message, "over the limit fuel of 10000 instructions");
}

#[test]
fn the_edge_of_fuel_is_always_at_the_same_instruction() {
    let thousand = "(loop $l (br_if $l (i32.lt_u
        (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))";
    let component = load(&sandbox(), &rule("", thousand));
    let run = |fuel: u64| {
        let mut limits = Limits::default();
        limits.set(Limit::Fuel, fuel);
        component.evaluate(&context(), &journal(&[], State::new()), &limits)
    };
    let (mut fails, mut passes) = (0, 1_000_000);
    while passes - fails > 1 {
        let fuel = u64::midpoint(fails, passes);
        match run(fuel).verdict {
            Verdict::Done { .. } => passes = fuel,
            _ => fails = fuel,
        }
    }
    let spent = run(1_000_000).cost.fuel;
    assert!((passes..=passes + 10).contains(&spent), "{spent} of {passes}");
    for _ in 0..20 {
        done(run(passes));
        assert_eq!(fault(run(fails)).code.as_str(), "fuel_exceeded");
        assert_eq!(run(1_000_000).cost.fuel, spent);
    }
}

#[test]
fn deadline() {
    let mut limits = Limits::default();
    limits.set(Limit::Fuel, u64::MAX);
    limits.set(Limit::DeadlineMs, 50);
    let evaluation = evaluate(&rule("", FOREVER), &limits);
    assert!(
        evaluation.cost.wall_ns >= 50_000_000,
        "never early: {}",
        evaluation.cost.wall_ns
    );
    assert_eq!(fault(evaluation).code.as_str(), "deadline_ms_exceeded");
}

#[test]
fn a_deadline_or_fuel_of_any_size_is_safe() {
    let mut limits = Limits::default();
    for limit in [
        Limit::Fuel,
        Limit::DeadlineMs,
        Limit::BoundaryBytes,
        Limit::MemoryBytes,
    ] {
        limits.set(limit, u64::MAX);
    }
    done(evaluate(&rule("", ""), &limits));
}

#[test]
fn memory() {
    let grow = repeat("(drop (memory.grow (i32.const 16)))");
    assert_eq!(
        over(Limit::MemoryBytes, 4 << 20, "", &grow),
        "memory_bytes_exceeded"
    );
    // What a component starts with counts too.
    assert_eq!(over(Limit::MemoryBytes, 1 << 16, "", ""), "memory_bytes_exceeded");
    // The pool's size bounds it whatever the limit says.
    assert_eq!(
        over(Limit::MemoryBytes, u64::MAX, "", &grow),
        "memory_bytes_exceeded"
    );
    let table = repeat("(drop (table.grow $t (ref.null func) (i32.const 1000)))");
    assert_eq!(
        over(Limit::MemoryBytes, 1 << 18, "(table $t 0 funcref)", &table),
        "memory_bytes_exceeded"
    );
}

#[test]
fn stack() {
    let items = "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))";
    let (code, _) = fails(items, "(drop (call $deep (i32.const 0)))", &Limits::default());
    assert_eq!(code, "stack_bytes_exceeded");
}

#[test]
fn host_calls_and_the_bytes_they_copy() {
    let delete = repeat("(call $state_delete (i32.const 4096) (i32.const 2))");
    assert_eq!(over(Limit::HostCalls, 100, "", &delete), "host_calls_exceeded");
    let values = format!(
        "(call $ask (i32.const 0)) {}",
        repeat(
            "(call $values (i32.load (i32.const 3076)) (i32.const 3072)) (call $ask (i32.const 0)) (global.set $heap (i32.const 16384))"
        )
    );
    assert_eq!(
        over(Limit::BoundaryBytes, 4_096, "", &values),
        "boundary_bytes_exceeded"
    );
}

#[test]
fn more_than_the_boundary_allows_in_one_call() {
    // 4 Ki findings out of zeroed memory, each 48 bytes for the guest.
    let body = "(i32.store (i32.const 2052) (i32.const 32768))
        (i32.store (i32.const 2056) (i32.const 2048))";
    assert_eq!(
        over(Limit::BoundaryBytes, 100_000, "", body),
        "boundary_bytes_exceeded"
    );
    assert_eq!(over(Limit::Findings, 2_047, "", body), "findings_exceeded");
    let limits = Limits::default();
    assert_eq!(done(evaluate(&rule("", body), &limits)).0.findings.len(), 2_048);
}

#[test]
fn what_the_host_cannot_read_is_a_bad_call() {
    let body = "(i32.store (i32.const 2052) (i32.const 32768)) (i32.store (i32.const 2056) (i32.const -1))";
    assert_eq!(fails("", body, &Limits::default()).0, "bad_call");
}

#[test]
fn frames_open() {
    let ask = repeat("(call $ask (i32.const 0))");
    assert_eq!(fails("", &ask, &Limits::default()).0, "bad_call");
    let body = "(loop $l (call $ask (i32.const 0)) (call $drop (i32.load (i32.const 3076)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $i) (i32.const 20001))))";
    done(evaluate(&rule("", body), &Limits::default()));
}

#[test]
fn queries() {
    let ask = "(call $ask (i32.const 0))
        (call $instant (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 1)
          (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 3072))";
    assert_eq!(over(Limit::Queries, 1, "", ask), "queries_exceeded");
}

#[test]
fn log_lines() {
    assert_eq!(
        over(Limit::LogBytes, 1_000, "", &repeat("(call $say)")),
        "log_bytes_exceeded"
    );
    let empty = repeat("(call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))");
    assert_eq!(over(Limit::LogBytes, 1_000, "", &empty), "log_bytes_exceeded");
}

#[test]
fn state_and_timers() {
    // A key of its own for each call: 4 bytes at 8192.
    let set = repeat(
        "(i32.store (i32.const 8192) (local.get $i)) (local.set $i (i32.add (local.get $i) (i32.const 1)))
         (call $state_set (i32.const 8192) (i32.const 1) (i32.const 4128) (i32.const 5))",
    );
    assert_eq!(over(Limit::StateKeys, 100, "", &set), "state_keys_exceeded");
    assert_eq!(over(Limit::StateBytes, 100, "", &set), "state_bytes_exceeded");
    let timer = set.replace("$state_set", "$timer_set").replace(
        "(i32.const 1) (i32.const 4128)",
        "(i32.const 1) (i64.const 9) (i32.const 4128)",
    );
    assert_eq!(over(Limit::Timers, 10, "", &timer), "timers_exceeded");
    assert_eq!(over(Limit::TimerBytes, 100, "", &timer), "timer_bytes_exceeded");
}

#[test]
fn state_over_its_limit_may_shrink() {
    let body = "(call $state_set (i32.const 4112) (i32.const 3) (i32.const 4128) (i32.const 5))";
    let mut limits = Limits::default();
    limits.set(Limit::StateBytes, 10);
    let before = State::from([("job".into(), vec![0; 100])]);
    let component = load(&sandbox(), &rule("", body));
    done(component.evaluate(&context(), &journal(&[], before), &limits));
    let before = State::from([("job".into(), vec![0; 4]), ("up".into(), vec![0; 4])]);
    let evaluation = component.evaluate(&context(), &journal(&[], before), &limits);
    assert_eq!(fault(evaluation).code.as_str(), "state_bytes_exceeded");
}

#[test]
fn metrics() {
    let count =
        |name: &str, by: &str| format!("(call $count {name} (i32.const 0) (i32.const 0) (f64.const {by}))");
    let limits = Limits::default();
    let (_, effects) = done(evaluate(
        &rule("", &count("(i32.const 4096) (i32.const 2)", "2")),
        &limits,
    ));
    assert_eq!(effects.metrics.len(), 1);
    for by in ["-1", "nan", "inf"] {
        assert_eq!(
            fails("", &count("(i32.const 4096) (i32.const 2)", by), &limits).0,
            "bad_call"
        );
    }
    let (code, message) = fails("", &count("(i32.const 4144) (i32.const 8)", "1"), &limits);
    assert_eq!(
        (code, &*message),
        (
            "bad_call",
            r#""bad name" is no metric name: [a-zA-Z_:][a-zA-Z0-9_:]*"#
        )
    );
    let two = count("(i32.const 4096) (i32.const 1)", "1") + &count("(i32.const 4096) (i32.const 2)", "1");
    assert_eq!(over(Limit::MetricSeries, 1, "", &two), "metric_series_exceeded");
}

#[test]
fn a_full_pool_is_no_fault_of_the_rule() {
    let sandbox = Sandbox::new(&SandboxConfig {
        instances: 1,
        ..SandboxConfig::default()
    })
    .unwrap();
    let (busy, quick) = (load(&sandbox, &rule("", FOREVER)), load(&sandbox, &rule("", "")));
    let code = |component: &Component| {
        let mut limits = Limits::default();
        limits.set(Limit::Fuel, u64::MAX);
        match component
            .evaluate(&context(), &journal(&[], State::new()), &limits)
            .verdict
        {
            Verdict::Failed { fault, .. } => fault.code.as_str(),
            _ => "done",
        }
    };
    // Each tries until the other has taken the only instance.
    let holder = thread::spawn(move || (0..).map(|_| code(&busy)).find(|code| *code != "overloaded"));
    assert!((0..).map(|_| code(&quick)).any(|code| code == "overloaded"));
    assert_eq!(holder.join().unwrap(), Some("deadline_ms_exceeded"));
    assert_eq!(code(&quick), "done", "the instance is free again");
}

#[test]
fn a_pool_that_does_not_fit_says_what_to_change() {
    let result = Sandbox::new(&SandboxConfig {
        instances: 1_000_000,
        ..SandboxConfig::default()
    });
    let Err(error @ SandboxError::Pool { .. }) = result else {
        panic!("4 PB fit")
    };
    let message = error.to_string();
    assert!(message.contains("lower the number of instances"), "{message}");
}
