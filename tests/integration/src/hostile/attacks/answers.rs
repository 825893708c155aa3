//! Answers that are too much, cannot be read, or look worse than they are.

use super::{Attack, body, rule, stock};
use crate::hostile::wat::{RULE, Rule};

/// Answers that are too much, or do not hold together.
pub(super) fn outcomes() -> Vec<Attack> {
    vec![
        stock("component_error"),
        stock("findings_exceeded"),
        stock("samples_exceeded"),
        stock("finding_labels_exceeded"),
        stock("finding_labels_exceeded:annotations"),
        stock("label_bytes_exceeded:name"),
        stock("label_bytes_exceeded:value"),
        stock("annotation_bytes_exceeded"),
        stock("boundary_bytes_exceeded:outcome"),
        stock("duplicate_labels"),
        stock("bad_outcome:frame"),
        stock("bad_outcome:label_name"),
        stock("bad_call:outcome_utf8"),
        body(
            "20,000 findings without a label",
            "duplicate_labels",
            "(drop (memory.grow (i32.const 20))) (call $put (i32.const 2052) (i32.const 131072) (i32.const 20000))",
        ),
        body(
            "20,000 findings that share 64 labels of 2 KiB",
            "boundary_bytes_exceeded",
            "(drop (memory.grow (i32.const 20))) (call $put (i32.const 2052) (i32.const 131072) (i32.const 20000))
             (memory.fill (i32.const 8192) (i32.const 97) (i32.const 2048))
             (loop $l (call $put (i32.add (i32.const 65536) (i32.mul (local.get $i) (i32.const 8))) (i32.const 8192) (i32.const 2048))
               (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 128))))
             (local.set $i (i32.const 131072))
             (loop $l (call $put (i32.add (local.get $i) (i32.const 12)) (i32.const 65536) (i32.const 64))
               (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 48))) (i32.const 1091072))))",
        ),
        body(
            "extras without end",
            "boundary_bytes_exceeded",
            "(drop (memory.grow (i32.const 900))) (call $put (i32.const 2068) (i32.const 65536) (i32.const 3600000))",
        ),
        body(
            "a sample without a name",
            "bad_outcome",
            "(call $put (i32.const 2060) (i32.const 65536) (i32.const 1))",
        ),
        body(
            "a series of a frame that there is not",
            "bad_outcome",
            "(call $ask) (call $put (i32.const 2052) (i32.const 65536) (i32.const 1))
             (i32.store8 (i32.const 65536) (i32.const 1)) (i32.store (i32.const 65544) (i32.const 7))",
        ),
        body(
            "an error of 100,000 bytes",
            "component_error",
            "(drop (memory.grow (i32.const 1))) (memory.fill (i32.const 65536) (i32.const 97) (i32.const 100000)) (i32.store8 (i32.const 2048) (i32.const 1))
             (call $put (i32.const 2060) (i32.const 65536) (i32.const 100000))",
        ),
        body(
            "an error that writes over the terminal",
            "component_error",
            "(i32.store8 (i32.const 2048) (i32.const 1)) (i32.store (i32.const 65536) (i32.const 0x4a325b1b))
             (call $put (i32.const 2060) (i32.const 65536) (i32.const 4))",
        ),
        body(
            "an error that is not UTF-8",
            "bad_call",
            "(i32.store8 (i32.const 2048) (i32.const 1)) (call $put (i32.const 2060) (i32.const 4144) (i32.const 4))",
        ),
    ]
}

/// An answer that cannot be read.
pub(super) fn boundary() -> Vec<Attack> {
    vec![
        body("an answer outside of memory", "bad_call", "(return (i32.const -64))"),
        body("an answer at the end of memory", "bad_call", "(return (i32.const 131068))"),
        body("an answer that is not aligned", "bad_call", "(return (i32.const 2049))"),
        body(
            "an answer that is neither good nor bad",
            "bad_call",
            "(i32.store8 (i32.const 2048) (i32.const 2))",
        ),
        body(
            "2^31 findings",
            "bad_call",
            "(call $put (i32.const 2052) (i32.const 65536) (i32.const -2147483648))",
        ),
        body(
            "findings whose size overflows",
            "bad_call",
            "(call $put (i32.const 2052) (i32.const 65536) (i32.const 0x05555556))",
        ),
        body(
            "findings that are not aligned",
            "bad_call",
            "(call $put (i32.const 2052) (i32.const 65540) (i32.const 1))",
        ),
        body(
            "findings that begin outside of memory",
            "bad_call",
            "(call $put (i32.const 2052) (i32.const 0x7ffffff8) (i32.const 1))",
        ),
        body(
            "a label outside of memory",
            "bad_call",
            "(call $put (i32.const 2052) (i32.const 65536) (i32.const 1)) (call $put (i32.const 65548) (i32.const 98304) (i32.const 1))
             (call $put (i32.const 98304) (i32.const 131071) (i32.const 2))",
        ),
        body(
            "an annotation of 4 GiB",
            "bad_call",
            "(call $put (i32.const 2052) (i32.const 65536) (i32.const 1)) (call $put (i32.const 65568) (i32.const 98304) (i32.const 1))
             (call $put (i32.const 98312) (i32.const 0) (i32.const -1))",
        ),
    ]
}

