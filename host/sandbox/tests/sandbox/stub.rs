//! Core modules that import WASI 0.1 get the stub.

use std::sync::Arc;

use wasmalert_core::evaluation::{Context, Effects, LogLevel, LogLine, State};
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_sandbox::{Evaluation, HttpResponse, Verdict};

use crate::fixture::*;
use crate::notify::{batch, notifier_wat};

const IMPORTS: &str = r#"
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_res_get" (func $clock_res (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fdstat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $filestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $shutdown (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;

/// 5000: texts. 6000: buffers and subscriptions. 8192: what was seen.
const ITEMS: &str = r#"
  (data (i32.const 5000) "one\ntwo\r\nthr\ff\n\nopen")
  (func $ok (param $errno i32) (if (local.get $errno) (then unreachable)))
  (func $print (param $fd i32) (param $at i32) (param $len i32)
    (i32.store (i32.const 6000) (local.get $at))
    (i32.store (i32.const 6004) (local.get $len))
    (call $ok (call $write (local.get $fd) (i32.const 6000) (i32.const 1) (i32.const 6008)))
    (if (i32.ne (i32.load (i32.const 6008)) (local.get $len)) (then unreachable)))
  (func $subscribe (param $at i32) (param $kind i32) (param $what i32) (param $timeout i64) (param $flags i32)
    (i64.store (local.get $at) (i64.extend_i32_u (local.get $at)))
    (i32.store8 offset=8 (local.get $at) (local.get $kind))
    (i32.store offset=16 (local.get $at) (local.get $what))
    (i64.store offset=24 (local.get $at) (local.get $timeout))
    (i32.store16 offset=40 (local.get $at) (local.get $flags)))
  (func $see_clock (param $clock i32) (param $at i32)
    (call $ok (call $clock (local.get $clock) (i64.const 0) (local.get $at))))"#;

const NOW_NS: u64 = NOW_MS as u64 * 1_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// Where the monotonic clock starts.
const START_NS: u64 = SECOND_NS;

fn with_wasi(wat: &str) -> String {
    wat.replacen("(module", &format!("(module {IMPORTS}"), 1)
}

fn wasi_rule(body: &str) -> Vec<u8> {
    embed(&with_wasi(&rule_wat(ITEMS, body)), "rule")
}

fn run_at(context: &Arc<Context>, body: &str) -> Evaluation {
    let journal = journal(&[(up(), Ok(frame()))], State::new());
    load(&sandbox(), &wasi_rule(body)).evaluate(context, &journal, &Limits::default())
}

fn run(body: &str) -> Effects {
    done(run_at(&context(), body)).1
}

/// The numbers that a run left at 8192.
fn seen_at(context: &Arc<Context>, numbers: usize, body: &str) -> Vec<u64> {
    let bytes = 8 * numbers;
    let keep =
        format!("(call $state_set (i32.const 4128) (i32.const 5) (i32.const 8192) (i32.const {bytes}))");
    let (_, effects) = done(run_at(context, &format!("{body} {keep}")));
    let kept = effects.state["hello"].as_ref().unwrap();
    let numbers = kept.chunks_exact(8);
    numbers
        .map(|number| u64::from_le_bytes(number.try_into().unwrap()))
        .collect()
}

fn seen(numbers: usize, body: &str) -> Vec<u64> {
    seen_at(&context(), numbers, body)
}

/// Error numbers of calls, one after the other.
fn errnos<const N: usize>(calls: [&str; N]) -> [u64; N] {
    let stores = calls.iter().enumerate().map(|(index, call)| {
        format!(
            "(i64.store (i32.const {}) (i64.extend_i32_u {call}))",
            8192 + 8 * index
        )
    });
    seen(N, &stores.collect::<String>()).try_into().unwrap()
}

fn line(level: LogLevel, message: &str) -> LogLine {
    LogLine {
        level,
        message: message.to_owned(),
        fields: Vec::new(),
    }
}

