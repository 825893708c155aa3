//! Runs components: the one crate that knows wasmtime.
//!
//! Words used below: a *component* is a compiled WebAssembly component of one of
//! the two *worlds*, rule or notifier. A *run* is one call of one of its exports
//! in a fresh instance. What a run reads comes from a *journal* and what it does
//! is kept as *effects*; neither touches anything outside. A run that asks for a
//! query that is not in the journal *wants* it: the run ends, the query is fetched,
//! and the component is run again from the start. An *artifact* is a component's
//! machine code on disk, `.cwasm`.
//!
//! No type of wasmtime or of the generated bindings leaves this crate.

pub mod artifact;
mod bindings;
pub mod compile;
mod component;
mod cpu;
mod engine;
mod host;
mod memory;
mod model;
mod outcome;
mod run;
mod text;
mod world;

pub use artifact::{ArtifactError, Artifacts};
pub use compile::{
    CompileError, CompileLimits, Compiled, Inspection, ModuleKind, Producer, compile, compile_here,
    compile_with_lines, compile_worker, componentize, inspect, limit_process,
};
pub use component::Component;
pub use cpu::thread_cpu_ns;
pub use engine::{Sandbox, SandboxConfig, SandboxError, engine_settings};
pub use model::{
    AlertStatus, Disposition, DispositionKind, Ended, Evaluation, HttpRequest, HttpResponse, NotifyAlert,
    NotifyBatch, Run, Verdict, World,
};
pub use text::clip;
