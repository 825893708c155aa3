//! What the WASI stub asks of the host: the time, a seed, and where printed lines
//! go. See `wit/wasi.wit`.

use std::mem;

use sha2::{Digest, Sha256};
use wasmalert_core::evaluation::{Context, LogLevel, LogLine};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::limits::Limit;
use wasmtime::Result;

use super::{Host, Inputs, check};
use crate::bindings::wasi;
use crate::model::NotifyBatch;

const NS_PER_MS: i64 = 1_000_000;

/// When a run is, and what its randomness comes from: both follow from its inputs,
/// so that a run over the same inputs sees the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    now_ms: i64,
    seed: u64,
}

impl Moment {
    /// Of a run that is told no time.
    pub(crate) const NONE: Self = Self { now_ms: 0, seed: 0 };

    fn of_slot(context: &Context) -> Self {
        let (rule, group) = (&context.rule, &context.rule.group);
        let of = [
            "rule",
            group.tenant.as_str(),
            &group.namespace,
            &group.group,
            &rule.rule,
        ];
        Self::new(context.now_ms, &of)
    }

    pub(crate) fn of_batch(batch: &NotifyBatch) -> Self {
        let of = ["notifier", &batch.tenant, &batch.receiver, &batch.idempotency_key];
        Self::new(batch.now_ms, &of)
    }

    fn new(now_ms: i64, of: &[&str]) -> Self {
        let mut hash = Sha256::new();
        hash.update(now_ms.to_le_bytes());
        for text in of {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        let first = hash.finalize().into_iter().take(8);
        let seed = first.fold(0, |seed, byte| (seed << 8) | u64::from(byte));
        Self { now_ms, seed }
    }

    /// ns since the epoch; 0 before it, and the year 2262 at most.
    fn now_ns(self) -> u64 {
        u64::try_from(self.now_ms.saturating_mul(NS_PER_MS)).unwrap_or(0)
    }
}

/// The lines that are not at their ends yet.
#[derive(Default)]
pub(super) struct Printed {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl wasi::Host for Host {
    fn now_ns(&mut self) -> Result<u64> {
        self.enter_always(0)?;
        Ok(self.moment().now_ns())
    }

    fn seed(&mut self) -> Result<u64> {
        self.enter_always(0)?;
        Ok(self.moment().seed)
    }

    fn print(&mut self, to_stderr: bool, bytes: Vec<u8>) -> Result<()> {
        self.enter_always(bytes.len())?;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.print_piece(to_stderr, piece)?;
        }
        Ok(())
    }

    fn exit(&mut self, code: u32) -> Result<()> {
        self.enter_always(0)?;
        let message = format!(
            "left its process with exit code {code}: a component ends a call by returning from it, whatever \
             the code"
        );
        Err(Fault::new(FaultCode::Trap, message))?
    }
}

impl Host {
    fn moment(&self) -> Moment {
        match &self.inputs {
            Inputs::Nothing => Moment::NONE,
            Inputs::Rule { context, .. } => Moment::of_slot(context),
            Inputs::Notifier { moment, .. } => *moment,
        }
    }

    /// Takes a line, or a part of one.
    fn print_piece(&mut self, to_stderr: bool, piece: &[u8]) -> Result<(), Fault> {
        let open = (self.printed.stdout.len() + self.printed.stderr.len()) as u64;
        let bytes = self
            .log_bytes
            .saturating_add(open)
            .saturating_add(piece.len() as u64);
        check(Limit::LogBytes, bytes, &self.limits)?;
        let line = self.printed_mut(to_stderr);
        line.extend_from_slice(piece);
        if !line.ends_with(b"\n") {
            return Ok(());
        }
        let line = mem::take(line);
        self.log_line(printed_line(to_stderr, &line))
    }

    /// Logs what was printed without an end of line. Was counted when it was printed.
    pub(crate) fn end_printed(&mut self) {
        for to_stderr in [false, true] {
            let line = mem::take(self.printed_mut(to_stderr));
            if !line.is_empty() {
                self.log.push(printed_line(to_stderr, &line));
            }
        }
    }

    fn printed_mut(&mut self, to_stderr: bool) -> &mut Vec<u8> {
        if to_stderr {
            &mut self.printed.stderr
        } else {
            &mut self.printed.stdout
        }
    }
}

/// A line without its end. What is not UTF-8 becomes U+FFFD.
fn printed_line(to_stderr: bool, line: &[u8]) -> LogLine {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    LogLine {
        level: if to_stderr { LogLevel::Warn } else { LogLevel::Info },
        message: String::from_utf8_lossy(line).into_owned(),
        fields: Vec::new(),
    }
}