#[test]
fn only_the_stub_imports_what_is_behind_it() {
    let wasm = wasi_rule("(call $see_clock (i32.const 0) (i32.const 8192))");
    let inspection = wasmalert_sandbox::inspect(&wasm).unwrap();
    assert!(inspection.wasi_stub);
    assert_eq!(inspection.problems, [""; 0]);
    let contract = |import: &String| import.starts_with("wasmalert:rules/");
    assert!(
        inspection.imports.iter().all(contract),
        "{:?}",
        inspection.imports
    );

    let component = wasmalert_sandbox::componentize(&wasm).unwrap();
    let error = compile(&component).unwrap_err();
    assert_eq!(error.code, "world_mismatch");
    let expected = "import `wasmalert:host/wasi@0.1.0` is not allowed: only the WASI stub of this host may; \
                    upload the core module that it was put into";
    assert_eq!(error.problems, [expected]);

    // A module that brings the import along gets it neither with the stub nor without.
    let change = |text: String| {
        let package = "\npackage wasmalert:host@0.1.0 { interface wasi { seed: func() -> u64; } }";
        let imported = text.replace(
            "import metrics;",
            "import metrics; import wasmalert:host/wasi@0.1.0;",
        );
        if imported == text {
            text
        } else {
            imported + package
        }
    };
    let import = r#"(module (import "wasmalert:host/wasi@0.1.0" "seed" (func (result i64)))"#;
    let bare = rule_wat(ITEMS, "").replacen("(module", import, 1);
    for wat in [with_wasi(&bare), rule_wat("", "").replacen("(module", import, 1)] {
        let error = compile(&embed_changed(&wat, "rule", &change)).unwrap_err();
        assert_eq!(error.problems, [expected]);
    }
}

#[test]
fn clocks_stand_at_the_slot() {
    let look = "
      (call $see_clock (i32.const 0) (i32.const 8192))
      (call $see_clock (i32.const 1) (i32.const 8200))
      (call $see_clock (i32.const 2) (i32.const 8208))
      (loop $wait (br_if $wait (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))
      (call $see_clock (i32.const 0) (i32.const 8216))
      (call $see_clock (i32.const 1) (i32.const 8224))";
    assert_eq!(seen(5, look), [NOW_NS, START_NS, 0, NOW_NS, START_NS]);
    for (now_ms, ns) in [(1, 1_000_000), (-1, 0), (i64::MAX, i64::MAX as u64)] {
        let mut at = Context::clone(&context());
        at.now_ms = now_ms;
        assert_eq!(seen_at(&Arc::new(at), 5, look), [ns, START_NS, 0, ns, START_NS]);
    }
    let no_clock = [
        "(call $clock (i32.const 4) (i64.const 0) (i32.const 6000))",
        "(call $clock_res (i32.const 4) (i32.const 6000))",
        "(call $clock_res (i32.const 1) (i32.const 6000))",
    ];
    assert_eq!(errnos(no_clock), [28, 28, 0]);
}

#[test]
fn asking_for_the_time_is_one_call_of_the_host() {
    let often = "(loop $l
      (call $see_clock (i32.const 0) (i32.const 8192))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))";
    assert_eq!(run_at(&context(), often).cost.host_calls, 1);
}

#[test]
fn the_monotonic_clock_may_be_read_while_the_host_allocates() {
    // The first allocation is for the context, before anything else has run.
    let look = "(call $ok (call $clock (i32.const 1) (i64.const 0) (i32.const 7000)))";
    let allocate = "(local.set $old (global.get $heap))";
    let wat = with_wasi(&rule_wat(ITEMS, "")).replacen(allocate, &format!("{look} {allocate}"), 1);
    let journal = journal(&[], State::new());
    let evaluation =
        load(&sandbox(), &embed(&wat, "rule")).evaluate(&context(), &journal, &Limits::default());
    assert_eq!(evaluation.cost.host_calls, 0);
    done(evaluation);
}

#[test]
fn randomness_follows_from_the_rule_and_the_slot() {
    let bytes = "(call $ok (call $random (i32.const 8192) (i32.const 40)))";
    let first = seen(5, bytes);
    assert_eq!(first, seen(5, bytes), "the same for the same inputs");
    let mut different = first.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 5, "{first:x?}");

    let mut later = Context::clone(&context());
    later.now_ms += 1;
    let mut other = Context::clone(&context());
    other.rule.rule = "other".into();
    for context in [later, other] {
        assert_ne!(seen_at(&Arc::new(context), 5, bytes), first);
    }
}

#[test]
fn random_bytes_fill_the_buffer_and_no_more() {
    let fill = "
      (i64.store (i32.const 8192) (i64.const 0)) (i64.store (i32.const 8200) (i64.const 0))
      (call $ok (call $random (i32.const 8192) (i32.const 0)))
      (if (i64.ne (i64.load (i32.const 8192)) (i64.const 0)) (then unreachable))
      (call $ok (call $random (i32.const 8192) (i32.const 11)))";
    let [first, second] = seen(2, fill)[..] else {
        panic!()
    };
    assert_ne!(first, 0);
    assert!(second != 0 && second < 1 << 24, "{second:x}");
}

