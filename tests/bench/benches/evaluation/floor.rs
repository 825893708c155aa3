//! The floor: the same machine code, run by wasmtime alone.
//!
//! The host hands out a column that is ready; it has no journal, checks no
//! limits, counts nothing, and leaves the findings as wasmtime lifts them.

use std::sync::Arc;

use wasmtime::component::{Component, HasSelf, Linker, Resource};
use wasmtime::{Engine, Result, Store};

use wasmalert_sandbox::{SandboxConfig, engine_settings};

use bindings::exports::wasmalert::rules::rules::{Context, Outcome, Trigger};
use bindings::wasmalert::rules::query::{self, Frame, LabelColumn, QueryError, SampleColumns};
use bindings::wasmalert::rules::state;
use bindings::wasmalert::rules::types::{InstantQuery, Label, RangeQuery};
use bindings::{Rule, RulePre};

use crate::case::{Case, INTERVAL_MS, NOW_MS, series_labels};

mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "rule" });
}

/// Ticks until a deadline that never comes.
const NO_DEADLINE_TICKS: u64 = 1 << 40;

pub(crate) struct Floor {
    engine: Engine,
    rule: RulePre<Column>,
}

pub(crate) struct Run<'a> {
    floor: &'a Floor,
    context: Context,
    values: Arc<[f64]>,
    labels: Arc<[Label]>,
    findings: usize,
}

impl Floor {
    /// Loads what the sandbox's compiler made; wasmtime refuses it should the
    /// settings of the two engines ever differ in what they compile.
    #[expect(
        unsafe_code,
        reason = "machine code is run that this process had compiled just now"
    )]
    pub(crate) fn new(artifact: &[u8]) -> Result<Self> {
        let engine = Engine::new(&engine_settings(&SandboxConfig::default()))?;
        // SAFETY: the bytes are those that the compiler has returned.
        let component = unsafe { Component::deserialize(&engine, artifact) }?;
        let mut linker = Linker::new(&engine);
        query::add_to_linker::<_, HasSelf<_>>(&mut linker, |column| column)?;
        state::add_to_linker::<_, HasSelf<_>>(&mut linker, |column| column)?;
        linker.define_unknown_imports_as_traps(&component)?;
        Ok(Self {
            rule: RulePre::new(linker.instantiate_pre(&component)?)?,
            engine,
        })
    }

    pub(crate) fn prepare(&self, case: &Case, series: usize) -> Run<'_> {
        let labels = series_labels(0).map(|(name, value)| Label {
            name: name.to_owned(),
            value,
        });
        Run {
            floor: self,
            context: context(case.config),
            values: (0..series).map(case.value).collect(),
            labels: labels.into(),
            findings: case.findings(series),
        }
    }
}

impl Run<'_> {
    pub(crate) fn evaluate(&self) -> Result<Outcome> {
        let column = Column {
            values: Arc::clone(&self.values),
            labels: Arc::clone(&self.labels),
        };
        let mut store = Store::new(&self.floor.engine, column);
        store.set_fuel(u64::MAX)?;
        store.set_epoch_deadline(NO_DEADLINE_TICKS);
        let rule: Rule = self.floor.rule.instantiate(&mut store)?;
        let answer = rule
            .wasmalert_rules_rules()
            .call_evaluate(&mut store, &self.context)?;
        match answer {
            Ok(outcome) if outcome.findings.len() == self.findings => Ok(outcome),
            other => wasmtime::bail!(
                "unexpected answer: {:?}",
                other.map(|outcome| outcome.findings.len())
            ),
        }
    }
}

fn context(config: &str) -> Context {
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
        config: config.into(),
        labels: vec![Label {
            name: "severity".into(),
            value: "page".into(),
        }],
        extras: Vec::new(),
    }
}

/// The host: the values of the one frame, and what all its series are called.
struct Column {
    values: Arc<[f64]>,
    labels: Arc<[Label]>,
}

impl state::Host for Column {
    fn get(&mut self, _: String) -> Option<Vec<u8>> {
        None
    }

    fn set(&mut self, _: String, _: Vec<u8>) {}

    fn delete(&mut self, _: String) {}

    fn keys(&mut self, _: String) -> Vec<String> {
        not_called()
    }
}

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
        u32::try_from(self.values.len()).unwrap_or(u32::MAX)
    }

    fn values(&mut self, _: Resource<Frame>) -> Vec<f64> {
        self.values.to_vec()
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

    fn labels_of(&mut self, _: Resource<Frame>, series: Vec<u32>) -> Vec<Vec<Label>> {
        series.iter().map(|_| self.labels.to_vec()).collect()
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
    unreachable!("no component here calls this")
}
