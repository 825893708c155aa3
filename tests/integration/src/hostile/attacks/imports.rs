//! Imports, called too often or wrongly.

use serde_json::json;

use super::{Attack, body, stock};

/// Imports, called often or wrongly.
pub(super) fn calls() -> Vec<Attack> {
    vec![
        stock("host_calls_exceeded"),
        stock("boundary_bytes_exceeded"),
        stock("log_bytes_exceeded"),
        stock("log_bytes_exceeded:lines"),
        stock("metric_series_exceeded"),
        stock("bad_call:metric_name"),
        stock("bad_call:count_down"),
        stock("bad_call:count_nan"),
        stock("bad_call:utf8"),
        body(
            "empty log lines",
            "log_bytes_exceeded",
            "(loop $l (call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (br $l))",
        ),
        body(
            "a log line of many empty fields",
            "log_bytes_exceeded",
            "(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 4000))
             (loop $l (call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 4000)) (br $l))",
        ),
        body(
            "a log level that there is not",
            "bad_call",
            "(call $log (i32.const 99) (i32.const 4128) (i32.const 5) (i32.const 0) (i32.const 0))",
        ),
        body(
            "one metric over and over",
            "host_calls_exceeded",
            "(loop $l (call $observe (i32.const 4096) (i32.const 2) (i32.const 0) (i32.const 0) (f64.const 1)) (br $l))",
        ),
        body(
            "a counter that counts to infinity",
            "bad_call",
            "(call $count (i32.const 4096) (i32.const 2) (i32.const 0) (i32.const 0) (f64.const inf))",
        ),
        body(
            "a metric with 1000 labels",
            "finding_labels_exceeded",
            "(call $gauge (i32.const 4096) (i32.const 2) (i32.const 65536) (i32.const 1000) (f64.const 1))",
        ),
        body(
            "a metric whose name is not UTF-8",
            "bad_call",
            "(call $gauge (i32.const 4144) (i32.const 4) (i32.const 0) (i32.const 0) (f64.const 1))",
        ),
        body(
            "a metric whose name is a page of memory",
            "label_bytes_exceeded",
            "(memory.fill (i32.const 65536) (i32.const 97) (i32.const 65535))
             (call $gauge (i32.const 65536) (i32.const 65535) (i32.const 0) (i32.const 0) (f64.const 1))",
        ),
        body(
            "a text from the end of memory on",
            "bad_call",
            "(call $log (i32.const 0) (i32.const 131070) (i32.const 5) (i32.const 0) (i32.const 0))",
        ),
        body(
            "a text whose end wraps around",
            "bad_call",
            "(call $log (i32.const 0) (i32.const -2) (i32.const -1) (i32.const 0) (i32.const 0))",
        ),
        body(
            "a list of 2^31 fields",
            "bad_call",
            "(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -2147483648))",
        ),
        body(
            "a list that is not aligned",
            "bad_call",
            "(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16385) (i32.const 1))",
        ),
        body(
            "an answer that is to go outside of memory",
            "bad_call",
            "(call $state_get (i32.const 4096) (i32.const 2) (i32.const -8))",
        ),
        body(
            "an answer that is to go where it is not aligned",
            "bad_call",
            "(call $state_get (i32.const 4096) (i32.const 2) (i32.const 3073))",
        ),
    ]
}