#[test]
fn printed_lines_go_to_the_log() {
    let effects = run("
      (call $print (i32.const 1) (i32.const 5000) (i32.const 6))
      (call $say)
      (call $print (i32.const 2) (i32.const 5009) (i32.const 5))
      (call $print (i32.const 1) (i32.const 5006) (i32.const 3))
      (call $print (i32.const 1) (i32.const 5014) (i32.const 5))
      (call $print (i32.const 2) (i32.const 5000) (i32.const 1))");
    let expected = [
        line(LogLevel::Info, "one"),
        line(LogLevel::Info, "hello"),
        line(LogLevel::Warn, "thr\u{fffd}"),
        line(LogLevel::Info, "two"),
        line(LogLevel::Info, ""),
        line(LogLevel::Info, "open"),
        line(LogLevel::Warn, "o"),
    ];
    assert_eq!(effects.log, expected);
}

#[test]
fn several_buffers_are_one_write() {
    let effects = run("
      (i32.store (i32.const 6000) (i32.const 5000)) (i32.store (i32.const 6004) (i32.const 3))
      (i32.store (i32.const 6008) (i32.const 0)) (i32.store (i32.const 6012) (i32.const 0))
      (i32.store (i32.const 6016) (i32.const 5004)) (i32.store (i32.const 6020) (i32.const 4))
      (call $ok (call $write (i32.const 1) (i32.const 6000) (i32.const 3) (i32.const 8192)))
      (if (i32.ne (i32.load (i32.const 8192)) (i32.const 7)) (then unreachable))");
    assert_eq!(effects.log, [line(LogLevel::Info, "onetwo")]);
}

#[test]
fn what_a_failed_run_printed_is_kept() {
    let evaluation = run_at(
        &context(),
        "(call $print (i32.const 2) (i32.const 5000) (i32.const 6)) unreachable",
    );
    let Verdict::Failed { fault, log } = evaluation.verdict else {
        panic!("{:?}", evaluation.verdict)
    };
    assert_eq!(fault.code.as_str(), "trap");
    assert_eq!(log, [line(LogLevel::Warn, "one"), line(LogLevel::Warn, "tw")]);
}

#[test]
fn printing_counts_against_the_log() {
    let mut limits = Limits::default();
    limits.set(Limit::LogBytes, 40);
    // Lines of four bytes with their ends; bytes without an end, to both streams in turn.
    let lines = "(call $print (i32.const 1) (i32.const 5000) (i32.const 4))";
    let bytes = "(call $print (i32.add (i32.and (local.get $i) (i32.const 1)) (i32.const 1))
      (i32.const 5000) (i32.const 1))";
    for (print, fits, log_bytes) in [(lines, 10, 30), (bytes, 40, 40)] {
        let times = |times: u32| {
            let body = format!(
                "(loop $l {print} (local.set $i (i32.add (local.get $i) (i32.const 1)))
                   (br_if $l (i32.lt_u (local.get $i) (i32.const {times}))))"
            );
            let component = load(&sandbox(), &wasi_rule(&body));
            component.evaluate(&context(), &journal(&[], State::new()), &limits)
        };
        let logged = |log: &[LogLine]| log.iter().map(|line| line.message.len()).sum::<usize>();
        assert_eq!(logged(&done(times(fits)).1.log), log_bytes);
        let Verdict::Failed { fault, log } = times(fits + 1).verdict else {
            panic!("{print} fits {fits} times and once more")
        };
        assert_eq!(fault.code.as_str(), "log_bytes_exceeded");
        assert_eq!(logged(&log), log_bytes);
    }
}

#[test]
fn two_runs_are_identical() {
    let body = "
      (call $ok (call $random (i32.const 8192) (i32.const 64)))
      (call $print (i32.const 1) (i32.const 8192) (i32.const 64))
      (call $subscribe (i32.const 6000) (i32.const 0) (i32.const 1)
        (i64.and (i64.load (i32.const 8192)) (i64.const 0xffff)) (i32.const 0))
      (call $ok (call $poll (i32.const 6000) (i32.const 7000) (i32.const 1) (i32.const 6992)))
      (call $see_clock (i32.const 1) (i32.const 8256))
      (call $state_set (i32.const 4128) (i32.const 5) (i32.const 8192) (i32.const 72))";
    let component = load(&sandbox(), &wasi_rule(body));
    let journal = journal(&[], State::new());
    let once = || {
        let evaluation = component.evaluate(&context(), &journal, &Limits::default());
        (evaluation.cost.fuel, done(evaluation))
    };
    let first = once();
    assert!(!first.1.1.log.is_empty());
    assert_eq!(first, once());
}

