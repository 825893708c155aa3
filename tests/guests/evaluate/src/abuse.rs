//! Calls, loops and memory that have to be stopped.

use core::hint::black_box;

use crate::exports::wasmalert::rules::rules::Context;
use crate::wasmalert::rules::types::InstantQuery;
use crate::wasmalert::rules::{log, metrics, query, state, timers};

/// Does what `name` says. Returns only where the fault comes after the run.
/// An unknown name spins, so that a typing error cannot pass for a trap.
pub fn act(name: &str, context: &Context) {
    match name {
        "fuel_exceeded" | "deadline_ms_exceeded" => spin(),
        "memory_bytes_exceeded" => hog(),
        "stack_bytes_exceeded" => drop(black_box(deep(black_box(1.0)))),
        "trap" => core::arch::wasm32::unreachable(),
        "trap:panic" => panic!("on purpose"),
        "trap:call" => call_nowhere(),
        "trap:bounds" => drop(unsafe { core::ptr::read_volatile(0xffff_0000 as *const u8) }),
        "host_calls_exceeded" => call_storm(),
        "boundary_bytes_exceeded" => read_storm(),
        "log_bytes_exceeded" => log::write(log::Level::Info, &"x".repeat(65 << 10), &[]),
        "log_bytes_exceeded:lines" => {
            (0..10_000).for_each(|_| log::write(log::Level::Info, "ten bytes!", &[]))
        }
        "state_keys_exceeded" => (0..4_097).for_each(|key| state::set(&key.to_string(), b"")),
        "state_bytes_exceeded" => state::set("key", &vec![0; (1 << 20) + 1]),
        "timers_exceeded" => (0..65).for_each(|timer| timers::set(&timer.to_string(), i64::MAX, b"")),
        "timer_bytes_exceeded" => timers::set("timer", i64::MAX, &vec![0; (64 << 10) + 1]),
        "metric_series_exceeded" => metric_bomb(),
        "bad_call:metric_name" => metrics::gauge("no spaces", &[], 1.0),
        "bad_call:count_down" => metrics::count("down_total", &[], -1.0),
        "bad_call:count_nan" => metrics::count("nan_total", &[], f64::NAN),
        "bad_call:utf8" => log::write(log::Level::Info, &invalid_utf8(), &[]),
        "bad_call:series" => drop(ask("vector(1)".into()).labels(1)),
        "rounds_exceeded" => ask_forever(context.now_ms),
        "queries_exceeded" => query::prefetch(
            &(0..65)
                .map(|n| instant(format!("vector({n})")))
                .collect::<Vec<_>>(),
            &[],
        ),
        _ => spin(),
    }
}

/// A text that is not UTF-8.
pub fn invalid_utf8() -> String {
    unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, 0xfe, b'b']) }
}

fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn hog() {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    loop {
        blocks.push(black_box(vec![1; 1 << 20]));
    }
}

/// Recurses on the call stack alone, without the stack in memory.
#[inline(never)]
fn deep(number: f64) -> f64 {
    if number > 1e300 {
        return number;
    }
    deep(number + 1.0) / number + number
}

/// Calls a function that the table does not have.
fn call_nowhere() {
    let nowhere: extern "C" fn() = unsafe { core::mem::transmute(black_box(0x00ff_ffff_usize)) };
    nowhere();
}

fn call_storm() {
    loop {
        drop(state::get("key"));
    }
}

fn read_storm() {
    state::set("key", &vec![0; 1_000_000]);
    loop {
        drop(black_box(state::get("key")));
    }
}

fn metric_bomb() {
    for number in 0..201 {
        metrics::gauge("bomb", &[crate::label("number", &number.to_string())], 1.0);
    }
}

/// Asks for a new query each time one is answered; `start` makes them new at
/// every slot.
fn ask_forever(start: i64) {
    for number in 0.. {
        drop(ask(format!("vector({})", start + number)));
    }
}

fn ask(expr: String) -> query::Frame {
    match query::instant(&instant(expr)) {
        Ok(frame) => frame,
        Err(_) => core::arch::wasm32::unreachable(),
    }
}

fn instant(expr: String) -> InstantQuery {
    InstantQuery {
        source: String::new(),
        expr,
        time_ms: None,
        may_fail: false,
    }
}
