//! The worker's side: limits itself, compiles one upload, answers.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};
use wasmtime::Engine;
use wasmtime::component::Component as Code;

use super::check::{check, check_bytes};
use super::wire::{LINE_BYTES_MAX, Request, reply};
use super::{CompileError, CompileLimits, Compiled};
use crate::bindings::notifier::NotifierPre;
use crate::bindings::rule::RulePre;
use crate::bindings::{notifier_linker, rule_linker};
use crate::engine::settings;
use crate::model::World;

/// Compiles what comes in on standard input and answers on standard output: what
/// the hidden subcommand [`super::WORKER_COMMAND`] runs, for [`super::compile`].
#[must_use]
pub fn compile_worker() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE, // whoever started it is gone, or is not `compile`
    }
}

fn work() -> io::Result<()> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut line = String::new();
    input.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line)?;
    limit_process(request.memory_bytes, request.cpu_seconds)?;
    let mut wasm = Vec::new();
    input
        .take(request.wasm_bytes.saturating_add(1))
        .read_to_end(&mut wasm)?;
    let result = compile(&wasm, &request);
    io::stdout().lock().write_all(&reply(&result)?)
}

/// Limits the process itself: for workers that take what is not trusted.
///
/// # Errors
/// The system refuses, as where a lower limit is set already.
pub fn limit_process(memory_bytes: u64, cpu_seconds: u64) -> io::Result<()> {
    // The soft limit on CPU time ends the process with a signal of its own.
    for (resource, soft, hard) in [
        (Resource::Core, 0, 0),
        (Resource::As, memory_bytes, memory_bytes),
        (Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(1)),
    ] {
        let limit = Rlimit {
            current: Some(soft),
            maximum: Some(hard),
        };
        setrlimit(resource, limit)?;
    }
    // What takes long stands back behind what must be in time. Without it nothing is lost.
    let _ = rustix::process::nice(NICE);
    Ok(())
}

/// Added to the niceness of the process: 19 is the least priority.
const NICE: i32 = 10;

/// Compiles in this process and without its limits on memory and time: for the fuzz
/// targets, which have limits of their own.
///
/// # Errors
/// The upload is refused.
pub fn compile_here(wasm: &[u8], limits: &CompileLimits) -> Result<Compiled, CompileError> {
    compile(wasm, &Request::new(limits, false))
}

fn compile(wasm: &[u8], request: &Request) -> Result<Compiled, CompileError> {
    check_bytes(wasm, request.wasm_bytes)?;
    let checked = check(wasm)?;
    let world = checked.accept()?;
    let minimum_memory_bytes = checked.census.minimum_memory_bytes;
    if minimum_memory_bytes > request.minimum_memory_bytes {
        let allowed = request.minimum_memory_bytes;
        let message = format!(
            "its memories start at {minimum_memory_bytes} bytes: at most {allowed} are allowed; \
             link with `-zstack-size=65536`"
        );
        return Err(CompileError::new("memory_too_large", message));
    }
    let artifact = generate(&checked.component, world, request.lines)?;
    Ok(Compiled {
        world,
        component: checked.component,
        artifact,
        imports: checked.imports,
        minimum_memory_bytes,
        warnings: checked.warnings,
        producers: checked.census.producers.list(),
    })
}

fn generate(component: &[u8], world: World, lines: bool) -> Result<Vec<u8>, CompileError> {
    let engine = Engine::new(&settings(lines)).map_err(|error| failed("host_error", &error))?;
    let code = Code::from_binary(&engine, component).map_err(|error| failed("compile_failed", &error))?;
    link(&engine, &code, world).map_err(|error| failed("world_mismatch", &error))?;
    code.serialize().map_err(|error| failed("compile_failed", &error))
}

/// Links as the server will, so that what was accepted can be loaded.
fn link(engine: &Engine, code: &Code, world: World) -> wasmtime::Result<()> {
    match world {
        World::Rule => RulePre::new(rule_linker(engine)?.instantiate_pre(code)?).map(drop),
        World::Notifier => NotifierPre::new(notifier_linker(engine)?.instantiate_pre(code)?).map(drop),
    }
}

fn failed(code: &'static str, error: &wasmtime::Error) -> CompileError {
    let out_of_memory = error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|io| io.kind() == ErrorKind::OutOfMemory)
            || cause.downcast_ref::<rustix::io::Errno>() == Some(&rustix::io::Errno::NOMEM)
    });
    if out_of_memory {
        return CompileError::new("compile_memory", "compiling it takes more memory than is allowed");
    }
    CompileError::new(code, format!("{error:#}"))
}