#[test]
fn there_are_no_arguments_variables_files_or_sockets() {
    let counts = "
      (i64.store (i32.const 8192) (i64.const -1)) (i64.store (i32.const 8200) (i64.const -1))
      (call $ok (call $args (i32.const 8192) (i32.const 8196)))
      (call $ok (call $environ (i32.const 8200) (i32.const 8204)))";
    assert_eq!(seen(2, counts), [0, 0]);
    let calls = [
        "(call $prestat (i32.const 3) (i32.const 6000))",
        "(call $open (i32.const 3) (i32.const 0) (i32.const 4112) (i32.const 3) (i32.const 0) (i64.const 2)
           (i64.const 0) (i32.const 0) (i32.const 6000))",
        "(call $write (i32.const 3) (i32.const 6000) (i32.const 0) (i32.const 6008))",
        "(call $write (i32.const 0) (i32.const 6000) (i32.const 0) (i32.const 6008))",
        "(call $read (i32.const 3) (i32.const 6000) (i32.const 0) (i32.const 6008))",
        "(call $fdstat (i32.const 3) (i32.const 6000))",
        "(call $close (i32.const 3))",
        "(call $shutdown (i32.const 3) (i32.const 0))",
    ];
    assert_eq!(errnos(calls), [8; 8]);
}

#[test]
fn the_standard_descriptors_are_terminals() {
    let calls = [
        "(call $seek (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 6000))",
        "(call $read (i32.const 0) (i32.const 6000) (i32.const 0) (i32.const 6008))",
        "(i32.load (i32.const 6008))",
        "(call $filestat (i32.const 0) (i32.const 6000))",
        "(i32.load8_u (i32.const 6016))",
        "(call $close (i32.const 2))",
        "(call $yield)",
    ];
    assert_eq!(errnos(calls), [70, 0, 0, 0, 2, 0, 0]);
    let stats = "
      (call $ok (call $fdstat (i32.const 0) (i32.const 8192)))
      (call $ok (call $fdstat (i32.const 1) (i32.const 8216)))";
    assert_eq!(seen(6, stats), [2, 0x2, 0, 2, 0x40, 0]);
}

#[test]
fn a_sleep_returns_at_once_and_moves_the_monotonic_clock_alone() {
    let sleep = "
      (call $subscribe (i32.const 6000) (i32.const 0) (i32.const 1) (i64.const 1000000000) (i32.const 0))
      (call $ok (call $poll (i32.const 6000) (i32.const 8192) (i32.const 1) (i32.const 8224)))
      (i32.store (i32.const 8228) (i32.const 0))
      (call $see_clock (i32.const 0) (i32.const 8232))
      (call $see_clock (i32.const 1) (i32.const 8240))";
    assert_eq!(seen(7, sleep), [6000, 0, 0, 0, 1, NOW_NS, START_NS + SECOND_NS]);

    let until = sleep.replace(
        "1000000000) (i32.const 0)",
        &format!("{}) (i32.const 1)", START_NS + 5),
    );
    assert_eq!(seen(7, &until)[4..], [1, NOW_NS, START_NS + 5]);
    let until_then = sleep.replace("1000000000) (i32.const 0)", "7) (i32.const 1)");
    assert_eq!(seen(7, &until_then)[4..], [1, NOW_NS, START_NS]);
    let forever = sleep.replace("1000000000) (i32.const 0)", "-1) (i32.const 0)");
    let twice = format!("{forever} {forever}");
    assert_eq!(seen(7, &twice)[4..], [1, NOW_NS, i64::MAX as u64]);
}

#[test]
fn waiting_for_the_clock_comes_to_an_end() {
    let wait = "
      (loop $l
        (call $subscribe (i32.const 6000) (i32.const 0) (i32.const 1) (i64.const 1000000) (i32.const 0))
        (call $ok (call $poll (i32.const 6000) (i32.const 7000) (i32.const 1) (i32.const 6992)))
        (call $see_clock (i32.const 1) (i32.const 8192))
        (br_if $l (i64.lt_u (i64.load (i32.const 8192)) (i64.const UNTIL))))";
    let until = START_NS + 60 * SECOND_NS;
    assert_eq!(seen(1, &wait.replace("UNTIL", &until.to_string())), [until]);
}

