//! The floor: the same machine code, run by wasmtime alone.
//!
//! The host hands out a column that is ready; it has no journal, checks no
//! limits, counts nothing, and leaves the findings as wasmtime lifts them.

use std::sync::Arc;

use wasmtime::component::{Component, HasSelf, Linker, Resource};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store};

use bindings::exports::wasmalert::rules::rules::{Context, Outcome, Trigger};
use bindings::wasmalert::rules::query::{self, Frame, LabelColumn, QueryError, SampleColumns};
use bindings::wasmalert::rules::types::{InstantQuery, Label, RangeQuery};
use bindings::{Rule, RulePre};

use crate::ours::{CONFIG, INTERVAL_MS, NOW_MS};

mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "rule" });
}

/// Ticks until a deadline that never comes.
const NO_DEADLINE_TICKS: u64 = 1 << 40;

pub(crate) struct Floor {
    engine: Engine,
    rule: RulePre<Column>,
}

pub(crate) struct Case<'a> {
    floor: &'a Floor,
    context: Context,
    values: Arc<[f64]>,
}

impl Floor {
    /// Loads what the sandbox's compiler made; wasmtime refuses it should the
    /// settings of the two engines ever differ in what they compile.
    #[expect(
        unsafe_code,
        reason = "machine code is run that this process had compiled just now"
    )]
    pub(crate) fn new(artifact: &[u8]) -> Result<Self> {
        let engine = engine()?;
        // SAFETY: the bytes are those that the compiler has returned.
        let component = unsafe { Component::deserialize(&engine, artifact) }?;
        let mut linker = Linker::new(&engine);
        query::add_to_linker::<_, HasSelf<_>>(&mut linker, |column| column)?;
        linker.define_unknown_imports_as_traps(&component)?;
        Ok(Self {
            rule: RulePre::new(linker.instantiate_pre(&component)?)?,
            engine,
        })
    }

    pub(crate) fn case(&self, series: usize) -> Case<'_> {
        Case {
            floor: self,
            context: context(),
            values: vec![0.0; series].into(),
        }
    }
}

impl Case<'_> {
    pub(crate) fn evaluate(&self) -> Result<Outcome> {
        let mut store = Store::new(&self.floor.engine, Column(Arc::clone(&self.values)));
        store.set_fuel(u64::MAX)?;
        store.set_epoch_deadline(NO_DEADLINE_TICKS);
        let rule: Rule = self.floor.rule.instantiate(&mut store)?;
        let answer = rule
            .wasmalert_rules_rules()
            .call_evaluate(&mut store, &self.context)?;
        match answer {
            Ok(outcome) if outcome.findings.len() == self.values.len() => Ok(outcome),
            other => wasmtime::bail!(
                "unexpected answer: {:?}",
                other.map(|outcome| outcome.findings.len())
            ),
        }
    }
}

/// An engine with the settings of the sandbox's.
fn engine() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(16)
        .total_memories(32)
        .total_core_instances(1_024)
        .total_tables(128)
        .max_core_instances_per_component(64)
        .max_tables_per_component(8)
        .max_memories_per_component(2)
        .max_memory_size(64 << 20)
        .table_elements(64 << 10)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(512 << 10)
        .max_unused_warm_slots(16);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(true)
        .concurrency_support(false)
        .memory_init_cow(true)
        .table_lazy_init(true)
        .generate_address_map(false)
        .native_unwind_info(false)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .max_wasm_stack(512 << 10)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

fn context() -> Context {
    Context {
        tenant: "default".into(),
        namespace: "bench".into(),
        group: "evaluation".into(),
        rule: "Down".into(),
        now_ms: NOW_MS,
        interval_ms: INTERVAL_MS.unsigned_abs(),
        trigger: Trigger {
            kind: "interval".into(),
            timer: String::new(),
            due_ms: NOW_MS,
            payload: Vec::new(),
        },
        config: CONFIG.into(),
        labels: vec![Label {
            name: "severity".into(),
            value: "page".into(),
        }],
        extras: Vec::new(),
    }
}

/// The host: the values of the one frame.
struct Column(Arc<[f64]>);

impl query::Host for Column {
    fn instant(&mut self, _: InstantQuery) -> Result<Resource<Frame>, QueryError> {
        Ok(Resource::new_own(0))
    }

    fn range(&mut self, _: RangeQuery) -> Result<Resource<Frame>, QueryError> {
        not_called()
    }

    fn prefetch(&mut self, _: Vec<InstantQuery>, _: Vec<RangeQuery>) {
        not_called()
    }
}

impl query::HostFrame for Column {
    fn id(&mut self, _: Resource<Frame>) -> u32 {
        0
    }

    fn len(&mut self, _: Resource<Frame>) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn values(&mut self, _: Resource<Frame>) -> Vec<f64> {
        self.0.to_vec()
    }

    fn drop(&mut self, _: Resource<Frame>) -> Result<()> {
        Ok(())
    }

    fn timestamps_ms(&mut self, _: Resource<Frame>) -> Vec<i64> {
        not_called()
    }

    fn values_packed(&mut self, _: Resource<Frame>) -> Vec<u8> {
        not_called()
    }

    fn timestamps_ms_packed(&mut self, _: Resource<Frame>) -> Vec<u8> {
        not_called()
    }

    fn label(&mut self, _: Resource<Frame>, _: String) -> LabelColumn {
        not_called()
    }

    fn labels(&mut self, _: Resource<Frame>, _: u32) -> Vec<Label> {
        not_called()
    }

    fn labels_of(&mut self, _: Resource<Frame>, _: Vec<u32>) -> Vec<Vec<Label>> {
        not_called()
    }

    fn samples(&mut self, _: Resource<Frame>, _: u32) -> SampleColumns {
        not_called()
    }

    fn sample_offsets(&mut self, _: Resource<Frame>) -> Vec<u32> {
        not_called()
    }

    fn all_timestamps_ms(&mut self, _: Resource<Frame>) -> Vec<i64> {
        not_called()
    }

    fn all_values(&mut self, _: Resource<Frame>) -> Vec<f64> {
        not_called()
    }

    fn all_timestamps_ms_packed(&mut self, _: Resource<Frame>) -> Vec<u8> {
        not_called()
    }

    fn all_values_packed(&mut self, _: Resource<Frame>) -> Vec<u8> {
        not_called()
    }
}

fn not_called() -> ! {
    unreachable!("the component `prometheus` does not call this")
}
