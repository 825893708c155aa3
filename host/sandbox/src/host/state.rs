//! Import `state`.

use wasmalert_core::limits::Limit;
use wasmtime::Result;

use super::{Host, ITEM_BYTES};
use crate::bindings::state;

impl state::Host for Host {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        self.enter(key.len())?;
        let bytes = self.state.get(&key).map_or(0, Vec::len);
        self.pay(bytes)?;
        Ok(self.state.get(&key).cloned())
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<()> {
        self.enter(key.len() + value.len())?;
        let limits = (Limit::StateKeys, Limit::StateBytes);
        Ok(self.state.set(key, value, limits, &self.limits)?)
    }

    fn delete(&mut self, key: String) -> Result<()> {
        self.enter(key.len())?;
        self.state.remove(key);
        Ok(())
    }

    fn keys(&mut self, prefix: String) -> Result<Vec<String>> {
        self.enter(prefix.len())?;
        let found = self.state.starting_with(&prefix);
        let keys: Vec<String> = found.into_iter().map(|(key, _)| key.to_owned()).collect();
        self.pay(keys.iter().map(|key| key.len() + ITEM_BYTES).sum())?;
        Ok(keys)
    }
}
