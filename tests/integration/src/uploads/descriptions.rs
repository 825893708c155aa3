//! Rules that misbehave when they are instantiated or asked what they are.

use super::attacks::{BadUpload, bad, describe, rule};
use super::patch::with_start;
use crate::harness::guest;

pub(super) fn descriptions() -> Vec<BadUpload> {
    let start = with_start(&guest("start_loop"), "spin");
    vec![
        bad("endless start function", "fuel_exceeded", "fuel", start),
        bad(
            "endless describe",
            "fuel_exceeded",
            "fuel",
            guest("describe_loop"),
        ),
        bad("trap in describe", "trap", "describe", guest("describe_trap")),
        rule(
            "a trap in the start function",
            "trap",
            "unreachable",
            "(func $start unreachable) (start $start)",
        ),
        rule(
            "an import called in the start function",
            "trap",
            "uninitialized",
            "(func $start (call $ask)) (start $start)",
        ),
        rule(
            "a trap in a function whose name writes over the terminal",
            "trap",
            "unreachable",
            r#"(func $start (@name "\1b[2J\0d\0a") unreachable) (start $start)"#,
        ),
        rule(
            "recursion in the start function",
            "stack_bytes_exceeded",
            "stack",
            "(func $start (call $start) (call $say)) (start $start)",
        ),
        rule(
            "memory without end in the start function",
            "memory_bytes_exceeded",
            "memory",
            "(func $start (loop $l (drop (memory.grow (i32.const 64))) (br $l))) (start $start)",
        ),
        rule("data beyond memory", "trap", "", r#"(data (i32.const -1) "x")"#),
        rule(
            "elements beyond their table",
            "trap",
            "",
            "(table 1 funcref) (elem (i32.const 7) $say)",
        ),
        describe("a query in describe", "bad_call", "describe", "(call $ask)"),
        describe(
            "state in describe",
            "bad_call",
            "describe",
            "(call $state_set (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        ),
        describe(
            "a timer in describe",
            "bad_call",
            "describe",
            "(call $timer_set (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0))",
        ),
        describe(
            "a metric in describe",
            "bad_call",
            "describe",
            "(call $count (i32.const 4096) (i32.const 2) (i32.const 0) (i32.const 0) (f64.const 1))",
        ),
        describe(
            "log lines without end in describe",
            "log_bytes_exceeded",
            "log",
            "(loop $l (call $say) (br $l))",
        ),
        describe(
            "memory without end in describe",
            "memory_bytes_exceeded",
            "memory",
            "(loop $l (drop (memory.grow (i32.const 64))) (br $l))",
        ),
        describe(
            "a name of 257 bytes",
            "bad_outcome",
            "name",
            "(memory.fill (i32.const 16384) (i32.const 97) (i32.const 257)) (call $put (i32.const 1024) (i32.const 16384) (i32.const 257))",
        ),
        describe(
            "a name that is not UTF-8",
            "bad_call",
            "utf-8",
            "(call $put (i32.const 1024) (i32.const 4144) (i32.const 4))",
        ),
        describe(
            "a doc of a megabyte",
            "bad_outcome",
            "doc",
            "(drop (memory.grow (i32.const 20))) (call $put (i32.const 1032) (i32.const 16384) (i32.const 1048576))",
        ),
        describe(
            "a schema outside of memory",
            "bad_call",
            "",
            "(call $put (i32.const 1040) (i32.const 0) (i32.const -1))",
        ),
        describe(
            "a schema that is not JSON",
            "bad_outcome",
            "JSON",
            "(call $put (i32.const 1040) (i32.const 4128) (i32.const 5))",
        ),
        describe(
            "65 queries told",
            "queries_exceeded",
            "queries",
            "(call $put (i32.const 1048) (i32.const 16384) (i32.const 65))",
        ),
        describe(
            "2^31 queries told",
            "bad_call",
            "",
            "(call $put (i32.const 1048) (i32.const 16384) (i32.const -2147483648))",
        ),
        describe(
            "65 extras told",
            "bad_outcome",
            "extras",
            "(call $put (i32.const 1056) (i32.const 16384) (i32.const 65))",
        ),
        describe(
            "a description outside of memory",
            "bad_call",
            "",
            "(return (i32.const -4))",
        ),
    ]
}