/// Queries and the frames they answer with.
pub(super) fn queries() -> Vec<Attack> {
    const LABELS_OVER_AND_OVER: &str = "(global.set $heap (i32.const 1048576)) (call $ask) (loop $l
               (call $labels_of (call $answer) (i32.const 524288) (i32.const 20000) (i32.const 3080))
               (global.set $heap (i32.const 1048576)) (br $l))";
    vec![
        stock("rounds_exceeded"),
        stock("queries_exceeded"),
        stock("bad_call:series"),
        body(
            "a query that was answered, 100,000 times more",
            "host_calls_exceeded",
            "(loop $l (call $ask) (call $drop (call $answer)) (br $l))",
        )
        .with(json!({"fuel": 200_000_000})),
        body(
            "frames that are never dropped",
            "bad_call",
            "(loop $l (call $ask) (br $l))",
        ),
        body(
            "the values of a frame over and over",
            "boundary_bytes_exceeded",
            "(call $ask) (loop $l (call $values (call $answer) (i32.const 3080))
               (global.set $heap (i32.const 16384)) (br $l))",
        )
        .with(json!({"boundary_bytes": 100_000})),
        body(
            "another 16 queries in each round",
            "queries_exceeded",
            "(loop $l
               (memory.fill (i32.const 65536) (i32.const 0) (i32.const 1024))
               (i32.store8 (i32.const 4096) (i32.add (i32.const 65) (local.get $i)))
               (call $many (local.get $i))
               (call $prefetch (i32.const 65536) (i32.const 16) (i32.const 0) (i32.const 0))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br $l))",
        )
        // Record 48 bytes: source, expr, time-ms (tag at 16, value at 24), may-fail at 32; size 40.
        .items(
            "(func $many (param $round i32) (local $n i32) (local $at i32)
               (loop $l
                 (local.set $at (i32.add (i32.const 65536) (i32.mul (local.get $n) (i32.const 40))))
                 (call $put (i32.add (local.get $at) (i32.const 8)) (i32.const 4096) (i32.const 1))
                 (i32.store8 offset=16 (local.get $at) (i32.const 1))
                 (i64.store offset=24 (local.get $at) (i64.extend_i32_u (local.get $n)))
                 (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 16)))))",
        ),
        body(
            "a query of 100,000 bytes",
            "bad_call",
            "(drop (memory.grow (i32.const 1))) (memory.fill (i32.const 65536) (i32.const 97) (i32.const 100000))
             (call $instant (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 100000)
               (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 3072))",
        ),
        body(
            "a query that is not UTF-8",
            "bad_call",
            "(call $instant (i32.const 0) (i32.const 0) (i32.const 4144) (i32.const 4)
               (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 3072))",
        ),
        body(
            "a source that there is not",
            "source_unknown",
            "(call $instant (i32.const 4128) (i32.const 5) (i32.const 4096) (i32.const 2)
               (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 3072))",
        ),
        body(
            "an option that is neither there nor not",
            "bad_call",
            "(call $instant (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 2)
               (i32.const 7) (i64.const 0) (i32.const 0) (i32.const 3072))",
        ),
        body(
            "a range that ends before its start",
            "bad_call",
            "(call $range (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 2)
               (i64.const 9) (i64.const 8) (i64.const 1) (i32.const 0) (i32.const 3072))",
        ),
        body(
            "a range without a step",
            "bad_call",
            "(call $range (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 2)
               (i64.const 0) (i64.const 8) (i64.const 0) (i32.const 0) (i32.const 3072))",
        ),
        body(
            "a list of queries beyond memory",
            "bad_call",
            "(call $prefetch (i32.const 65536) (i32.const 0x7fffffff) (i32.const 0) (i32.const 0))",
        ),
        body("a frame that nobody gave", "bad_call", "(drop (call $len (i32.const 12345)))"),
        body("the frame 0", "bad_call", "(drop (call $len (i32.const 0)))"),
        body("the frame -1", "bad_call", "(drop (call $len (i32.const -1)))"),
        body("dropping a frame that nobody gave", "bad_call", "(call $drop (i32.const 3))"),
        body(
            "dropping a frame twice",
            "bad_call",
            "(call $ask) (call $drop (call $answer)) (call $drop (call $answer))",
        ),
        body(
            "using a frame after dropping it",
            "bad_call",
            "(call $ask) (call $drop (call $answer)) (drop (call $len (call $answer)))",
        ),
        body(
            "samples of a series that there is not",
            "bad_call",
            "(call $ask) (call $samples (call $answer) (i32.const -1) (i32.const 3080))",
        ),
        body(
            "labels of 2^30 series",
            "bad_call",
            "(call $ask) (call $labels_of (call $answer) (i32.const 0) (i32.const 0x40000000) (i32.const 3080))",
        ),
        body(
            "labels of the same series 20,000 times, over and over",
            "boundary_bytes_exceeded",
            LABELS_OVER_AND_OVER,
        )
        .memory("100")
        .with(json!({"fuel": 200_000_000})),
        body(
            "imports that take long, over and over",
            "deadline_ms_exceeded",
            LABELS_OVER_AND_OVER,
        )
        .memory("100")
        .with(json!({"deadline_ms": 1})),
    ]
}

/// State and timers.
pub(super) fn kept() -> Vec<Attack> {
    vec![
        stock("state_keys_exceeded"),
        stock("state_bytes_exceeded"),
        stock("timers_exceeded"),
        stock("timer_bytes_exceeded"),
        body(
            "a key of a megabyte",
            "state_bytes_exceeded",
            "(drop (memory.grow (i32.const 20)))
             (call $state_set (i32.const 65536) (i32.const 1048577) (i32.const 0) (i32.const 0))",
        ),
        body(
            "a key that is not UTF-8",
            "bad_call",
            "(call $state_set (i32.const 4144) (i32.const 4) (i32.const 0) (i32.const 0))",
        ),
        body(
            "a value beyond memory",
            "bad_call",
            "(call $state_set (i32.const 4096) (i32.const 2) (i32.const 4096) (i32.const -1))",
        ),
        body(
            "a key set and deleted for ever",
            "host_calls_exceeded",
            "(loop $l (call $state_set (i32.const 4096) (i32.const 2) (i32.const 4128) (i32.const 5))
               (call $state_delete (i32.const 4096) (i32.const 2)) (br $l))",
        )
        .with(json!({"fuel": 200_000_000})),
        body(
            "the keys over and over",
            "boundary_bytes_exceeded",
            "(call $state_set (i32.const 65536) (i32.const 50000) (i32.const 0) (i32.const 0))
             (loop $l (global.set $heap (i32.const 131072))
               (call $state_keys (i32.const 0) (i32.const 0) (i32.const 3072)) (br $l))",
        )
        .memory("4"),
        body(
            "the timers over and over",
            "boundary_bytes_exceeded",
            "(call $timer_set (i32.const 65536) (i32.const 50000) (i64.const 0x7fffffffffffffff) (i32.const 0) (i32.const 0))
             (loop $l (global.set $heap (i32.const 131072)) (call $timers_pending (i32.const 3072)) (br $l))",
        )
        .memory("4"),
        body(
            "a timer whose name is not UTF-8",
            "bad_call",
            "(call $timer_set (i32.const 4144) (i32.const 4) (i64.const 0) (i32.const 0) (i32.const 0))",
        ),
    ]
}
