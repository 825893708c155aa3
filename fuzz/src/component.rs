//! Uploads: whatever the bytes are, they are refused with a reason, or compiled,
//! loaded, described and evaluated within tight limits.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arbitrary::{Arbitrary as _, Unstructured};
use wasm_smith::{Config, MemoryOffsetChoices, Module};
use wasmalert_core::evaluation::{Context, Journal, State, Trigger};
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::{GroupKey, RuleKey, TenantId};
use wasmalert_sandbox::{
    Artifacts, CompileLimits, Component, Sandbox, SandboxConfig, SandboxError, World, compile_here,
};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// What an upload may take: more compiles for longer than an input may run.
const WASM_BYTES_MAX: u64 = 256 << 10;
/// The longest message of a refusal or a fault, with its ellipsis.
const MESSAGE_BYTES_MAX: usize = 1_100;
/// Bytes that one input may change in a stock component.
const CHANGES_MAX: usize = 16;
const CONTRACT: [(&str, &str); 4] = [
    ("package.wit", include_str!("../../wit/package.wit")),
    ("types.wit", include_str!("../../wit/types.wit")),
    ("rule.wit", include_str!("../../wit/rule.wit")),
    ("notifier.wit", include_str!("../../wit/notifier.wit")),
];
/// What a random rule may import and export: as the contract lowers it.
const SHAPE: &str = r#"(module
  (import "wasmalert:rules/query@0.1.0" "instant" (func (param i32 i32 i32 i32 i32 i64 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "prefetch" (func (param i32 i32 i32 i32)))
  (import "wasmalert:rules/query@0.1.0" "[method]frame.len" (func (param i32) (result i32)))
  (import "wasmalert:rules/query@0.1.0" "[resource-drop]frame" (func (param i32)))
  (import "wasmalert:rules/state@0.1.0" "get" (func (param i32 i32 i32)))
  (import "wasmalert:rules/state@0.1.0" "set" (func (param i32 i32 i32 i32)))
  (import "wasmalert:rules/timers@0.1.0" "pending" (func (param i32)))
  (import "wasmalert:rules/log@0.1.0" "write" (func (param i32 i32 i32 i32 i32)))
  (import "wasmalert:rules/metrics@0.1.0" "count" (func (param i32 i32 i32 i32 f64)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "wasmalert:rules/rules@0.1.0#describe") (result i32) unreachable)
  (func (export "wasmalert:rules/rules@0.1.0#evaluate") (param i32) (result i32) unreachable)
  (func (export "cabi_post_wasmalert:rules/rules@0.1.0#evaluate") (param i32) unreachable)
)"#;

/// A core module with random code, the imports and exports of a rule.
pub fn core_module(input: &[u8]) {
    static SHAPE_WASM: OnceLock<Vec<u8>> = OnceLock::new();
    let shape = SHAPE_WASM.get_or_init(|| wat::parse_str(SHAPE).expect("the shape is valid"));
    let mut input = Unstructured::new(input);
    let as_rule = bool::arbitrary(&mut input).unwrap_or(true);
    let config = Config {
        available_imports: as_rule.then(|| shape.clone()),
        exports: as_rule.then(|| shape.clone()),
        max_imports: 20,
        max_memories: 4,
        max_tables: 9,
        memory64_enabled: false,
        gc_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        relaxed_simd_enabled: false,
        memory_offset_choices: MemoryOffsetChoices(90, 9, 1),
        ..Config::default()
    };
    let Ok(module) = Module::new(config, &mut input) else {
        return;
    };
    let mut wasm = module.to_bytes();
    let (resolve, world) = contract();
    if embed_component_metadata(&mut wasm, resolve, *world, StringEncoding::UTF8).is_ok() {
        upload(&wasm);
    }
}

/// A stock component or a hostile guest with some bytes changed, or cut short.
pub fn component(input: &[u8]) {
    let stock = stock();
    let mut input = Unstructured::new(input);
    let Ok(mut wasm) = input.choose(stock).cloned() else {
        return upload(input.take_rest());
    };
    for _ in 0..CHANGES_MAX {
        let (Ok(at), Ok(byte)) = (input.int_in_range(0..=wasm.len() - 1), u8::arbitrary(&mut input)) else {
            break;
        };
        if input.is_empty() {
            break;
        }
        wasm[at] = byte;
    }
    if input.ratio(1, 8).unwrap_or(false) {
        let length = input.int_in_range(0..=wasm.len()).unwrap_or(0);
        wasm.truncate(length);
    }
    upload(&wasm);
}

/// Small components to start from: those that have been built.
fn stock() -> &'static [Vec<u8>] {
    static STOCK: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    STOCK.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
        let files = [
            "components/deadman.wasm",
            "components/hysteresis.wasm",
            "guests/evaluate.wasm",
        ];
        files
            .iter()
            .filter_map(|file| fs::read(root.join(file)).ok())
            .collect()
    })
}

