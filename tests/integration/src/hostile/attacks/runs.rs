//! Loops, recursion, memory and traps.

use serde_json::json;

use super::{Attack, body, parts, rule, stock};
use crate::hostile::wat::{RULE, Rule};

/// Loops and recursion.
pub(super) fn time() -> Vec<Attack> {
    const LONG: &str = "(loop $l (br $l))";
    vec![
        stock("fuel_exceeded"),
        stock("deadline_ms_exceeded").with(json!({"deadline_ms": 5})),
        body("an empty loop", "fuel_exceeded", LONG),
        body(
            "a loop of calls through a table",
            "fuel_exceeded",
            "(loop $l (call $say_nothing) (br $l))",
        )
        .items("(func $say_nothing)"),
        rule(
            "a loop after the return",
            "fuel_exceeded",
            Rule {
                post_return: LONG,
                ..RULE
            },
        ),
        body(
            "filling a huge range over and over",
            "fuel_exceeded",
            "(drop (memory.grow (i32.const 800)))
             (loop $l (memory.fill (i32.const 0) (i32.const 7) (i32.const 52000000)) (br $l))",
        ),
        body(
            "copying a huge range over and over",
            "fuel_exceeded",
            "(drop (memory.grow (i32.const 800)))
             (loop $l (memory.copy (i32.const 1) (i32.const 0) (i32.const 52000000)) (br $l))",
        ),
        parts(
            "filling a table over and over",
            "fuel_exceeded",
            "(table $t 60000 funcref)",
            "(loop $l (table.fill $t (i32.const 0) (ref.null func) (i32.const 60000)) (br $l))",
        ),
        stock("stack_bytes_exceeded"),
        parts(
            "recursion through a table",
            "stack_bytes_exceeded",
            "(type $f (func)) (table 1 funcref) (elem (i32.const 0) $f)
             (func $f (call_indirect (type $f) (i32.const 0)) (call $say))",
            "(call $f)",
        ),
        parts(
            "two functions that call each other",
            "stack_bytes_exceeded",
            "(func $a (param i64) (result i64) (i64.add (call $b (local.get 0)) (i64.const 1)))
             (func $b (param i64) (result i64) (i64.mul (call $a (local.get 0)) (i64.const 3)))",
            "(drop (call $a (i64.const 1)))",
        ),
        rule(
            "recursion after the return",
            "stack_bytes_exceeded",
            Rule {
                items: "(func $deep (result i32) (i32.add (call $deep) (i32.const 1)))",
                post_return: "(drop (call $deep))",
                ..RULE
            },
        ),
    ]
}

/// Memories and tables.
pub(super) fn memory() -> Vec<Attack> {
    vec![
        stock("memory_bytes_exceeded"),
        body(
            "memory page by page",
            "memory_bytes_exceeded",
            "(loop $l (drop (memory.grow (i32.const 1))) (br $l))",
        ),
        body(
            "all memory at once",
            "memory_bytes_exceeded",
            "(drop (memory.grow (i32.const 65000)))",
        ),
        rule(
            "more memory than it declared itself",
            "trap",
            Rule {
                memory: "2 4",
                evaluate: "(br_if 0 (i32.const 2048) (i32.ne (memory.grow (i32.const 3)) (i32.const -1)))
                           drop unreachable",
                ..RULE
            },
        ),
        parts(
            "a table element by element",
            "memory_bytes_exceeded",
            "(table $t 0 funcref)",
            "(loop $l (drop (table.grow $t (ref.null func) (i32.const 1))) (br $l))",
        )
        .with(json!({"memory_bytes": 300_000})),
        parts(
            "a table of 4 billion elements",
            "fuel_exceeded",
            "(table $t 0 funcref)",
            "(loop $l (drop (table.grow $t (ref.null func) (i32.const -1))) (br $l))",
        ),
        rule(
            "memory after the return",
            "memory_bytes_exceeded",
            Rule {
                post_return: "(loop $l (drop (memory.grow (i32.const 16))) (br $l))",
                ..RULE
            },
        ),
        stock("trap"),
        stock("trap:panic"),
        stock("trap:call"),
        stock("trap:bounds"),
        body(
            "a division by zero",
            "trap",
            "(drop (i32.div_s (i32.const 1) (local.get $i)))",
        ),
        body(
            "a number that does not fit",
            "trap",
            "(drop (i32.trunc_f64_s (f64.const nan)))",
        ),
        body(
            "reading beyond memory",
            "trap",
            "(drop (i64.load offset=4294967288 (i32.const -1)))",
        ),
        body(
            "filling beyond memory",
            "trap",
            "(memory.fill (i32.const 131071) (i32.const 0) (i32.const 65536))",
        ),
        rule(
            "a trap after the return",
            "trap",
            Rule {
                post_return: "unreachable",
                ..RULE
            },
        ),
    ]
}
