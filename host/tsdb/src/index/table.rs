//! A hash map that knows what it occupies.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use crate::allocation::map_bytes;

#[derive(Debug, Default)]
pub(crate) struct Table<K, V, S> {
    map: HashMap<K, V, S>,
    /// The most that the map has said it has room for since it was made or shrunk.
    /// It says less after removals, though it has not become smaller.
    capacity: usize,
}

impl<K: Eq + Hash, V, S: BuildHasher> Table<K, V, S> {
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.map.get(key)
    }

    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.map.get_mut(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.map.keys()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.map.insert(key, value);
        self.capacity = self.capacity.max(self.map.capacity());
    }

    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.map.remove(key)
    }

    /// Gives back what is too much after many removals.
    pub(crate) fn shrink(&mut self) {
        if self.map.len() * 4 <= self.capacity {
            self.map.shrink_to(self.map.len() * 2);
            self.capacity = self.map.capacity();
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        map_bytes::<K, V>(self.capacity)
    }

    /// What `more` entries can add to [`Self::bytes`].
    pub(crate) fn growth_max(&self, more: usize) -> usize {
        let needed = self.map.len() + more;
        if needed <= self.map.capacity() {
            return 0;
        }
        map_bytes::<K, V>((2 * self.capacity).max(needed)) - self.bytes()
    }
}