fn contract() -> &'static (Resolve, WorldId) {
    static CONTRACT_READ: OnceLock<(Resolve, WorldId)> = OnceLock::new();
    CONTRACT_READ.get_or_init(|| {
        let mut files = wit_parser::SourceMap::new();
        CONTRACT
            .iter()
            .for_each(|(name, text)| files.push_str(name, *text));
        let mut resolve = Resolve::new();
        let group = files
            .parse()
            .map_err(|(_, error)| error)
            .expect("the contract is valid");
        let package = resolve.push_group(group).expect("the contract is valid");
        let world = resolve.packages[package].worlds["rule"];
        (resolve, world)
    })
}

/// The sandbox and where artifacts go; made once.
fn host() -> &'static (Sandbox, Artifacts) {
    static HOST: OnceLock<(Sandbox, Artifacts)> = OnceLock::new();
    HOST.get_or_init(|| {
        let config = SandboxConfig {
            instances: 1,
            ..SandboxConfig::default()
        };
        let dir = std::env::temp_dir().join(format!("wasmalert-fuzz-{}", std::process::id()));
        let sandbox = Sandbox::new(&config).expect("a pool of one instance fits");
        (
            sandbox,
            Artifacts::open(&dir).expect("the temporary folder is writable"),
        )
    })
}

/// Takes it in as the server does, and runs it once.
fn upload(wasm: &[u8]) {
    let limits = CompileLimits {
        wasm_bytes: WASM_BYTES_MAX,
        ..CompileLimits::default()
    };
    let compiled = match compile_here(wasm, &limits) {
        Ok(compiled) => compiled,
        Err(error) => {
            assert_ne!(error.code, "host_error", "{error}");
            check_message(&error.message);
            return;
        }
    };
    let (sandbox, artifacts) = host();
    artifacts
        .put(sandbox, "fuzz", &compiled.artifact)
        .expect("an artifact is written");
    let artifact = artifacts.get(sandbox, "fuzz").expect("an artifact is read");
    let loaded = sandbox.load(artifact.expect("an artifact is there"));
    match loaded {
        Ok(component) => run(&component),
        Err(SandboxError::Load(why)) => check_message(&why),
        Err(error) => panic!("{error}"),
    }
}

fn run(component: &Component) {
    let mut limits = Limits::default();
    for (limit, most) in [
        (Limit::Fuel, 1_000_000),
        (Limit::DeadlineMs, 2_000),
        (Limit::MemoryBytes, 4 << 20),
        (Limit::HostCalls, 1_000),
        (Limit::BoundaryBytes, 1 << 20),
    ] {
        limits.set(limit, most);
    }
    let described = component.describe(&limits);
    if let Err(fault) = described.result {
        assert_ne!(fault.code.as_str(), "host_error", "{}", fault.message);
        check_message(&fault.message);
    }
    if component.world() == World::Rule {
        let first = component.evaluate(&context(), &journal(), &limits);
        let again = component.evaluate(&context(), &journal(), &limits);
        assert_eq!(first.cost.fuel, again.cost.fuel, "the same inputs cost the same");
        let text = |verdict| format!("{verdict:?}");
        assert_eq!(
            text(first.verdict),
            text(again.verdict),
            "the same inputs end the same"
        );
    }
}

fn check_message(message: &str) {
    assert!(
        !message.is_empty() && message.len() <= MESSAGE_BYTES_MAX,
        "{message:?}"
    );
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

fn context() -> Arc<Context> {
    let group = GroupKey {
        tenant: TenantId::new("fuzz").expect("a name"),
        namespace: "n".into(),
        group: "g".into(),
    };
    Arc::new(Context {
        rule: RuleKey {
            group,
            rule: "r".into(),
        },
        now_ms: 1_700_000_000_000,
        interval_ms: 60_000,
        query_offset_ms: 0,
        trigger: Trigger::Interval,
        config: "{}".into(),
        labels: Arc::default(),
        source: "default".into(),
    })
}

fn journal() -> Arc<Journal> {
    Arc::new(Journal {
        queries: BTreeMap::default().into_iter().collect(),
        state: Arc::new(State::new()),
        timers: Arc::default(),
    })
}
