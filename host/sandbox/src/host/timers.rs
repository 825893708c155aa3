//! Import `timers`.

use wasmalert_core::evaluation::Timer;
use wasmalert_core::limits::Limit;
use wasmtime::Result;

use super::{Host, ITEM_BYTES};
use crate::bindings::timers;

impl timers::Host for Host {
    fn set(&mut self, name: String, due_ms: i64, payload: Vec<u8>) -> Result<()> {
        self.enter(name.len() + payload.len())?;
        let timer = Timer { due_ms, payload };
        let limits = (Limit::Timers, Limit::TimerBytes);
        Ok(self.timers.set(name, timer, limits, &self.limits)?)
    }

    fn cancel(&mut self, name: String) -> Result<()> {
        self.enter(name.len())?;
        self.timers.remove(name);
        Ok(())
    }

    fn pending(&mut self) -> Result<Vec<timers::Timer>> {
        self.enter(0)?;
        let set = self.timers.starting_with("");
        let bytes = set
            .iter()
            .map(|(name, timer)| name.len() + timer.payload.len() + 2 * ITEM_BYTES);
        let bytes = bytes.sum();
        let timers = set.into_iter().map(|(name, timer)| timers::Timer {
            name: name.to_owned(),
            due_ms: timer.due_ms,
            payload: timer.payload.clone(),
        });
        let timers = timers.collect();
        self.pay(bytes)?;
        Ok(timers)
    }
}