/// `cabi_realloc`, which the host calls to put things into the guest.
pub(super) fn allocations() -> Vec<Attack> {
    let realloc = |name, code, realloc| rule(name, code, Rule { realloc, ..RULE });
    vec![
        realloc("room outside of memory", "bad_call", "(local.set $new (i32.const -16))"),
        realloc("room at the end of memory", "bad_call", "(local.set $new (i32.const 131071))"),
        rule(
            "room that is not aligned",
            "bad_call",
            Rule {
                realloc: "(local.set $new (i32.const 16385))",
                evaluate: "(call $timer_set (i32.const 4096) (i32.const 2) (i64.const 0x7fffffffffffffff) (i32.const 0) (i32.const 0))
                           (call $timers_pending (i32.const 3072))",
                ..RULE
            },
        ),
        realloc("a trap on allocation", "trap", "unreachable"),
        realloc("a loop on allocation", "fuel_exceeded", "(loop $l (br $l))"),
        realloc(
            "memory without end on allocation",
            "memory_bytes_exceeded",
            "(loop $l (drop (memory.grow (i32.const 16))) (br $l))",
        ),
        rule(
            "recursion on allocation",
            "stack_bytes_exceeded",
            Rule {
                items: "(func $deep (result i32) (i32.add (call $deep) (i32.const 1)))",
                realloc: "(local.set $new (call $deep))",
                ..RULE
            },
        ),
        realloc("an import called on allocation", "trap", "(call $say)"),
        rule(
            "an import called on the allocation for its own answer",
            "trap",
            Rule {
                items: "(global $armed (mut i32) (i32.const 0))",
                realloc: "(if (global.get $armed) (then (call $state_keys (i32.const 0) (i32.const 0) (i32.const 3072))))
                          (local.set $new (call $allocate (local.get $size)))",
                evaluate: "(call $state_set (i32.const 4096) (i32.const 2) (i32.const 0) (i32.const 0))
                           (global.set $armed (i32.const 1)) (call $state_keys (i32.const 0) (i32.const 0) (i32.const 3072))",
                ..RULE
            },
        ),
        rule("an import called after the return", "trap", Rule { post_return: "(call $say)", ..RULE }),
    ]
}

/// What looks bad and has to go well.
pub(super) fn harmless() -> Vec<Attack> {
    vec![
        body(
            "a value that is not a number",
            "",
            "(call $put (i32.const 2052) (i32.const 65536) (i32.const 1)) (i64.store (i32.const 65560) (i64.const 0xfff4000000000001))",
        ),
        body(
            "an infinite value",
            "",
            "(call $put (i32.const 2052) (i32.const 65536) (i32.const 1)) (f64.store (i32.const 65560) (f64.const -inf))",
        ),
        body(
            "metrics that are not numbers",
            "",
            "(call $gauge (i32.const 4096) (i32.const 2) (i32.const 0) (i32.const 0) (f64.const nan))
             (call $observe (i32.const 4112) (i32.const 3) (i32.const 0) (i32.const 0) (f64.const nan))
             (call $observe (i32.const 4128) (i32.const 5) (i32.const 0) (i32.const 0) (f64.const -inf))",
        ),
        body(
            "a timer at the end of time",
            "",
            "(call $timer_set (i32.const 4096) (i32.const 2) (i64.const 0x7fffffffffffffff) (i32.const 0) (i32.const 0))",
        ),
        body(
            "a timer in the past that is set anew whenever it comes",
            "",
            "(call $timer_set (i32.const 4096) (i32.const 2) (i64.const 0x8000000000000000) (i32.const 0) (i32.const 0))",
        ),
        body(
            "64 timers that are due at once and set anew",
            "",
            "(loop $l
               (i32.store8 (i32.const 8192) (i32.add (i32.const 48) (local.get $i)))
               (call $timer_set (i32.const 8192) (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 0))
               (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))",
        ),
        rule(
            "all texts in the same place, which is overwritten",
            "",
            Rule {
                realloc: "(local.set $new (i32.const 16384))",
                evaluate: "(call $ask) (call $values (call $answer) (i32.const 3080))",
                ..RULE
            },
        ),
        body(
            "a query with control characters",
            "",
            "(i32.store (i32.const 8192) (i32.const 0x0d0a0031))
             (call $instant (i32.const 0) (i32.const 0) (i32.const 8192) (i32.const 4)
               (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 3072))",
        ),
        body(
            "a range of all time in steps of a millisecond",
            "",
            "(call $range (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 2)
               (i64.const 0x8000000000000000) (i64.const 0x7fffffffffffffff) (i64.const 1) (i32.const 0) (i32.const 3072))",
        ),
        body(
            "a log line with control characters",
            "",
            "(i32.store (i32.const 8192) (i32.const 0x4a325b1b))
             (call $log (i32.const 2) (i32.const 8192) (i32.const 4) (i32.const 0) (i32.const 0))",
        ),
        body(
            "a table that cannot grow",
            "",
            "(drop (table.grow $t (ref.null func) (i32.const 9)))",
        )
        .items("(table $t 1 2 funcref)"),
    ]
}
