//! From what a tenant uploads to an artifact.
//!
//! A *core module* carries the contract in a custom section and is encoded into a
//! component first. Compilers are not built against hostile input, so compilation
//! happens in a subprocess of the same binary, the *worker*, which limits its own
//! memory and CPU time before it reads a byte, and is killed at a deadline.

mod check;
mod encode;
mod inspect;
mod parent;
mod producers;
mod strip;
mod wire;
mod worker;

pub use encode::{TextEncoding, carries_world, componentize, embed_world, is_component};
pub use inspect::{Inspection, ModuleKind, inspect};
pub use parent::{compile, compile_with_lines};
pub use producers::Producer;
pub use strip::{debug_file_of, debug_of, is_debug_of, strip};
pub use worker::{compile_here, compile_worker, limit_process};

use std::fmt;

use crate::model::World;
use crate::text::clip;

/// Name of the hidden subcommand that runs [`compile_worker`].
pub const WORKER_COMMAND: &str = "compile-worker";

/// What one compilation may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space of the worker. Default 2 GiB.
    pub memory_bytes: u64,
    /// CPU time of the worker. Default 60 s.
    pub cpu_seconds: u64,
    /// Wall time, after which the worker is killed. Default 60 s.
    pub wall_ms: u64,
    /// Size of the upload. Default 32 MiB.
    pub wasm_bytes: u64,
    /// Minimum size of a component's memories, together: more than an instance may
    /// have could never run. Default 64 MiB.
    pub minimum_memory_bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            cpu_seconds: 60,
            wall_ms: 60_000,
            wasm_bytes: 32 << 20,
            minimum_memory_bytes: 64 << 20,
        }
    }
}

/// A compiled component.
#[derive(Clone, PartialEq, Eq)]
pub struct Compiled {
    pub world: World,
    /// The component: the upload itself, or what its core module was encoded into.
    pub component: Vec<u8>,
    /// Machine code, for [`crate::Artifacts::put`].
    pub artifact: Vec<u8>,
    /// Names of the interfaces that the component imports, sorted.
    pub imports: Vec<String>,
    /// Minimum size of its memories, together.
    pub minimum_memory_bytes: u64,
    /// What its author should know, such as a large minimum memory.
    pub warnings: Vec<String>,
    /// What the upload says it was made with.
    pub producers: Vec<Producer>,
}

impl fmt::Debug for Compiled {
    /// Leaves the code out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled")
            .field("world", &self.world)
            .field("component_bytes", &self.component.len())
            .field("artifact_bytes", &self.artifact.len())
            .field("imports", &self.imports)
            .field("minimum_memory_bytes", &self.minimum_memory_bytes)
            .field("warnings", &self.warnings)
            .field("producers", &self.producers)
            .finish()
    }
}

/// Why a component was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct CompileError {
    /// `empty_module`, `not_wasm`, `too_large`, `invalid_wasm`,
    /// `no_component_type`, `world_unknown`, `world_mismatch`,
    /// `memory_too_large`, `too_complex`, `compile_failed`, `compile_timeout`,
    /// `compile_memory`, `compile_crashed` or `host_error`.
    pub code: &'static str,
    /// What is wrong and what to do, for people.
    pub message: String,
    /// The single things that are wrong, where there are several.
    pub problems: Vec<String>,
}

impl CompileError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self::with_problems(code, message, Vec::new())
    }

    /// The message and the problems may quote the component.
    pub(crate) fn with_problems(
        code: &'static str,
        message: impl Into<String>,
        problems: Vec<String>,
    ) -> Self {
        Self {
            code,
            message: clip(&message.into()),
            problems: problems.iter().map(|problem| clip(problem)).collect(),
        }
    }

    /// Whether the fault lies with the host and not with the component.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.code == "host_error"
    }
}
