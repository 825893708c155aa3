//! One run: a fresh store with its limits, and why it ended.

use std::fmt::Write;
use std::time::Instant;

use wasmalert_core::evaluation::Cost;
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::limits::{Limit, Limits};
use wasmtime::{
    FrameInfo, FrameSymbol, PoolConcurrencyLimitError, Store, Trap, UpdateDeadline, WasmBacktrace,
};

use crate::cpu::thread_cpu_ns;
use crate::engine::{Inner, ticks};
use crate::host::{Host, Inputs, Suspend};
use crate::text::clip;

/// Handles of resources a run may hold, frames above all.
const HANDLES_MAX: usize = 20_000;
const NS_PER_MS: u64 = 1_000_000;
/// Functions of the guest that a trap's message names.
const TRAP_PLACES_MAX: usize = 3;
/// Where the source of languages' own libraries lies: an author looks for the line that called them.
const OF_LIBRARIES: [&str; 4] = ["/rustc/", "/.cargo/registry/", "/lib/zig/", "/ziglang/lib/"];
/// Of a function's name that is shown.
const NAME_BYTES_MAX: usize = 256;
/// How wasmtime says that a call moves more than `set_hostcall_fuel` allows. The
/// error's type is private; without this the fault would be a mere trap.
const HOSTCALL_FUEL_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// A run that has ended.
pub(crate) struct Finished<T> {
    pub(crate) end: End<T>,
    pub(crate) host: Host,
    pub(crate) cost: Cost,
}

pub(crate) enum End<T> {
    Returned(T),
    Suspended,
    Failed(Fault),
}

/// Runs `call` with a fresh store, and drops the store.
#[expect(
    clippy::disallowed_methods,
    reason = "measures what a run costs; nothing is decided by it"
)]
pub(crate) fn run<T>(
    sandbox: &Inner,
    inputs: Inputs,
    limits: &Limits,
    call: impl FnOnce(&mut Store<Host>) -> wasmtime::Result<T>,
) -> Finished<T> {
    let (started, started_cpu_ns) = (Instant::now(), thread_cpu_ns());
    let mut store = Store::new(
        &sandbox.engine,
        Host::new(inputs, limits, sandbox.memory_bytes_max),
    );
    store.limiter(|host| &mut host.memory);
    store.set_hostcall_fuel(usize::try_from(limits.boundary_bytes).unwrap_or(usize::MAX));
    store.set_max_component_handles(HANDLES_MAX);
    store.set_epoch_deadline(ticks(limits.deadline_ms));
    // Time that the thread did not have does not count: nobody fails because others are busy.
    let deadline_ns = started_cpu_ns.saturating_add(limits.deadline_ms.saturating_mul(NS_PER_MS));
    store.epoch_deadline_callback(move |_| {
        let left_ms = deadline_ns.saturating_sub(thread_cpu_ns()).div_ceil(NS_PER_MS);
        Ok(match left_ms {
            0 => UpdateDeadline::Interrupt,
            left_ms => UpdateDeadline::Continue(ticks(left_ms)),
        })
    });
    let answer = store.set_fuel(limits.fuel).and_then(|()| call(&mut store));
    let end = match answer {
        Ok(answer) => End::Returned(answer),
        Err(error) if error.is::<Suspend>() => End::Suspended,
        Err(error) => End::Failed(fault(&error, limits, sandbox.stack_bytes)),
    };
    let fuel = limits.fuel - store.get_fuel().unwrap_or(0).min(limits.fuel);
    let mut host = store.into_data();
    host.end_printed();
    let cost = Cost {
        fuel,
        cpu_ns: thread_cpu_ns().saturating_sub(started_cpu_ns),
        wall_ns: u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        memory_bytes: host.memory.bytes(),
        host_calls: host.host_calls,
        boundary_bytes: host.boundary_bytes,
    };
    Finished { end, host, cost }
}

/// An error of instantiation that is not the component's own is the host's.
pub(crate) fn instantiated<T>(result: wasmtime::Result<T>) -> wasmtime::Result<T> {
    result.map_err(|error| {
        let own = error.is::<Fault>() || error.is::<Trap>() || error.is::<Suspend>();
        if own || error.is::<PoolConcurrencyLimitError>() {
            return error;
        }
        let message = format!("cannot instantiate the component: {error:#}");
        Fault::new(FaultCode::HostError, clip(&message)).into()
    })
}

