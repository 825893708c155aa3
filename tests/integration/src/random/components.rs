//! Components that nobody would write.

use arbitrary::Unstructured;
use wasm_smith::{Component, Config, MemoryOffsetChoices, Module};

use super::Chance;
use crate::harness::{component, guest};
use crate::uploads::patch::{call, copy_component_type, shuffled, with_body};

/// Bytes from which a module is made; more make larger ones.
const ENTROPY_BYTES: usize = 4_096;
/// Bytes that are changed in a component that is well.
const CHANGES_MAX: usize = 3;
/// What a rule may import and has to export, as the contract lowers it; `body` is for what is
/// called by `evaluate`.
const SHAPE: &str = r#"(module
  (import "wasmalert:rules/query@0.1.0" "instant" (func (param i32 i32 i32 i32 i32 i64 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "range" (func (param i32 i32 i32 i32 i64 i64 i64 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "prefetch" (func (param i32 i32 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.len" (func (param i32) (result i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.values" (func (param i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.labels-of" (func (param i32 i32 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[resource-drop]frame" (func (param i32)))
  (import "wasmalert:rules/state@0.1.0" "get" (func (param i32 i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "set" (func (param i32 i32 i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "keys" (func (param i32 i32 i32)))
  (import "wasmalert:rules/timers@0.1.0" "set" (func (param i32 i32 i64 i32 i32)))
  (import "wasmalert:rules/timers@0.1.0" "pending" (func (param i32)))
  (import "wasmalert:rules/log@0.1.0" "write" (func (param i32 i32 i32 i32 i32)))
  (import "wasmalert:rules/metrics@0.1.0" "count" (func (param i32 i32 i32 i32 f64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "body") (param i32) (result i32) unreachable)
  (func (export "wasmalert:rules/rules@0.1.0#describe") (result i32) unreachable)
  (func (export "wasmalert:rules/rules@0.1.0#evaluate") (param i32) (result i32) unreachable)
  (func (export "cabi_post_wasmalert:rules/rules@0.1.0#evaluate") (param i32) unreachable)
)"#;
const DESCRIBE: &str = "wasmalert:rules/rules@0.1.0#describe";
const EVALUATE: &str = "wasmalert:rules/rules@0.1.0#evaluate";
/// `i32.const 32768`: where everything is put that the host passes.
const GIVE: &[u8] = b"\x41\x80\x80\x02";
/// `memory.fill` of 40 bytes at 1024 with 0, `i32.const 1024`: an empty description.
const EMPTY: &[u8] = b"\x41\x80\x08\x41\x00\x41\x28\xfc\x0b\x00\x41\x80\x08";

/// A random upload, and the configuration with which it is evaluated.
pub(super) struct Upload {
    pub(super) kind: &'static str,
    pub(super) wasm: Vec<u8>,
    pub(super) expr: Option<&'static str>,
    pub(super) config: serde_json::Value,
}

pub(super) fn upload(seed: u64, number: u64) -> Upload {
    let mut chance = Chance::new(seed, number);
    let nothing = serde_json::json!({});
    let (kind, wasm, expr, config) = match number % 6 {
        0 | 1 => (
            "a rule that can be described",
            runnable(&mut chance),
            None,
            nothing,
        ),
        2 => ("a rule", rule(&mut chance), None, nothing),
        3 => ("a component", any_component(&mut chance), None, nothing),
        _ => {
            let (wasm, expr, config) = changed(&mut chance);
            ("a changed component", wasm, expr, config)
        }
    };
    Upload {
        kind,
        wasm,
        expr,
        config,
    }
}

/// A component that is valid, of no world.
fn any_component(chance: &mut Chance) -> Vec<u8> {
    let bytes = chance.bytes(ENTROPY_BYTES);
    let component = Component::new(config(), &mut Unstructured::new(&bytes));
    component.expect("any bytes make a component").to_bytes()
}

/// A core module with random code, that has the world of a rule.
fn rule(chance: &mut Chance) -> Vec<u8> {
    copy_component_type(&guest("evaluate"), &module(chance))
}

/// The same, but memory is given out, `describe` answers, and what `evaluate` answers lies in memory.
fn runnable(chance: &mut Chance) -> Vec<u8> {
    let mut module = module(chance);
    // local.get 0; call body; i32.const 65528; i32.and
    let evaluate = [b"\x20\x00", &*call(&module, "body"), b"\x41\xf8\xff\x03\x71"].concat();
    for (function, code) in [("cabi_realloc", GIVE), (DESCRIBE, EMPTY), (EVALUATE, &evaluate)] {
        module = with_body(&module, function, code);
    }
    copy_component_type(&guest("evaluate"), &module)
}

fn module(chance: &mut Chance) -> Vec<u8> {
    let shape = wat::parse_str(SHAPE).expect("the shape is valid");
    let config = Config {
        available_imports: Some(shape.clone()),
        exports: Some(shape),
        max_imports: 14,
        allow_start_export: chance.below(8) == 0,
        ..config()
    };
    let bytes = chance.bytes(ENTROPY_BYTES);
    let module = Module::new(config, &mut Unstructured::new(&bytes));
    module.expect("any bytes make a module").to_bytes()
}

/// What the host runs, and memories that fit into an instance.
fn config() -> Config {
    Config {
        memory64_enabled: false,
        gc_enabled: false,
        // With them come values of the host's, for which there is no collector.
        reference_types_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        relaxed_simd_enabled: false,
        max_memory32_bytes: 1 << 20,
        max_table_elements: 1_000,
        // Each may lie out of bounds, and then nothing runs.
        max_data_segments: 2,
        max_element_segments: 2,
        memory_offset_choices: MemoryOffsetChoices(90, 9, 1),
        ..Config::default()
    }
}

/// A stock component or a guest with some bytes changed, cut short, or with sections in other places.
fn changed(chance: &mut Chance) -> (Vec<u8>, Option<&'static str>, serde_json::Value) {
    let rule = |wasm, config| (wasm, Some("vector(1)"), config);
    let (mut wasm, expr, config) = match chance.below(6) {
        0 => rule(component("prometheus"), serde_json::json!({})),
        1 => rule(
            component("hysteresis"),
            serde_json::json!({"fire_above": 0, "resolve_below": 0}),
        ),
        2 => rule(component("deadman"), serde_json::json!({"silence": "1s"})),
        3 => (component("webhook"), None, serde_json::json!({})),
        _ => (guest("evaluate"), None, serde_json::json!({"do": "ok"})),
    };
    match chance.below(8) {
        0 => wasm.truncate(chance.below(wasm.len())),
        1 => wasm = shuffled(&wasm, |count| chance.below(count)),
        _ => {
            for _ in 0..=chance.below(CHANGES_MAX) {
                let at = place(&wasm, chance);
                wasm[at] ^= chance.one_of(&[1, 2, 4, 8, 16, 32, 64, 128, 255]);
            }
        }
    }
    (wasm, expr, config)
}

/// Where a byte is changed: anywhere, or in a text, so that more stays valid.
fn place(wasm: &[u8], chance: &mut Chance) -> usize {
    const TRIES: usize = 100;
    const TEXT_BYTES_MIN: usize = 8;
    let is_text = |at: &usize| {
        let text = wasm.get(*at..at + TEXT_BYTES_MIN);
        text.is_some_and(|text| text.iter().all(|byte| (b' '..b'~').contains(byte)))
    };
    let anywhere = chance.below(wasm.len());
    if chance.below(3) == 0 {
        return anywhere;
    }
    let mut places = (0..TRIES).map(|_| chance.below(wasm.len()));
    places.find(is_text).unwrap_or(anywhere)
}

#[test]
fn random_rules_are_valid_and_differ() {
    let mut before = Vec::new();
    for number in [0, 6, 12] {
        let wasm = upload(super::SEED, number).wasm;
        assert!(!before.contains(&wasm), "{number} is there twice");
        let mut all = wasmparser::Validator::new();
        all.validate_all(&wasm)
            .unwrap_or_else(|e| panic!("{number}: {e}"));
        before.push(wasm);
    }
}
