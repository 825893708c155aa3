//! Guests, and what it takes to run them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wasmalert_core::evaluation::{Context, Effects, Journal, Outcome, State, Trigger};
use wasmalert_core::fault::Fault;
use wasmalert_core::frame::{Frame, FrameBuilder};
use wasmalert_core::limits::Limits;
use wasmalert_core::query::{Query, QueryResult, QueryTime};
use wasmalert_core::{GroupKey, RuleKey, TenantId};
use wasmalert_sandbox::{
    Artifacts, CompileError, CompileLimits, Compiled, Component, Evaluation, Sandbox, SandboxConfig, Verdict,
};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap};

pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
pub(crate) const OFFSET_MS: i64 = 30_000;

/// A directory of its own that is removed in the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("wasmalert-sandbox-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(&SandboxConfig {
        instances: 4,
        ..SandboxConfig::default()
    })
    .unwrap()
}

/// The contract, with its text changed where a test wants a wrong one.
fn contract(change: &dyn Fn(String) -> String) -> (Resolve, wit_parser::PackageId) {
    let mut files = SourceMap::new();
    for file in ["package.wit", "types.wit", "rule.wit", "notifier.wit"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit").join(file);
        files.push_str(file, change(std::fs::read_to_string(path).unwrap()));
    }
    let mut resolve = Resolve::new();
    let package = resolve
        .push_group(files.parse().map_err(|(_, error)| error).unwrap())
        .unwrap();
    (resolve, package)
}

/// A core module with its `component-type` section.
pub(crate) fn embed(wat: &str, world: &str) -> Vec<u8> {
    embed_changed(wat, world, &|text| text)
}

pub(crate) fn embed_changed(wat: &str, world: &str, change: &dyn Fn(String) -> String) -> Vec<u8> {
    let (resolve, package) = contract(change);
    let world = resolve.packages[package].worlds[world];
    let mut wasm = wat::parse_str(wat).unwrap();
    embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8).unwrap();
    wasm
}

