//! The uploads that must be refused, one row each: a name, the code, a word that the
//! message has to have, and the bytes.

use super::bombs;
use super::descriptions::descriptions;
use super::patch::{copy_component_type, custom_section, with_functions};
use crate::harness::{component, guest};
use crate::hostile::wat::{RULE, Rule};

pub(crate) struct BadUpload {
    pub(crate) name: &'static str,
    pub(crate) code: &'static str,
    /// A word that says what is wrong.
    pub(crate) word: &'static str,
    pub(crate) bytes: Vec<u8>,
}

pub(super) fn bad(name: &'static str, code: &'static str, word: &'static str, bytes: Vec<u8>) -> BadUpload {
    BadUpload {
        name,
        code,
        word,
        bytes,
    }
}

/// A rule that misbehaves when it is asked what it is.
pub(super) fn describe(
    name: &'static str,
    code: &'static str,
    word: &'static str,
    describe: &'static str,
) -> BadUpload {
    bad(name, code, word, Rule { describe, ..RULE }.module())
}

/// A rule with further parts in its module.
pub(super) fn rule(name: &'static str, code: &'static str, word: &'static str, items: &str) -> BadUpload {
    bad(name, code, word, bombs::rule(items))
}

/// A component in text.
fn text(name: &'static str, code: &'static str, word: &'static str, text: &str) -> BadUpload {
    bad(
        name,
        code,
        word,
        wat::parse_str(text).unwrap_or_else(|e| panic!("{name}: {e}")),
    )
}

