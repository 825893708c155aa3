//! What is kept under names from run to run: what was there before, and this
//! run's changes on top.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use wasmalert_core::fault::Fault;
use wasmalert_core::limits::{Limit, Limits};

use super::check;

/// Values under names. Nothing of `before` is copied until it is read.
pub(crate) struct Kept<V> {
    before: Arc<BTreeMap<String, V>>,
    /// None removes the name.
    changes: BTreeMap<String, Option<V>>,
    value_bytes: fn(&V) -> usize,
    /// Counted at the first change.
    usage: Option<Usage>,
}

#[derive(Clone, Copy)]
struct Usage {
    names: u64,
    bytes: u64,
}

impl<V> Kept<V> {
    pub(crate) fn new(before: Arc<BTreeMap<String, V>>, value_bytes: fn(&V) -> usize) -> Self {
        Self {
            before,
            changes: BTreeMap::new(),
            value_bytes,
            usage: None,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        match self.changes.get(name) {
            Some(change) => change.as_ref(),
            None => self.before.get(name),
        }
    }

    /// Sets a value, unless that goes over one of the two limits, on names and on
    /// bytes. Lowering what is used is always allowed.
    pub(crate) fn set(
        &mut self,
        name: String,
        value: V,
        (names_limit, bytes_limit): (Limit, Limit),
        limits: &Limits,
    ) -> Result<(), Fault> {
        let usage = self.usage();
        let old = self.get(&name).map(|old| self.size(&name, old));
        let names = usage.names + u64::from(old.is_none());
        let bytes = usage.bytes - old.unwrap_or(0) + self.size(&name, &value);
        if names > usage.names {
            check(names_limit, names, limits)?;
        }
        if bytes > usage.bytes {
            check(bytes_limit, bytes, limits)?;
        }
        self.usage = Some(Usage { names, bytes });
        self.changes.insert(name, Some(value));
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: String) {
        let Some(old) = self.get(&name) else { return };
        let size = self.size(&name, old);
        let usage = self.usage();
        self.usage = Some(Usage {
            names: usage.names - 1,
            bytes: usage.bytes - size,
        });
        if self.before.contains_key(&name) {
            self.changes.insert(name, None);
        } else {
            self.changes.remove(&name);
        }
    }

    /// Names that start with a prefix and their values, sorted by name.
    pub(crate) fn starting_with(&self, prefix: &str) -> Vec<(&str, &V)> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let before = self.before.range::<str, _>(from);
        let unchanged = before
            .take_while(|(name, _)| name.starts_with(prefix))
            .filter(|(name, _)| !self.changes.contains_key(*name))
            .map(|(name, value)| (name.as_str(), value));
        let changes = self.changes.range::<str, _>(from);
        let changed = changes
            .take_while(|(name, _)| name.starts_with(prefix))
            .filter_map(|(name, value)| Some((name.as_str(), value.as_ref()?)));
        let mut all: Vec<_> = unchanged.chain(changed).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }

    pub(crate) fn into_changes(self) -> BTreeMap<String, Option<V>> {
        self.changes
    }

    fn usage(&self) -> Usage {
        self.usage.unwrap_or_else(|| Usage {
            names: self.before.len() as u64,
            bytes: self
                .before
                .iter()
                .map(|(name, value)| self.size(name, value))
                .sum(),
        })
    }

    fn size(&self, name: &str, value: &V) -> u64 {
        (name.len() + (self.value_bytes)(value)) as u64
    }
}
