//! Reads samples, and lists series, label names and label values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_promql::{Error, Matcher, Select, Storage, Visit};

use crate::columns::Columns;
use crate::db::{Db, SERIES_PER_LOCK};
use crate::series::Series;

/// Values of a label that are looked at under one lock of the index.
const VALUES_PER_LOCK: usize = 1_024;

/// Series that were there when the search began: among them are those wanted.
struct Candidates {
    slots: Vec<u32>,
    /// The matcher that all of them fulfil already.
    fulfilled: Option<usize>,
    /// Series made later are not meant, though they may have got one of the slots.
    created_before: u64,
}

/// A list of names, values or series, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    pub items: Vec<T>,
    /// There are more than were asked for.
    pub is_cut: bool,
}

impl<T> Found<T> {
    fn new(items: impl Iterator<Item = T>, limit: usize) -> Self {
        let mut items: Vec<T> = items.take(limit.saturating_add(1)).collect();
        let is_cut = items.len() > limit;
        items.truncate(limit);
        Self { items, is_cut }
    }
}

impl Storage for Db {
    fn select(&self, select: &Select<'_>, visit: Visit<'_>) -> Result<(), Error> {
        let mut columns = Columns::default();
        self.for_each_match(select.matchers, &mut |series| {
            show(series, select, &mut columns, visit)
        })
    }
}

/// Shows the samples of a series; its lock is not held while they are looked at.
fn show(series: &Series, select: &Select<'_>, columns: &mut Columns, visit: Visit<'_>) -> Result<(), Error> {
    let damaged = |error| Error::Storage(format!("{}: {error}", series.labels));
    if select.newest_only {
        let newest = series.lock().newest_until(select.max_ms, columns);
        return match newest.map_err(damaged)? {
            Some(newest) if newest.timestamp_ms >= select.min_ms => {
                visit(&series.labels, &[newest.timestamp_ms], &[newest.value])
            }
            _ => Ok(()),
        };
    }
    let decoded = series.lock().decode(select.min_ms, select.max_ms, columns);
    decoded.map_err(damaged)?;
    let (timestamps_ms, values) = columns.within(select.min_ms, select.max_ms);
    if timestamps_ms.is_empty() {
        return Ok(());
    }
    visit(&series.labels, timestamps_ms, values)
}

impl Db {
    /// Label sets that fulfil all matchers of one of the sets, and have samples
    /// between two times or close by; at most `limit`. Without sets: none.
    #[must_use]
    pub fn series(
        &self,
        matcher_sets: &[&[Matcher]],
        min_ms: i64,
        max_ms: i64,
        limit: usize,
    ) -> Found<Arc<Labels>> {
        let mut found: BTreeMap<Arc<Labels>, ()> = BTreeMap::new();
        self.for_each_in_range(matcher_sets, min_ms, max_ms, |labels| {
            // One beyond the limit tells that there are more.
            if found.len() <= limit {
                found.insert(Arc::clone(labels), ());
            }
            found.len() <= limit
        });
        Found::new(found.into_keys(), limit)
    }

    /// Names of labels of the series that [`Self::series`] finds; without matchers
    /// those of all series, whatever the time.
    #[must_use]
    pub fn label_names(
        &self,
        matcher_sets: &[&[Matcher]],
        min_ms: i64,
        max_ms: i64,
        limit: usize,
    ) -> Found<Box<str>> {
        if matcher_sets.is_empty() {
            let names: BTreeSet<Box<str>> = self.index().names().map(Box::from).collect();
            return Found::new(names.into_iter(), limit);
        }
        let mut names = BTreeSet::new();
        self.for_each_in_range(matcher_sets, min_ms, max_ms, |labels| {
            for (name, _) in labels.iter() {
                if !names.contains(name) {
                    names.insert(Box::from(name));
                }
            }
            true
        });
        Found::new(names.into_iter(), limit)
    }

