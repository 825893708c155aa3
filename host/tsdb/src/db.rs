//! The store: its parts, and how they are locked.
//!
//! The index is locked for reading in short steps, and for writing only when a
//! series appears or disappears. Each series has a lock of its own. Nobody asks for
//! the index while holding a series, so the order is index, then series.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::index::{Index, LabelHasher};
use crate::limits::Settings;
use crate::series::Series;
use crate::stats::{Budget, Counters, Stats};

/// Series that are looked up or taken out under one lock of the index.
pub(crate) const SERIES_PER_LOCK: usize = 256;

/// The samples of one tenant. Shared between threads: writers and readers do not
/// wait for each other but for moments.
#[derive(Debug)]
pub struct Db {
    pub(crate) settings: Settings,
    pub(crate) hasher: LabelHasher,
    pub(crate) budget: Budget,
    pub(crate) series_max: AtomicU64,
    pub(crate) counters: Counters,
    /// Held by the one thread that makes room.
    pub(crate) evicting: Mutex<()>,
    index: RwLock<Index>,
}

impl Db {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            budget: Budget::new(settings.bytes),
            series_max: AtomicU64::new(settings.series),
            settings,
            hasher: LabelHasher::default(),
            counters: Counters::default(),
            evicting: Mutex::default(),
            index: RwLock::default(),
        }
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes how many series and bytes there may be. Where there is more already, no
    /// series comes, and the oldest samples make room for new ones.
    pub fn set_room(&self, series: u64, bytes: u64) {
        self.series_max.store(series, Relaxed);
        self.budget.set_max(bytes);
    }

    /// What the store holds and has counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counters = &self.counters;
        let (series, index_bytes) = {
            let index = self.index();
            (index.len() as u64, index.bytes() as u64)
        };
        let samples = counters.samples.load(Relaxed);
        let time = |ms: i64| (samples > 0).then_some(ms);
        Stats {
            series,
            chunks: counters.chunks.load(Relaxed),
            samples,
            bytes: self.budget.used(),
            index_bytes,
            accepted: counters.accepted.load(Relaxed),
            refused: counters.refused(),
            evicted: counters.evicted.load(Relaxed),
            oldest_ms: time(counters.oldest_ms.load(Relaxed)),
            newest_ms: time(counters.newest_ms.load(Relaxed)),
        }
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `f` with all series there are at the start, some at a time; the index
    /// is not locked meanwhile.
    ///
    /// # Errors
    /// The first of `f`, which ends the walk.
    pub(crate) fn walk<E>(&self, mut f: impl FnMut(&[(u32, Arc<Series>)]) -> Result<(), E>) -> Result<(), E> {
        // A label set that is removed and made again does not come twice.
        let created_before = self.index().created();
        let mut batch = Vec::with_capacity(SERIES_PER_LOCK);
        for start in (0_usize..).step_by(SERIES_PER_LOCK) {
            batch.clear();
            {
                let index = self.index();
                if start >= index.slots() {
                    break;
                }
                let found = index.within(start..start + SERIES_PER_LOCK);
                let meant = found.filter(|(_, series)| series.created < created_before);
                batch.extend(meant.map(|(slot, series)| (slot, Arc::clone(series))));
            }
            f(&batch)?;
        }
        Ok(())
    }
}