pub(crate) fn bad_uploads() -> Vec<BadUpload> {
    [
        no_modules(),
        other_worlds(),
        other_features(),
        descriptions(),
        bombs(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Bytes that are no module, or only nearly.
fn no_modules() -> Vec<BadUpload> {
    let good = component("prometheus");
    let module = guest("evaluate");
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let header = |rest: &[u8]| [b"\0asm\x01\0\0\0", rest].concat();
    let mut flipped = good.clone();
    flipped
        .iter_mut()
        .skip(8)
        .step_by(97)
        .for_each(|byte| *byte ^= 0x55);
    vec![
        bad("empty", "empty_module", "empty", Vec::new()),
        bad("text", "not_wasm", "wasm", b"this is no wasm at all".to_vec()),
        bad(
            "html",
            "not_wasm",
            "wasm",
            b"<html><body>404</body></html>".to_vec(),
        ),
        bad("a module in text", "not_wasm", "wasm", RULE.text().into_bytes()),
        bad("magic alone", "invalid_wasm", "", b"\0asm".to_vec()),
        bad(
            "a version to come",
            "invalid_wasm",
            "",
            b"\0asm\x63\0\0\0".to_vec(),
        ),
        bad("truncated component", "invalid_wasm", "", cut(&good)),
        bad("truncated module", "invalid_wasm", "", cut(&module)),
        bad("noise", "invalid_wasm", "", header(&bombs::noise(4_096))),
        bad("a component with flipped bits", "invalid_wasm", "", flipped),
        bad(
            "a section of 4 GiB",
            "invalid_wasm",
            "",
            header(b"\x01\xff\xff\xff\xff\x0f"),
        ),
        bad(
            "2^32 types in 6 bytes",
            "too_complex",
            "types",
            header(b"\x01\x05\xff\xff\xff\xff\x0f"),
        ),
        bad(
            "2^32 functions in 6 bytes",
            "too_complex",
            "functions",
            header(b"\x03\x05\xff\xff\xff\xff\x0f"),
        ),
        bad(
            "2^32 exports in 6 bytes",
            "invalid_wasm",
            "",
            header(b"\x07\x05\xff\xff\xff\xff\x0f"),
        ),
        bad(
            "a number that does not end",
            "invalid_wasm",
            "",
            header(&[0x80; 4_096]),
        ),
    ]
}

/// What is valid, and neither a rule nor a notifier.
fn other_worlds() -> Vec<BadUpload> {
    let garbage = custom_section("component-type", &[0xff; 64]);
    let plain = wat::parse_str("(module)").expect("is valid");
    vec![
        bad(
            "module without world",
            "no_component_type",
            "component",
            plain.clone(),
        ),
        bad(
            "a world that is garbage",
            "world_mismatch",
            "",
            [plain.clone(), garbage].concat(),
        ),
        bad(
            "a world without a module",
            "world_mismatch",
            "export",
            copy_component_type(&guest("evaluate"), &plain),
        ),
        bad("wrong world", "world_unknown", "notifier", guest("wrong_world")),
        bad(
            "extra import",
            "world_mismatch",
            "wall-clock",
            guest("extra_import"),
        ),
        text("an empty component", "world_unknown", "neither", "(component)"),
        text(
            "both worlds and nothing in them",
            "world_mismatch",
            "describe",
            r#"(component (instance $e)
                 (export "wasmalert:rules/rules@0.1.0" (instance $e))
                 (export "wasmalert:rules/notifications@0.1.0" (instance $e)))"#,
        ),
        text(
            "an import of another component's code",
            "world_unknown",
            "neither",
            r#"(component (import "code" (core module)))"#,
        ),
        bad(
            "an import whose name writes over the terminal",
            "world_mismatch",
            "import",
            bombs::import("\\1b[2J\\0d\\0a"),
        ),
    ]
}

/// Parts of WebAssembly that the host does not run.
fn other_features() -> Vec<BadUpload> {
    vec![
        rule("64-bit memory", "compile_failed", "", "(memory i64 1)"),
        rule("shared memory", "compile_failed", "", "(memory 1 1 shared)"),
        rule(
            "atomics",
            "compile_failed",
            "",
            "(func (drop (i32.atomic.load (i32.const 0))))",
        ),
        rule(
            "garbage collection",
            "compile_failed",
            "",
            "(type (struct (field i32)))",
        ),
        rule("exceptions", "compile_failed", "", "(tag)"),
        rule(
            "relaxed SIMD",
            "compile_failed",
            "",
            "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
        ),
    ]
}

/// What is small for the sender and large for whoever parses, compiles or runs it.
fn bombs() -> Vec<BadUpload> {
    let module = guest("evaluate");
    vec![
        bad(
            "1 GB of memory",
            "memory_too_large",
            "memories",
            guest("memory_1gb"),
        ),
        bad(
            "100,000 functions",
            "too_complex",
            "functions",
            with_functions(&module, 100_000),
        ),
        bad(
            "100,000 types",
            "too_complex",
            "types",
            bombs::rule(&bombs::types(100_000)),
        ),
        bad(
            "5,000 blocks within each other",
            "too_complex",
            "nested blocks",
            bombs::rule(&bombs::blocks(5_000)),
        ),
        bad(
            "one function of 2 MB",
            "too_complex",
            "bytes in one function",
            bombs::rule(&bombs::long_function(1_000_000)),
        ),
        bad(
            "100,000 locals",
            "invalid_wasm",
            "locals",
            bombs::too_many_locals(),
        ),
        bad(
            "50,000 locals in each of 5,000 functions",
            "compile_timeout",
            "compiling",
            bombs::many_locals(5_000),
        ),
        bad(
            "a br_table of 300,000 targets",
            "compile_failed",
            "br_table",
            bombs::rule(&bombs::branches(300_000, 1)),
        ),
        bad(
            "br_tables of 60,000 targets",
            "compile_timeout",
            "compiling",
            bombs::rule(&bombs::branches(60_000, 200)),
        ),
        bad(
            "200,000 globals",
            "too_complex",
            "globals",
            bombs::rule(&bombs::globals(200_000)),
        ),
        bad(
            "a table of 10 million elements",
            "too_complex",
            "table",
            bombs::rule("(table 10000000 funcref)"),
        ),
        bad(
            "20 tables",
            "too_complex",
            "tables",
            bombs::rule(&"(table 1 funcref)".repeat(20)),
        ),
        bad(
            "5 memories",
            "too_complex",
            "memories",
            bombs::rule(&"(memory 1)".repeat(5)),
        ),
        bad(
            "101,000 data segments",
            "invalid_wasm",
            "data",
            bombs::rule(&r#"(data (i32.const 0) "")"#.repeat(101_000)),
        ),
        bad(
            "100,000 imports",
            "world_mismatch",
            "import",
            bombs::imports(100_000),
        ),
        bad("4 MB of data", "trap", "out of bounds", bombs::data(4_000_000)),
        bad(
            "a component of 9 levels",
            "too_complex",
            "components",
            bombs::nested(9),
        ),
        bad("65 components", "too_complex", "components", bombs::beside(65)),
        bad(
            "instances multiplied by nesting",
            "compile_memory",
            "memory",
            bombs::multiplied(6, 100),
        ),
        bad(
            "65 instances of one module",
            "too_complex",
            "instances",
            bombs::instances(65),
        ),
        bad(
            "a type that doubles 30 times",
            "invalid_wasm",
            "type size",
            bombs::doubling(30),
        ),
        bad(
            "lists of lists, 20,000 deep",
            "invalid_wasm",
            "nesting",
            bombs::deep_type(20_000),
        ),
    ]
}