#[test]
fn the_first_to_be_ready_ends_a_wait() {
    // A minute, a second and a second; then a minute and descriptors 0, 1 and 9.
    let poll = |count: u32| {
        format!(
            "(call $ok (call $poll (i32.const 6000) (i32.const 8192) (i32.const {count}) (i32.const 8320)))
             (i32.store (i32.const 8324) (i32.const 0))
             (call $see_clock (i32.const 1) (i32.const 8328))"
        )
    };
    let subscribe = |at: u32, kind: u32, what: u32, seconds: u64| {
        let ns = seconds * SECOND_NS;
        format!(
            "(call $subscribe (i32.const {at}) (i32.const {kind}) (i32.const {what}) (i64.const {ns}) (i32.const 0))"
        )
    };
    let clocks = [
        subscribe(6000, 0, 1, 60),
        subscribe(6048, 0, 0, 1),
        subscribe(6096, 0, 1, 1),
        poll(3),
    ];
    let seen_of_clocks = seen(18, &clocks.concat());
    assert_eq!((seen_of_clocks[0], seen_of_clocks[4]), (6048, 6096));
    assert_eq!(seen_of_clocks[16..], [2, START_NS + SECOND_NS]);

    let mixed = [
        subscribe(6000, 0, 1, 60),
        subscribe(6048, 1, 0, 0),
        subscribe(6096, 2, 1, 0),
        subscribe(6144, 2, 9, 0),
        poll(4),
    ];
    let mixed = seen(18, &mixed.concat());
    let event = |index: usize| &mixed[4 * index..4 * index + 4];
    assert_eq!(event(0), [6048, 1 << 16, 0, 1], "reading, hung up");
    assert_eq!(event(1), [6096, 2 << 16, 0, 0], "writing");
    assert_eq!(event(2), [6144, (2 << 16) | 8, 0, 0], "a bad descriptor");
    assert_eq!(mixed[16..], [3, START_NS]);
    let none = "(call $poll (i32.const 6000) (i32.const 7000) (i32.const 0) (i32.const 6992))";
    assert_eq!(errnos([none]), [28]);
}

#[test]
fn leaving_the_process_fails_with_the_code() {
    for (body, code) in [
        ("(call $exit (i32.const 0))", 0),
        ("(call $exit (i32.const 3))", 3),
        ("(drop (call $raise (i32.const 6)))", 134),
    ] {
        let fault = fault(run_at(&context(), body));
        assert_eq!(fault.code.as_str(), "trap");
        let expected =
            format!("left its process with exit code {code}: a component ends a call by returning");
        assert!(fault.message.starts_with(&expected), "{}", fault.message);
    }
}

#[test]
fn a_description_sees_no_time_but_prints() {
    let wat = with_wasi(&rule_wat(ITEMS, "")).replace(
        r#"#describe") (result i32) "#,
        r#"#describe") (result i32)
          (call $see_clock (i32.const 0) (i32.const 8192))
          (if (i64.ne (i64.load (i32.const 8192)) (i64.const 0)) (then unreachable))
          (call $ok (call $random (i32.const 8192) (i32.const 8)))
          (call $print (i32.const 1) (i32.const 5000) (i32.const 3)) "#,
    );
    let run = load(&sandbox(), &embed(&wat, "rule")).describe(&Limits::default());
    run.result.unwrap();
    assert_eq!(run.log, [line(LogLevel::Info, "one")]);
}

#[test]
fn a_notifier_sees_the_time_of_delivery() {
    let see = "
      (call $see_clock (i32.const 0) (i32.const 8192))
      (call $ok (call $random (i32.const 8200) (i32.const 8)))
      (call $print (i32.const 2) (i32.const 5000) (i32.const 4))
      (call $state_set (i32.const 4128) (i32.const 5) (i32.const 8192) (i32.const 16))";
    let component = load(
        &sandbox(),
        &embed(&with_wasi(&notifier_wat(ITEMS, see, "retry")), "notifier"),
    );
    let seen = |run: wasmalert_sandbox::Run<(_, Effects)>| {
        assert_eq!(run.log, [line(LogLevel::Warn, "one")]);
        let (_, effects) = run.result.unwrap();
        let [time, random] = effects.state["retry"].as_ref().unwrap().as_chunks().0 else {
            panic!("{effects:?}")
        };
        (u64::from_le_bytes(*time), u64::from_le_bytes(*random))
    };
    let notify = |batch| seen(component.notify(&batch, &Arc::default(), &Limits::default()));
    let (time, random) = notify(batch());
    assert_eq!(time, NOW_NS);
    assert_eq!(notify(batch()), (time, random));
    let mut other = batch();
    other.idempotency_key = "other".into();
    assert_ne!(notify(other).1, random);
    // What an answer means is told without a time.
    let response = HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let run = component.interpret("{}", 0, &response, &Arc::default(), &Limits::default());
    let log = run.log.clone();
    let (_, effects) = run.result.unwrap();
    assert_eq!(log, [line(LogLevel::Warn, "one")]);
    assert_eq!(effects.state["retry"].as_ref().unwrap()[..8], [0; 8]);
}
