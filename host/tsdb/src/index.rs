//! Finds series: one by its label set, many by matchers.

mod postings;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::ops::{Bound, Range};
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_promql::{MatchOp, Matcher};

use crate::allocation::{allocated, labels_bytes, tree_bytes, vec_bytes};
use crate::series::{SERIES_BYTES, Series};
use postings::Postings;
use table::Table;

/// The series of a store.
#[derive(Debug, Default)]
pub(crate) struct Index {
    slots: Vec<Option<Arc<Series>>>,
    free: Vec<u32>,
    by_hash: Table<u64, u32, BuildHasherDefault<PassThrough>>,
    /// Label sets whose hash another one had first: as good as never.
    collided: Table<Arc<Labels>, u32, RandomState>,
    names: Table<Box<str>, Values, RandomState>,
    /// Series ever made.
    created: u64,
    len: usize,
    bytes: usize,
}

/// The values of one label name: a tree, since a table that holds very many would
/// keep all waiting while it grows.
#[derive(Debug, Default)]
struct Values {
    by_value: BTreeMap<Box<str>, Postings>,
    /// What the postings occupy, and the texts of values.
    bytes: usize,
}

/// Makes the keys of [`Index`]: the same for one store only, so that nobody can
/// send label sets that all fall into one place.
#[derive(Debug, Default)]
pub(crate) struct LabelHasher(RandomState);

impl LabelHasher {
    pub(crate) fn hash(&self, labels: &Labels) -> u64 {
        self.0.hash_one(labels)
    }
}

/// Keys are hashes already; so growing the table looks at no labels.
#[derive(Debug, Default)]
struct PassThrough(u64);

impl Hasher for PassThrough {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Series ever made: the next one's number.
    pub(crate) fn created(&self) -> u64 {
        self.created
    }

