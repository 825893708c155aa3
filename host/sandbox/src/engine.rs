//! The engine: settings, the pool of instances, and the ticker that deadlines
//! are measured by.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::bindings;
use crate::component::Component;
use crate::host::Host;

/// How long a tick of the deadline's clock is.
const TICK_MS: u64 = 5;
/// The longest deadline in ticks; far beyond any setting, and safe to add.
const TICKS_MAX: u64 = u32::MAX as u64;
/// Memory and tables of a freed slot that stay mapped, so that the next instance
/// resets them without a system call.
const MEMORY_RESIDENT_BYTES: usize = 2 << 20;
const TABLE_RESIDENT_BYTES: usize = 512 << 10;
/// Elements of one table. JavaScript and Python engines have thousands.
const TABLE_ELEMENTS_MAX: usize = 64 << 10;
/// What one component may have. The pool holds as much for each of its instances,
/// so that no component takes another's place.
const CORE_INSTANCES_PER_COMPONENT_MAX: u32 = 64;
const TABLES_PER_COMPONENT_MAX: u32 = 8;
pub(crate) const MEMORIES_PER_COMPONENT_MAX: u32 = 4;
/// Address space that each memory reserves, so that no access needs a check.
const MEMORY_RESERVATION_GIB: u64 = 4;
/// Frames of a guest's call stack that a trap's message is made from.
const BACKTRACE_FRAMES_MAX: usize = 8;
/// The same where files and lines are told: those of libraries are then left out.
const BACKTRACE_FRAMES_WITH_LINES_MAX: usize = 32;

/// The size of the sandbox, for all tenants together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxConfig {
    /// Concurrent instances, at least 1; one for each worker thread is enough.
    pub instances: u32,
    /// The largest linear memory an instance may have, whatever its limits say.
    pub memory_bytes_max: u64,
    /// The guest's call stack.
    pub stack_bytes: u64,
    /// Runs what [`crate::compile_with_lines`] made, so that traps tell files and lines.
    pub lines: bool,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            instances: 16,
            memory_bytes_max: 64 << 20,
            stack_bytes: 512 << 10,
            lines: false,
        }
    }
}

/// Why the sandbox cannot start, or a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error(
        "cannot set up a pool of {instances} instances, which takes {gib} GiB of address space: {reason}; \
         lower the number of instances, or raise the limit on address space (`ulimit -v`)"
    )]
    Pool {
        instances: u32,
        gib: u64,
        reason: String,
    },
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    #[error("cannot set up the engine: {0}")]
    Engine(String),
    /// The artifact is not what this engine compiles.
    #[error("cannot load the component: {0}")]
    Load(String),
    #[error("cannot read the artifact: {0}")]
    Read(#[from] std::io::Error),
}

/// The engine that components run in; a handle, cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) rules: Linker<Host>,
    pub(crate) notifiers: Linker<Host>,
    pub(crate) memory_bytes_max: u64,
    pub(crate) stack_bytes: u64,
    /// The ticker runs until this is dropped.
    _ticker: Sender<()>,
}

impl Sandbox {
    /// Sets up the engine and its pool, and starts the ticker.
    ///
    /// # Errors
    /// The pool does not fit in the address space, or no thread can be started.
    pub fn new(config: &SandboxConfig) -> Result<Self, SandboxError> {
        let engine = Engine::new(&engine_settings(config)).map_err(|error| SandboxError::Pool {
            instances: config.instances,
            gib: u64::from(config.instances) * u64::from(MEMORIES_PER_COMPONENT_MAX) * MEMORY_RESERVATION_GIB,
            reason: format!("{error:#}"),
        })?;
        let link = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
        Ok(Self {
            inner: Arc::new(Inner {
                rules: bindings::rule_linker(&engine).map_err(link)?,
                notifiers: bindings::notifier_linker(&engine).map_err(link)?,
                memory_bytes_max: config.memory_bytes_max,
                stack_bytes: config.stack_bytes,
                _ticker: start_ticker(&engine).map_err(SandboxError::Thread)?,
                engine,
            }),
        })
    }

    /// Maps an artifact into memory and links it.
    ///
    /// Loading is code execution: the file must be one that
    /// [`crate::Artifacts::get`] has verified.
    ///
    /// # Errors
    /// The file cannot be read, or was made by another engine.
    pub fn load(&self, artifact: File) -> Result<Component, SandboxError> {
        Component::load(Arc::clone(&self.inner), &artifact)
    }

    /// Makes ready the thread that calls it: its first run takes no longer than others.
    pub fn prepare_thread() {
        Engine::tls_eager_initialize();
    }

    /// Feeds what an artifact must agree with into a hash.
    pub(crate) fn hash_compatibility(&self, hasher: &mut impl std::hash::Hasher) {
        self.inner.engine.precompile_compatibility_hash().hash(hasher);
    }
}

/// The settings of the engine that components run in: for what measures the
/// sandbox beside wasmtime alone.
#[must_use]
pub fn engine_settings(config: &SandboxConfig) -> Config {
    let mut settings = settings(config.lines);
    settings.max_wasm_stack(usize_of(config.stack_bytes));
    settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    settings
}

/// The settings that the compiler and the sandbox have in common. With `lines`, what is compiled
/// knows where in the source it is from; it is larger for that.
pub(crate) fn settings(lines: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(true)
        .concurrency_support(false)
        .memory_init_cow(true)
        .table_lazy_init(true)
        .generate_address_map(lines)
        .native_unwind_info(false)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        // Calls between inner modules that have each their own memory need it.
        .wasm_multi_memory(true)
        .wasm_backtrace_details(match lines {
            true => WasmBacktraceDetails::Enable,
            false => WasmBacktraceDetails::Disable,
        })
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(match lines {
            true => BACKTRACE_FRAMES_WITH_LINES_MAX,
            false => BACKTRACE_FRAMES_MAX,
        }));
    config
}

fn pool(config: &SandboxConfig) -> PoolingAllocationConfig {
    let instances = config.instances.max(1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_memories(instances.saturating_mul(MEMORIES_PER_COMPONENT_MAX))
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_PER_COMPONENT_MAX))
        .total_tables(instances.saturating_mul(TABLES_PER_COMPONENT_MAX))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT_MAX)
        .max_tables_per_component(TABLES_PER_COMPONENT_MAX)
        .max_tables_per_module(TABLES_PER_COMPONENT_MAX)
        .max_memories_per_component(MEMORIES_PER_COMPONENT_MAX)
        .max_memories_per_module(MEMORIES_PER_COMPONENT_MAX)
        .max_memory_size(usize_of(config.memory_bytes_max))
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(MEMORY_RESIDENT_BYTES)
        .table_keep_resident(TABLE_RESIDENT_BYTES)
        .max_unused_warm_slots(instances);
    pool
}

/// Ticks from now on until a deadline has passed. The tick under way counts for
/// nothing, so that a deadline never comes early.
pub(crate) fn ticks(deadline_ms: u64) -> u64 {
    deadline_ms.div_ceil(TICK_MS).saturating_add(1).min(TICKS_MAX)
}

fn start_ticker(engine: &Engine) -> std::io::Result<Sender<()>> {
    let (stop, stopped) = channel::<()>();
    let engine = engine.weak();
    thread::Builder::new()
        .name("sandbox-ticker".into())
        .spawn(move || {
            let tick = Duration::from_millis(TICK_MS);
            while stopped.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
    Ok(stop)
}

fn usize_of(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