fn fault(error: &wasmtime::Error, limits: &Limits, stack_bytes: u64) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Fault::new(FaultCode::Overloaded, "no instance of the pool is free");
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Fault::over(Limit::Fuel, limits.fuel),
        Some(Trap::Interrupt) => Fault::over(Limit::DeadlineMs, limits.deadline_ms),
        Some(Trap::StackOverflow) => Fault::over(Limit::StackBytes, stack_bytes),
        Some(trap) => Fault::new(FaultCode::Trap, trap_message(*trap, error)),
        None => broken(error, limits),
    }
}

/// An error of the boundary itself: what the component passed or returned cannot
/// be read.
fn broken(error: &wasmtime::Error, limits: &Limits) -> Fault {
    let cause = error.root_cause().to_string();
    if cause.contains(HOSTCALL_FUEL_EXHAUSTED) {
        return Fault::over(Limit::BoundaryBytes, limits.boundary_bytes);
    }
    let message = format!("the component passed what the host cannot read: {cause}");
    Fault::new(FaultCode::BadCall, clip(&message))
}

fn trap_message(trap: Trap, error: &wasmtime::Error) -> String {
    let text = trap.to_string();
    let text = text.strip_prefix("wasm trap: ").unwrap_or(&text);
    let frames = error
        .downcast_ref::<WasmBacktrace>()
        .map_or(&[][..], WasmBacktrace::frames);
    let all: Vec<(String, bool)> = frames.iter().flat_map(places).collect();
    let any_own = all.iter().any(|(_, is_own)| *is_own);
    let shown = all.into_iter().filter(|(_, is_own)| *is_own || !any_own);
    let shown: Vec<String> = shown.map(|(place, _)| place).take(TRAP_PLACES_MAX).collect();
    if shown.is_empty() {
        return text.to_owned();
    }
    clip(&format!("{text} in {}", shown.join(", called by ")))
}

/// What a frame of the stack is from, and whether that is the author's own: functions that were inlined into
/// one another, the innermost first, with file and line where those are asked for and the component carries
/// them; else the function's name as it is, if that.
fn places(frame: &FrameInfo) -> Vec<(String, bool)> {
    let lines: Vec<(String, bool)> = frame.symbols().iter().filter_map(place).collect();
    if lines.is_empty() {
        let name = frame.func_name().map(|name| (short(name).to_owned(), true));
        return name.into_iter().collect();
    }
    lines
}

/// Only an author's own tools ask for files and lines, so that no server takes a tenant's names apart.
fn place(symbol: &FrameSymbol) -> Option<(String, bool)> {
    let file = symbol.file()?;
    let line = symbol.line()?;
    let name = symbol.name().map_or_else(|| "a function".to_owned(), demangled);
    let is_own = !OF_LIBRARIES.iter().any(|library| file.contains(library));
    Some((format!("{name} ({file}:{line})"), is_own))
}

fn short(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}

/// A function's name as its author wrote it, in Rust or C++; else as it is. Bounded, since a short name may
/// stand for an endless one.
fn demangled(name: &str) -> String {
    let mut text = Limited(String::new());
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        // Fails where there is no more room.
        let _ = write!(text, "{rust:#}");
    } else if let Some(cpp) = Some(name)
        .filter(|name| name.len() <= NAME_BYTES_MAX)
        .and_then(cpp)
    {
        let _ = cpp.structured_demangle(&mut text, &cpp_demangle::DemangleOptions::new());
    }
    match text.0.is_empty() {
        true => short(name).to_owned(),
        false => text.0,
    }
}

fn cpp(name: &str) -> Option<cpp_demangle::Symbol<&str>> {
    cpp_demangle::Symbol::new(name).ok()
}

/// A text that takes no more than [`NAME_BYTES_MAX`].
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.0.len() + text.len() > NAME_BYTES_MAX {
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_as_authors_wrote_them() {
        assert_eq!(
            demangled("_ZN4rule8evaluate17h0123456789abcdefE"),
            "rule::evaluate"
        );
        assert_eq!(demangled("_ZN9wasmalert8evaluateEv"), "wasmalert::evaluate()");
        assert_eq!(demangled("rule.evaluate"), "rule.evaluate");
    }

    #[test]
    fn a_name_that_stands_for_an_endless_one_is_cut() {
        let mut name = String::from("_Z1fI1AIiiiiiiiiE");
        for level in 0..20 {
            let before = if level == 0 {
                "S_".to_owned()
            } else {
                format!("S{}_", level - 1)
            };
            name += &format!("1AI{}E", before.repeat(8));
        }
        name += "EvT_";
        assert!(demangled(&name).len() <= NAME_BYTES_MAX);
        assert!(demangled(&"x".repeat(1 << 20)).len() <= NAME_BYTES_MAX);
    }
}
