//! Modules that grow when they are compiled or run. All are made here, out of a few
//! words each.

use std::fmt::Write as _;

use super::patch::{copy_component_type, with_component, with_locals};
use crate::harness::guest;
use crate::hostile::wat::RULE;

/// The rule that does nothing, with further parts.
pub(super) fn rule(items: &str) -> Vec<u8> {
    let text = RULE.text();
    let end = text.rfind(')').expect("a module ends");
    let module = wat::parse_str(format!("{}{items})", &text[..end])).unwrap_or_else(|e| panic!("{e}"));
    copy_component_type(&guest("evaluate"), &module)
}

fn component(inner: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {inner})")).unwrap_or_else(|e| panic!("{e}"))
}

/// Bytes without a pattern, always the same.
pub(super) fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

pub(super) fn types(count: usize) -> String {
    "(type (func (param i32 i64 f32 f64)))".repeat(count)
}

pub(super) fn blocks(depth: usize) -> String {
    format!("(func {} {})", "block ".repeat(depth), "end ".repeat(depth))
}

/// A function of two bytes for each operation.
pub(super) fn long_function(operations: usize) -> String {
    format!("(func (param i32) {})", "local.get 0 drop ".repeat(operations))
}

/// 49,000 locals take six bytes in a function's code and a place each in the compiler.
pub(super) fn many_locals(functions: usize) -> Vec<u8> {
    let used = "(func (param i64) (result i64) (local i64) (loop $l (local.set 1 (local.get 0)) (br_if $l (i32.const 1))) (local.get 1))";
    with_locals(&rule(&used.repeat(functions)), 49_000)
}

/// More locals than WebAssembly allows in one function.
pub(super) fn too_many_locals() -> Vec<u8> {
    with_locals(&rule("(func (local i64))"), 100_000)
}

/// Tables of branches that all go to the same place.
pub(super) fn branches(targets: usize, functions: usize) -> String {
    let table = format!("(br_table {} (local.get 0))", "0 ".repeat(targets));
    format!("(func (param i32) (block {table}))").repeat(functions)
}

pub(super) fn globals(count: usize) -> String {
    "(global (mut i32) (i32.const 0))".repeat(count)
}

/// An import from a module of that name, in the escapes of WAT.
pub(super) fn import(module: &str) -> Vec<u8> {
    with_imports(&format!(r#"(import "{module}" "f" (func))"#))
}

pub(super) fn imports(count: usize) -> Vec<u8> {
    let mut imports = String::new();
    for number in 0..count {
        let _ = write!(imports, r#"(import "none" "f{number}" (func))"#);
    }
    with_imports(&imports)
}

fn with_imports(imports: &str) -> Vec<u8> {
    let text = RULE.text().replacen("(module", &format!("(module {imports}"), 1);
    let module = wat::parse_str(text).unwrap_or_else(|e| panic!("{e}"));
    copy_component_type(&guest("evaluate"), &module)
}

/// More data than there is memory for.
pub(super) fn data(bytes: usize) -> Vec<u8> {
    rule(&format!(r#"(data (i32.const 0) "{}")"#, "a".repeat(bytes)))
}

pub(super) fn nested(depth: usize) -> Vec<u8> {
    component(&("(component ".repeat(depth) + &")".repeat(depth)))
}

pub(super) fn beside(count: usize) -> Vec<u8> {
    component(&"(component)".repeat(count))
}

/// A rule beside which each of so many levels instantiates the one below so many times.
pub(super) fn multiplied(levels: usize, times: usize) -> Vec<u8> {
    let mut inner = instances_of_a_module(times);
    for _ in 1..levels {
        let all = "(instance (instantiate $c))".repeat(times);
        inner = format!("(component $c {inner}) {all}");
    }
    with_component(&crate::harness::component("deadman"), &component(&inner))
}

/// A rule beside so many instances of a module.
pub(super) fn instances(count: usize) -> Vec<u8> {
    let inner = instances_of_a_module(count);
    with_component(&crate::harness::component("deadman"), &component(&inner))
}

fn instances_of_a_module(count: usize) -> String {
    r#"(core module $m (func (export "f")))"#.to_owned() + &"(core instance (instantiate $m))".repeat(count)
}

pub(super) fn doubling(times: usize) -> Vec<u8> {
    let mut types = "(type (tuple u8 u8))".to_owned();
    for number in 0..times {
        let _ = write!(types, "(type (tuple {number} {number}))");
    }
    component(&types)
}

pub(super) fn deep_type(depth: usize) -> Vec<u8> {
    let mut types = "(type (list u8))".to_owned();
    for number in 0..depth {
        let _ = write!(types, "(type (list {number}))");
    }
    component(&format!(r#"{types} (import "f" (func (param "p" {depth})))"#))
}