/// Shared parts of a rule in WAT. 1024: an empty description. 2048: where the
/// answer goes, at first an empty outcome. 3072: where imports answer. 4096: texts.
pub(crate) fn rule_wat(items: &str, body: &str) -> String {
    format!(
        r#"(module
  (import "wasmalert:rules/query@0.1.0" "instant"
    (func $instant (param i32 i32 i32 i32 i32 i64 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "range"
    (func $range (param i32 i32 i32 i32 i64 i64 i64 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "prefetch" (func $prefetch (param i32 i32 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.len" (func $len (param i32) (result i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.id" (func $id (param i32) (result i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.values" (func $values (param i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.labels" (func $labels (param i32 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[resource-drop]frame" (func $drop (param i32)))
  (import "wasmalert:rules/state@0.1.0" "get" (func $state_get (param i32 i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "set" (func $state_set (param i32 i32 i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "delete" (func $state_delete (param i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "keys" (func $state_keys (param i32 i32 i32)))
  (import "wasmalert:rules/timers@0.1.0" "set" (func $timer_set (param i32 i32 i64 i32 i32)))
  (import "wasmalert:rules/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
  (import "wasmalert:rules/metrics@0.1.0" "count" (func $count (param i32 i32 i32 i32 f64)))
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 16384))
  (data (i32.const 4096) "up")
  (data (i32.const 4112) "job")
  (data (i32.const 4128) "hello")
  (data (i32.const 4144) "bad name")
  (func (export "cabi_realloc") (param $old i32) (param i32 i32) (param $size i32) (result i32)
    (local.set $old (global.get $heap))
    (global.set $heap
      (i32.and (i32.add (i32.add (global.get $heap) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (local.get $old))
  (func $ask (param $may_fail i32)
    (call $instant (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 2)
      (i32.const 0) (i64.const 0) (local.get $may_fail) (i32.const 3072)))
  (func $say (call $log (i32.const 2) (i32.const 4128) (i32.const 5) (i32.const 0) (i32.const 0)))
  {items}
  (func (export "wasmalert:rules/rules@0.1.0#describe") (result i32) (i32.const 1024))
  (func (export "wasmalert:rules/rules@0.1.0#evaluate") (param $context i32) (result i32)
    (local $i i32)
    {body}
    (i32.const 2048))
)"#
    )
}

/// A rule with that body.
pub(crate) fn rule(items: &str, body: &str) -> Vec<u8> {
    embed(&rule_wat(items, body), "rule")
}

pub(crate) fn compile(wasm: &[u8]) -> Result<Compiled, CompileError> {
    compile_within(wasm, &CompileLimits::default())
}

pub(crate) fn compile_within(wasm: &[u8], limits: &CompileLimits) -> Result<Compiled, CompileError> {
    wasmalert_sandbox::compile(Path::new(env!("CARGO_BIN_EXE_componentize")), wasm, limits)
}

/// Compiles and loads, by way of the store.
pub(crate) fn load(sandbox: &Sandbox, wasm: &[u8]) -> Component {
    let compiled = compile(wasm).unwrap();
    let scratch = Scratch::new();
    let artifacts = Artifacts::open(scratch.path()).unwrap();
    artifacts.put(sandbox, "digest", &compiled.artifact).unwrap();
    sandbox
        .load(artifacts.get(sandbox, "digest").unwrap().unwrap())
        .unwrap()
}

pub(crate) fn context() -> Arc<Context> {
    let group = GroupKey {
        tenant: TenantId::new("acme").unwrap(),
        namespace: "file.yml".into(),
        group: "group".into(),
    };
    Arc::new(Context {
        rule: RuleKey {
            group,
            rule: "rule".into(),
        },
        now_ms: NOW_MS,
        interval_ms: 60_000,
        query_offset_ms: OFFSET_MS,
        trigger: Trigger::Interval,
        config: "{}".into(),
        labels: Arc::default(),
        source: "default".into(),
        extras: Vec::new(),
    })
}

/// The query that `$ask` asks.
pub(crate) fn up() -> Query {
    Query {
        source: "default".into(),
        expr: "up".into(),
        time: QueryTime::Instant {
            at_ms: NOW_MS - OFFSET_MS,
        },
    }
}

/// Two series, `up{job="a"} 1` and `up{job="b"} 0`.
pub(crate) fn frame() -> Arc<Frame> {
    let mut builder = FrameBuilder::new();
    for (job, value) in [("a", 1.0), ("b", 0.0)] {
        builder.label("__name__", "up");
        builder.label("job", job);
        builder.sample(NOW_MS, value);
        builder.end_series().unwrap();
    }
    Arc::new(builder.finish())
}

pub(crate) fn journal(queries: &[(Query, QueryResult)], state: State) -> Arc<Journal> {
    Arc::new(Journal {
        queries: queries.iter().cloned().collect(),
        state: Arc::new(state),
        timers: Arc::new(BTreeMap::new()),
    })
}

/// Runs a rule once, with the answer to `up` in the journal.
pub(crate) fn evaluate(wasm: &[u8], limits: &Limits) -> Evaluation {
    let journal = journal(&[(up(), Ok(frame()))], State::new());
    load(&sandbox(), wasm).evaluate(&context(), &journal, limits)
}

#[track_caller]
pub(crate) fn done(evaluation: Evaluation) -> (Outcome, Effects) {
    match evaluation.verdict {
        Verdict::Done { outcome, effects } => (outcome, effects),
        other => panic!("not done: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn fault(evaluation: Evaluation) -> Fault {
    match evaluation.verdict {
        Verdict::Failed { fault, .. } => fault,
        other => panic!("did not fail: {other:?}"),
    }
}

/// Runs a rule with that body and gives the code and message of its fault.
#[track_caller]
pub(crate) fn fails(items: &str, body: &str, limits: &Limits) -> (&'static str, String) {
    let fault = fault(evaluate(&rule(items, body), limits));
    (fault.code.as_str(), fault.message)
}