    /// Values of a label among the series that [`Self::series`] finds; without
    /// matchers those among all series, whatever the time.
    #[must_use]
    pub fn label_values(
        &self,
        name: &str,
        matcher_sets: &[&[Matcher]],
        min_ms: i64,
        max_ms: i64,
        limit: usize,
    ) -> Found<Box<str>> {
        if matcher_sets.is_empty() {
            let index = self.index();
            return Found::new(index.values(name).map(Box::from), limit);
        }
        let mut values = BTreeSet::new();
        self.for_each_in_range(matcher_sets, min_ms, max_ms, |labels| {
            if let Some(value) = labels.get(name)
                && !values.contains(value)
            {
                values.insert(Box::from(value));
            }
            true
        });
        Found::new(values.into_iter(), limit)
    }

    /// Calls `f` with the label set of each series of one of the sets that may have
    /// samples in the range, until it says false; some come more than once.
    fn for_each_in_range(
        &self,
        matcher_sets: &[&[Matcher]],
        min_ms: i64,
        max_ms: i64,
        mut f: impl FnMut(&Arc<Labels>) -> bool,
    ) {
        for matchers in matcher_sets {
            let walked = self.for_each_match(matchers, &mut |series| {
                let is_within = series.lock().overlaps(min_ms, max_ms);
                if is_within && !f(&series.labels) {
                    Err(())
                } else {
                    Ok(())
                }
            });
            if walked.is_err() {
                return;
            }
        }
    }

    /// Calls `f` with every series that fulfils all matchers; the index is locked
    /// for a few series at a time, and not while `f` runs.
    ///
    /// # Errors
    /// The first of `f`, which ends the walk.
    fn for_each_match<E>(
        &self,
        matchers: &[Matcher],
        f: &mut dyn FnMut(&Series) -> Result<(), E>,
    ) -> Result<(), E> {
        let candidates = self.candidates(matchers);
        let mut batch: Vec<Arc<Series>> = Vec::with_capacity(SERIES_PER_LOCK);
        for slots in candidates.slots.chunks(SERIES_PER_LOCK) {
            batch.clear();
            {
                let index = self.index();
                let found = slots.iter().filter_map(|slot| index.at(*slot));
                let meant = found.filter(|series| series.created < candidates.created_before);
                batch.extend(meant.cloned());
            }
            for series in &batch {
                let is_match = matchers.iter().enumerate().all(|(at, matcher)| {
                    candidates.fulfilled == Some(at)
                        || matcher.matches(series.labels.get(&matcher.name).unwrap_or(""))
                });
                if is_match {
                    f(series)?;
                }
            }
        }
        Ok(())
    }

    /// The smallest set of candidates that one matcher gives: best of those that
    /// name a value, otherwise of those that the empty text does not fulfil.
    fn candidates(&self, matchers: &[Matcher]) -> Candidates {
        let (created_before, slots, smallest) = {
            let index = self.index();
            (index.created(), index.slots(), index.smallest_list(matchers))
        };
        let found = smallest.or_else(|| {
            let narrowing = matchers.iter().enumerate().filter(|(_, m)| !m.matches(""));
            narrowing
                .map(|(at, matcher)| (at, self.slots_of(matcher)))
                .min_by_key(|(_, slots)| slots.len())
        });
        let (fulfilled, slots) = match found {
            Some((at, slots)) => (Some(at), slots),
            None => (None, (0..slots as u32).collect()),
        };
        Candidates {
            slots,
            fulfilled,
            created_before,
        }
    }

    /// The slots of series whose value fulfils a matcher.
    fn slots_of(&self, matcher: &Matcher) -> Vec<u32> {
        let mut slots = Vec::new();
        let mut last: Option<Box<str>> = None;
        loop {
            let index = self.index();
            last = index.append_matching(matcher, last.as_deref(), VALUES_PER_LOCK, &mut slots);
            if last.is_none() {
                return slots;
            }
        }
    }
}
