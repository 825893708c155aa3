//! Forgets what is beyond retention.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::db::Db;
use crate::series::Series;

/// What [`Db::maintain`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Maintained {
    pub series: u64,
    pub chunks: u64,
    pub samples: u64,
}

impl Db {
    /// Drops chunks that retention no longer covers, and series without samples.
    ///
    /// To be called now and then, such as once a minute. A chunk goes as a whole, so
    /// some samples stay a little longer. Locks are held for a few series at a time.
    pub fn maintain(&self, now_ms: i64) -> Maintained {
        let cutoff_ms = self.settings.cutoff_ms(now_ms);
        let mut maintained = Maintained::default();
        let mut oldest_ms = i64::MAX;
        let mut empty = Vec::new();
        let before_ms = self.counters.oldest_ms.load(Relaxed);
        let Ok(()) = self.walk(|batch| -> Result<(), Infallible> {
            for (slot, series) in batch {
                let mut data = series.lock();
                let dropped = data.drop_before(cutoff_ms);
                self.count_dropped(dropped);
                maintained.chunks += dropped.chunks;
                maintained.samples += dropped.samples;
                match data.oldest_ms() {
                    Some(time_ms) => oldest_ms = oldest_ms.min(time_ms),
                    None => empty.push((*slot, Arc::clone(series))),
                }
            }
            maintained.series += self.remove_empty(&mut empty);
            Ok(())
        });
        if maintained.series > 0 {
            self.index_shrink();
        }
        // Unless an older sample has come meanwhile.
        let _ = (self.counters.oldest_ms).compare_exchange(before_ms, oldest_ms, Relaxed, Relaxed);
        maintained
    }

    /// Takes series out of the index that are still empty, and counts them.
    fn remove_empty(&self, empty: &mut Vec<(u32, Arc<Series>)>) -> u64 {
        let mut removed = 0;
        if empty.is_empty() {
            return removed;
        }
        let hashed: Vec<_> = empty
            .drain(..)
            .map(|(slot, series)| (self.hasher.hash(&series.labels), slot, series))
            .collect();
        let mut index = self.index_mut();
        for (hash, slot, series) in hashed {
            let mut data = series.lock();
            let is_current = index.at(slot).is_some_and(|found| Arc::ptr_eq(found, &series));
            if !data.is_empty() || !is_current {
                continue;
            }
            data.is_removed = true;
            let before = index.bytes();
            index.remove(hash, slot);
            self.budget.settle(0, before, index.bytes());
            // Its chunks are gone already; what is left is the room for their list.
            self.budget.release(data.bytes());
            removed += 1;
        }
        removed
    }

    fn index_shrink(&self) {
        let mut index = self.index_mut();
        let before = index.bytes();
        index.shrink();
        self.budget.settle(0, before, index.bytes());
    }
}
