//! What a run sees of the host: inputs to read, effects to append to, and meters.
//!
//! Every import counts as a host call and pays for the bytes it copies before it
//! copies them. An import ends a run by returning a [`Fault`] or [`Suspend`] as
//! its error.

mod kept;
mod output;
mod query;
mod state;
mod timers;
mod wasi;

use std::collections::HashSet;
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{Context, Effects, Journal, LogLine, MetricUpdate, State, Timer};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::frame::Frame;
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::query::Query;
use wasmtime::component::ResourceTable;

use crate::bindings;
use crate::memory::Memory;
pub(crate) use kept::Kept;
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub use query::FrameHandle;
pub(crate) use wasi::Moment;
use wasi::Printed;

/// Frames a run may hold open at a time. Guests with a garbage collector let go
/// of theirs late or never.
const FRAMES_OPEN_MAX: usize = 10_000;
/// What a string or a list costs besides its bytes.
pub(crate) const ITEM_BYTES: usize = 8;

/// The error that ends a run which needs queries the journal has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("waiting for queries")]
pub(crate) struct Suspend;

/// What a run reads.
pub(crate) enum Inputs {
    /// `describe` reads nothing.
    Nothing,
    Rule {
        context: Arc<Context>,
        journal: Arc<Journal>,
    },
    Notifier {
        state: Arc<State>,
        moment: Moment,
    },
}

/// A query that this run asked.
pub(crate) struct Asked {
    pub(crate) query: Query,
    /// Index in the run's frames, once it got one.
    frame: Option<u32>,
}

/// The data of a run's store.
pub(crate) struct Host {
    pub(crate) limits: Limits,
    pub(crate) memory: Memory,
    pub(crate) host_calls: u64,
    pub(crate) boundary_bytes: u64,
    inputs: Inputs,
    open: ResourceTable,
    pub(crate) frames: Vec<Arc<Frame>>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) wants: Vec<Query>,
    /// The first failed query that was not allowed to fail.
    failed_query: Option<Fault>,
    state: Kept<Vec<u8>>,
    timers: Kept<Timer>,
    pub(crate) log: Vec<LogLine>,
    log_bytes: u64,
    printed: Printed,
    metrics: Vec<MetricUpdate>,
    series: HashSet<(String, Labels)>,
}

impl Host {
    pub(crate) fn new(inputs: Inputs, limits: &Limits, memory_bytes_max: u64) -> Self {
        let (state, timers) = match &inputs {
            Inputs::Nothing => (Arc::default(), Arc::default()),
            Inputs::Rule { journal, .. } => (Arc::clone(&journal.state), Arc::clone(&journal.timers)),
            Inputs::Notifier { state, .. } => (Arc::clone(state), Arc::default()),
        };
        let mut open = ResourceTable::new();
        open.set_max_capacity(FRAMES_OPEN_MAX);
        Self {
            memory: Memory::new(limits.memory_bytes.min(memory_bytes_max)),
            limits: limits.clone(),
            host_calls: 0,
            boundary_bytes: 0,
            inputs,
            open,
            frames: Vec::new(),
            asked: Vec::new(),
            wants: Vec::new(),
            failed_query: None,
            state: Kept::new(state, Vec::len),
            timers: Kept::new(timers, |timer| timer.payload.len()),
            log: Vec::new(),
            log_bytes: 0,
            printed: Printed::default(),
            metrics: Vec::new(),
            series: HashSet::new(),
        }
    }

    /// Fails a run that returned although a query failed that it had not allowed
    /// to fail.
    pub(crate) fn check_queries(&mut self) -> Result<(), Fault> {
        self.failed_query.take().map_or(Ok(()), Err)
    }

    /// Everything the run did.
    pub(crate) fn into_effects(self) -> Effects {
        Effects {
            state: self.state.into_changes(),
            timers: self.timers.into_changes(),
            log: self.log,
            metrics: self.metrics,
        }
    }

    /// Pays for bytes that are copied between guest and host.
    pub(crate) fn pay(&mut self, bytes: usize) -> Result<(), Fault> {
        self.boundary_bytes = self.boundary_bytes.saturating_add(bytes as u64);
        check(Limit::BoundaryBytes, self.boundary_bytes, &self.limits)
    }

    /// Begins a call of an import that takes `bytes`.
    fn enter(&mut self, bytes: usize) -> Result<(), Fault> {
        if matches!(self.inputs, Inputs::Nothing) {
            return Err(bad_call("`describe` may not call imports other than `log`"));
        }
        self.enter_always(bytes)
    }

    fn enter_always(&mut self, bytes: usize) -> Result<(), Fault> {
        self.host_calls += 1;
        check(Limit::HostCalls, self.host_calls, &self.limits)?;
        self.pay(bytes)
    }
}

impl bindings::types::Host for Host {}

/// Fails when more is used than the limit allows.
pub(crate) fn check(limit: Limit, used: u64, limits: &Limits) -> Result<(), Fault> {
    let allowed = limits.get(limit);
    if used > allowed {
        Err(Fault::beyond(limit, used, allowed))
    } else {
        Ok(())
    }
}

pub(crate) fn bad_call(message: impl Into<String>) -> Fault {
    Fault::new(FaultCode::BadCall, message)
}

/// What a list of labels costs to copy.
pub(crate) fn label_bytes(labels: &[bindings::types::Label]) -> usize {
    labels
        .iter()
        .map(|label| label.name.len() + label.value.len() + 2 * ITEM_BYTES)
        .sum()
}
