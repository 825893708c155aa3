//! Rules in WAT, for what no compiler would make.

use crate::harness::guest;
use crate::uploads::patch::copy_component_type;

/// The parts of a rule that an attack writes itself. The memory: at 1024 an empty
/// description, at 2048 the answer, at first an empty outcome, at 3072 what imports
/// answer, at 4096 texts, from 16384 on what is allocated.
pub(crate) struct Rule {
    /// Functions, tables, globals and so on.
    pub(crate) items: &'static str,
    /// Runs in `describe`.
    pub(crate) describe: &'static str,
    /// Runs in `evaluate`; `$context` points at the context and `$i` is 0.
    pub(crate) evaluate: &'static str,
    /// The whole body of `cabi_realloc`, after which `$new` is given back.
    pub(crate) realloc: &'static str,
    /// Runs in the post-return function of `evaluate`.
    pub(crate) post_return: &'static str,
    /// Pages of memory, at least 1 and at most that many.
    pub(crate) memory: &'static str,
}

/// A rule that does nothing.
pub(crate) const RULE: Rule = Rule {
    items: "",
    describe: "",
    evaluate: "",
    realloc: "(local.set $new (call $allocate (local.get $size)))",
    post_return: "",
    memory: "2",
};

impl Rule {
    /// A core module with its `component-type` section.
    pub(crate) fn module(&self) -> Vec<u8> {
        let module = wat::parse_str(self.text()).unwrap_or_else(|e| panic!("{e}"));
        copy_component_type(&guest("evaluate"), &module)
    }

    pub(crate) fn text(&self) -> String {
        let Self {
            items,
            describe,
            evaluate,
            realloc,
            post_return,
            memory,
        } = self;
        format!(
            r#"(module
  {IMPORTS}
  (memory (export "memory") {memory})
  (global $heap (mut i32) (i32.const 16384))
  (data (i32.const 4096) "up")
  (data (i32.const 4112) "job")
  (data (i32.const 4128) "hello")
  (data (i32.const 4144) "a\ff\feb")
  (func $allocate (param $size i32) (result i32) (global.get $heap)
    (global.set $heap (i32.and
      (i32.add (i32.add (global.get $heap) (local.get $size)) (i32.const 7)) (i32.const -8))))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $new i32) {realloc} (local.get $new))
  (func $ask (call $instant (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 2)
    (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 3072)))
  (func $answer (result i32) (i32.load (i32.const 3076)))
  (func $say (call $log (i32.const 2) (i32.const 4128) (i32.const 5) (i32.const 0) (i32.const 0)))
  (func $put (param $at i32) (param $pointer i32) (param $length i32)
    (i32.store (local.get $at) (local.get $pointer))
    (i32.store (i32.add (local.get $at) (i32.const 4)) (local.get $length)))
  {items}
  (func (export "wasmalert:rules/rules@0.1.0#describe") (result i32) {describe} (i32.const 1024))
  (func (export "wasmalert:rules/rules@0.1.0#evaluate") (param $context i32) (result i32)
    (local $i i32) {evaluate} (i32.const 2048))
  (func (export "cabi_post_wasmalert:rules/rules@0.1.0#evaluate") (param i32) {post_return})
)"#
        )
    }
}

const IMPORTS: &str = r#"
  (import "wasmalert:rules/query@0.1.0" "instant"
    (func $instant (param i32 i32 i32 i32 i32 i64 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "range"
    (func $range (param i32 i32 i32 i32 i64 i64 i64 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "prefetch" (func $prefetch (param i32 i32 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.len" (func $len (param i32) (result i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.values" (func $values (param i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.samples" (func $samples (param i32 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.labels-of"
    (func $labels_of (param i32 i32 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[resource-drop]frame" (func $drop (param i32)))
  (import "wasmalert:rules/state@0.1.0" "get" (func $state_get (param i32 i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "set" (func $state_set (param i32 i32 i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "delete" (func $state_delete (param i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "keys" (func $state_keys (param i32 i32 i32)))
  (import "wasmalert:rules/timers@0.1.0" "set" (func $timer_set (param i32 i32 i64 i32 i32)))
  (import "wasmalert:rules/timers@0.1.0" "pending" (func $timers_pending (param i32)))
  (import "wasmalert:rules/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
  (import "wasmalert:rules/metrics@0.1.0" "count" (func $count (param i32 i32 i32 i32 f64)))
  (import "wasmalert:rules/metrics@0.1.0" "gauge" (func $gauge (param i32 i32 i32 i32 f64)))
  (import "wasmalert:rules/metrics@0.1.0" "observe" (func $observe (param i32 i32 i32 i32 f64)))"#;
