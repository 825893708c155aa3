//! The server's side: starts a worker, feeds it, and kills it at the deadline.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::check::check_bytes;
use super::wire::{LINE_BYTES_MAX, Request, parse_reply};
use super::{CompileError, CompileLimits, Compiled, WORKER_COMMAND};

/// The largest artifact. Python's has 60 MB.
const ARTIFACT_BYTES_MAX: u64 = 256 << 20;
/// What is kept of what a worker says on standard error.
const STDERR_BYTES_MAX: u64 = 8 << 10;
/// How Rust's allocator says that there is no more memory.
const ALLOCATION_FAILED: &str = "memory allocation of";
/// How Rust says that a thread has used up its stack. `wit-parser` does that where packages
/// need each other in a circle.
const STACK_OVERFLOWED: &str = "has overflowed its stack";

/// Compiles an upload in a subprocess, `exe compile-worker`, and waits for it.
/// This process only looks at the upload's size and first bytes.
///
/// # Errors
/// The upload is refused, or compiling it goes over a limit; `host_error` when
/// the worker cannot be run.
pub fn compile(exe: &Path, wasm: &[u8], limits: &CompileLimits) -> Result<Compiled, CompileError> {
    compile_apart(exe, wasm, limits, false)
}

/// As [`compile`], for a sandbox whose traps tell files and lines: an author's own.
///
/// # Errors
/// Those of [`compile`].
pub fn compile_with_lines(exe: &Path, wasm: &[u8], limits: &CompileLimits) -> Result<Compiled, CompileError> {
    compile_apart(exe, wasm, limits, true)
}

fn compile_apart(
    exe: &Path,
    wasm: &[u8],
    limits: &CompileLimits,
    lines: bool,
) -> Result<Compiled, CompileError> {
    check_bytes(wasm, limits.wasm_bytes)?;
    let mut child = Command::new(exe)
        .arg(WORKER_COMMAND)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| host_error(&format!("cannot start the compiler: {error}")))?;
    let request = Request::new(limits, lines);
    let result = converse(&mut child, wasm, limits, &request);
    let _ = child.kill(); // nothing happens when it has ended
    let status = child.wait();
    match result? {
        Said {
            reply: Some(reply), ..
        } => reply,
        Said { stderr, .. } => {
            let status = status.map_err(|error| host_error(&format!("the compiler is lost: {error}")))?;
            Err(crashed(status, &stderr, limits))
        }
    }
}

/// What a worker said until it ended.
struct Said {
    reply: Option<Result<Compiled, CompileError>>,
    stderr: String,
}

fn converse(
    child: &mut Child,
    wasm: &[u8],
    limits: &CompileLimits,
    request: &Request,
) -> Result<Said, CompileError> {
    let no_pipe = || host_error("the compiler has no pipe");
    let mut stdin = child.stdin.take().ok_or_else(no_pipe)?;
    let stdout = child.stdout.take().ok_or_else(no_pipe)?;
    let stderr = child.stderr.take().ok_or_else(no_pipe)?;
    let reply_bytes_max = LINE_BYTES_MAX + 2 * limits.wasm_bytes + ARTIFACT_BYTES_MAX;
    let stderr = read_apart(stderr, STDERR_BYTES_MAX);
    let stdout = read_apart(stdout, reply_bytes_max);
    let mut request = serde_json::to_vec(request).map_err(|e| host_error(&e.to_string()))?;
    request.push(b'\n');
    let wall = Duration::from_millis(limits.wall_ms);
    let reply = thread::scope(|scope| {
        // A worker that stops reading breaks the pipe, or is killed below.
        scope.spawn(move || {
            let _ = stdin.write_all(&request).and_then(|()| stdin.write_all(wasm));
        });
        let reply = stdout.recv_timeout(wall);
        if reply.is_err() {
            let _ = child.kill();
        }
        reply
    });
    let Ok(reply) = reply else {
        let message = format!("compiling it takes longer than {} ms", limits.wall_ms);
        return Err(CompileError::new("compile_timeout", message));
    };
    let reply = parse_reply(&reply);
    let stderr = if reply.is_none() {
        stderr.recv_timeout(wall).unwrap_or_default()
    } else {
        Vec::new()
    };
    if reply.is_none() {
        wait_until_ended(child, wall);
    }
    Ok(Said {
        reply,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

/// Reads a pipe to its end on a thread of its own, and gives its first bytes.
fn read_apart(mut pipe: impl Read + Send + 'static, bytes_max: u64) -> Receiver<Vec<u8>> {
    let (give, take) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(bytes_max).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
        let _ = give.send(bytes);
    });
    take
}

/// Lets a worker whose pipes are closed end by itself, so that its status is its
/// own and not that it was killed.
fn wait_until_ended(child: &mut Child, wall: Duration) {
    const STEP: Duration = Duration::from_millis(2);
    let mut waited = Duration::ZERO;
    while waited < wall && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(STEP);
        waited += STEP;
    }
}

fn crashed(status: ExitStatus, stderr: &str, limits: &CompileLimits) -> CompileError {
    if stderr.contains(ALLOCATION_FAILED) {
        let message = format!(
            "compiling it takes more than {} bytes of memory",
            limits.memory_bytes
        );
        return CompileError::new("compile_memory", message);
    }
    if stderr.contains(STACK_OVERFLOWED) {
        let message = "compiling it takes more stack than there is: its types nest too deep, or packages of \
                       its interfaces need each other in a circle";
        return CompileError::new("too_complex", message);
    }
    if status.signal() == Some(Signal::XCPU.as_raw()) {
        let message = format!(
            "compiling it takes more than {} s of CPU time",
            limits.cpu_seconds
        );
        return CompileError::new("compile_timeout", message);
    }
    tracing::warn!(%status, stderr, "the compiler crashed");
    CompileError::new(
        "compile_crashed",
        format!("the compiler crashed on it ({status})"),
    )
}

fn host_error(message: &str) -> CompileError {
    CompileError::new("host_error", message)
}