    /// What index, labels and series occupy, their chunks apart.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Slots, empty ones included.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn find(&self, hash: u64, labels: &Labels) -> Option<&Arc<Series>> {
        let slot = self.find_slot(hash, labels)?;
        self.slots[slot as usize].as_ref()
    }

    pub(crate) fn at(&self, slot: u32) -> Option<&Arc<Series>> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The series in a range of slots, cut to those that exist.
    pub(crate) fn within(&self, slots: Range<usize>) -> impl Iterator<Item = (u32, &Arc<Series>)> {
        let start = slots.start.min(self.slots.len());
        let end = slots.end.min(self.slots.len());
        let found = self.slots[start..end].iter().enumerate();
        found.filter_map(move |(at, series)| Some(((start + at) as u32, series.as_ref()?)))
    }

    /// What adding a series can add to [`Self::bytes`].
    pub(crate) fn growth_max(&self, labels: &Labels) -> usize {
        let slots = match self.free.is_empty() && self.slots.len() == self.slots.capacity() {
            true => 2 * vec_bytes::<(Option<Arc<Series>>, u32)>(2 * self.slots.capacity().max(2)),
            false => 0,
        };
        let tables =
            self.by_hash.growth_max(1) + self.collided.growth_max(1) + self.names.growth_max(labels.len());
        let labels_growth: usize = labels
            .iter()
            .map(|(name, value)| self.label_growth_max(name, value))
            .sum();
        SERIES_BYTES + labels_bytes(labels) + slots + tables + labels_growth
    }

    fn label_growth_max(&self, name: &str, value: &str) -> usize {
        let new_value = || allocated(value.len()) + postings::FIRST_BYTES;
        let Some(values) = self.names.get(name) else {
            return allocated(name.len()) + new_value() + tree_bytes::<Box<str>, Postings>(1);
        };
        match values.by_value.get(value) {
            Some(postings) => postings.growth_max(),
            None => {
                let len = values.by_value.len();
                let tree = tree_bytes::<Box<str>, Postings>(len + 1) - tree_bytes::<Box<str>, Postings>(len);
                new_value() + tree
            }
        }
    }

    /// Adds a series that is not there. `labels` is not empty.
    pub(crate) fn insert(&mut self, hash: u64, labels: Arc<Labels>) -> Arc<Series> {
        let tables = self.tables_bytes();
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                // So that removing allocates nothing.
                self.free.reserve_exact(self.slots.capacity());
                (self.slots.len() - 1) as u32
            }
        };
        if self.by_hash.get(&hash).is_none() {
            self.by_hash.insert(hash, slot);
        } else {
            self.collided.insert(Arc::clone(&labels), slot);
        }
        for (name, value) in labels.iter() {
            self.insert_label(name, value, slot);
        }
        self.bytes += SERIES_BYTES + labels_bytes(&labels);
        let series = Arc::new(Series::new(labels, self.created));
        self.slots[slot as usize] = Some(Arc::clone(&series));
        self.created += 1;
        self.len += 1;
        self.bytes = self.bytes + self.tables_bytes() - tables;
        series
    }

    /// Removes a series.
    pub(crate) fn remove(&mut self, hash: u64, slot: u32) {
        let Some(series) = self.slots.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        let tables = self.tables_bytes();
        if self.by_hash.get(&hash) == Some(&slot) {
            self.by_hash.remove(&hash);
        } else {
            self.collided.remove(&series.labels);
        }
        for (name, value) in series.labels.iter() {
            self.remove_label(name, value, slot);
        }
        self.free.push(slot);
        self.len -= 1;
        self.bytes -= SERIES_BYTES + labels_bytes(&series.labels);
        self.bytes = self.bytes + self.tables_bytes() - tables;
    }

    /// Gives back what tables have too much after many removals.
    pub(crate) fn shrink(&mut self) {
        let tables = self.tables_bytes();
        self.by_hash.shrink();
        self.collided.shrink();
        self.names.shrink();
        if self.len == 0 {
            self.slots = Vec::new();
            self.free = Vec::new();
        }
        self.bytes = self.bytes + self.tables_bytes() - tables;
    }

    /// The smallest posting list that a matcher names, and which matcher; None when
    /// no matcher asks for one value.
    pub(crate) fn smallest_list(&self, matchers: &[Matcher]) -> Option<(usize, Vec<u32>)> {
        let equal = matchers.iter().enumerate().filter_map(|(at, matcher)| {
            let names_one = matcher.op == MatchOp::Equal && !matcher.value.is_empty();
            names_one.then(|| (at, self.postings(&matcher.name, &matcher.value)))
        });
        let (at, postings) = equal.min_by_key(|(_, postings)| postings.map_or(0, Postings::len))?;
        let mut slots = Vec::new();
        postings.into_iter().for_each(|found| found.append_to(&mut slots));
        Some((at, slots))
    }

    /// Appends the posting lists of values that fulfil a matcher, looking at so many
    /// values behind `after`. A series has one value, so no slot comes twice.
    ///
    /// Returns the last value looked at; None when there are no more.
    pub(crate) fn append_matching(
        &self,
        matcher: &Matcher,
        after: Option<&str>,
        values_max: usize,
        slots: &mut Vec<u32>,
    ) -> Option<Box<str>> {
        let values = self.names.get(&matcher.name)?;
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = values.by_value.range::<str, _>((start, Bound::Unbounded));
        let mut last = None;
        for (value, postings) in rest.take(values_max) {
            if matcher.matches(value) {
                postings.append_to(slots);
            }
            last = Some(value);
        }
        last.cloned()
    }

    /// All label names, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }

    /// All values of a label, sorted.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.names.get(name).into_iter();
        values.flat_map(|values| values.by_value.keys().map(|value| &**value))
    }

    fn postings(&self, name: &str, value: &str) -> Option<&Postings> {
        self.names.get(name)?.by_value.get(value)
    }

    fn find_slot(&self, hash: u64, labels: &Labels) -> Option<u32> {
        let first = self.by_hash.get(&hash).filter(|slot| {
            let series = self.slots[**slot as usize].as_ref();
            series.is_some_and(|series| *series.labels == *labels)
        });
        first.or_else(|| self.collided.get(labels)).copied()
    }

    fn insert_label(&mut self, name: &str, value: &str, slot: u32) {
        if self.names.get(name).is_none() {
            self.names.insert(name.into(), Values::default());
            self.bytes += allocated(name.len());
        }
        let Some(values) = self.names.get_mut(name) else {
            return;
        };
        let before = values.bytes();
        if !values.by_value.contains_key(value) {
            values.by_value.insert(value.into(), Postings::default());
            values.bytes += allocated(value.len());
        }
        values.change(value, |postings| postings.insert(slot));
        self.bytes = self.bytes + values.bytes() - before;
    }

    fn remove_label(&mut self, name: &str, value: &str, slot: u32) {
        let Some(values) = self.names.get_mut(name) else {
            return;
        };
        let before = values.bytes();
        if values.change(value, |postings| postings.remove(slot)) {
            values.by_value.remove(value);
            values.bytes -= allocated(value.len());
        }
        self.bytes = self.bytes + values.bytes() - before;
        if values.by_value.is_empty() {
            self.bytes -= values.bytes() + allocated(name.len());
            self.names.remove(name);
        }
    }

    /// What the tables of the index itself occupy.
    fn tables_bytes(&self) -> usize {
        vec_bytes::<Option<Arc<Series>>>(self.slots.capacity())
            + vec_bytes::<u32>(self.free.capacity())
            + self.by_hash.bytes()
            + self.collided.bytes()
            + self.names.bytes()
    }
}

impl Values {
    fn bytes(&self) -> usize {
        self.bytes + tree_bytes::<Box<str>, Postings>(self.by_value.len())
    }

    /// Changes a value's postings; true when none are left.
    fn change(&mut self, value: &str, f: impl FnOnce(&mut Postings)) -> bool {
        let Some(postings) = self.by_value.get_mut(value) else {
            return false;
        };
        self.bytes -= postings.bytes();
        f(postings);
        self.bytes += postings.bytes();
        postings.is_empty()
    }
}
