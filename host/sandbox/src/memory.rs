//! The limit on a run's memories and tables, together.

use wasmalert_core::fault::Fault;
use wasmalert_core::limits::Limit;
use wasmtime::{ResourceLimiter, Result};

/// What an element of a table takes.
const ELEMENT_BYTES: usize = size_of::<usize>();

/// Counts what a run has; going over the limit ends it.
pub(crate) struct Memory {
    bytes: u64,
    bytes_max: u64,
}

impl Memory {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes: 0, bytes_max }
    }

    /// What the run has, which is also the most it had: neither memories nor
    /// tables shrink.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>, unit: usize) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false); // over what the component itself declared
        }
        let more = desired.saturating_sub(current).saturating_mul(unit) as u64;
        let bytes = self.bytes.saturating_add(more);
        if bytes > self.bytes_max {
            Err(Fault::beyond(Limit::MemoryBytes, bytes, self.bytes_max))?;
        }
        self.bytes = bytes;
        Ok(true)
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.grow(current, desired, maximum, 1)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.grow(current, desired, maximum, ELEMENT_BYTES)
    }
}
