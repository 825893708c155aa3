//! What a store holds and has counted, and the bytes it may still take.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use crate::limits::Refusal;

/// A view of a store. Its numbers are read one after another while others write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    pub series: u64,
    /// Compressed chunks, open ones included.
    pub chunks: u64,
    /// Samples held.
    pub samples: u64,
    /// What all of it occupies, as the setting `bytes` counts it.
    pub bytes: u64,
    /// Of `bytes`, what index and series take before their chunks.
    pub index_bytes: u64,
    /// Samples accepted since the store was made, repeated ones included.
    pub accepted: u64,
    /// Samples refused since the store was made, for each reason.
    pub refused: Vec<(Refusal, u64)>,
    /// Samples dropped to make room, since the store was made.
    pub evicted: u64,
    /// The oldest sample's time; after retention or eviction it lags until the
    /// next [`crate::Db::maintain`].
    pub oldest_ms: Option<i64>,
    /// The newest sample's time.
    pub newest_ms: Option<i64>,
}

/// Counters that every writer changes.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) chunks: AtomicU64,
    pub(crate) samples: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) evicted: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    pub(crate) oldest_ms: AtomicI64,
    pub(crate) newest_ms: AtomicI64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            chunks: AtomicU64::default(),
            samples: AtomicU64::default(),
            accepted: AtomicU64::default(),
            evicted: AtomicU64::default(),
            refused: Default::default(),
            oldest_ms: AtomicI64::new(i64::MAX),
            newest_ms: AtomicI64::new(i64::MIN),
        }
    }
}

impl Counters {
    pub(crate) fn refuse(&self, reason: Refusal, samples: u64) {
        self.refused[reason as usize].fetch_add(samples, Relaxed);
    }

    pub(crate) fn refused(&self) -> Vec<(Refusal, u64)> {
        let count = |reason: Refusal| self.refused[reason as usize].load(Relaxed);
        Refusal::ALL
            .iter()
            .map(|reason| (*reason, count(*reason)))
            .collect()
    }
}

/// The bytes that a store occupies, never more than its setting.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicU64,
    max: AtomicU64,
}

impl Budget {
    pub(crate) fn new(max: u64) -> Self {
        Self {
            used: AtomicU64::new(0),
            max: AtomicU64::new(max),
        }
    }

    pub(crate) fn max(&self) -> u64 {
        self.max.load(Relaxed)
    }

    pub(crate) fn set_max(&self, max: u64) {
        self.max.store(max, Relaxed);
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.used().saturating_add(bytes as u64) <= self.max()
    }

    /// Takes bytes before they are allocated; false when there is no room.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        let max = self.max();
        let take = |used: u64| used.checked_add(bytes as u64).filter(|used| *used <= max);
        bytes == 0 || self.used.fetch_update(Relaxed, Relaxed, take).is_ok()
    }

    /// Gives bytes back.
    pub(crate) fn release(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes as u64, Relaxed);
        debug_assert!(before >= bytes as u64, "{before} - {bytes}");
    }

    /// Corrects a reservation to what was needed, at most as much.
    pub(crate) fn settle(&self, reserved: usize, before: usize, after: usize) {
        debug_assert!(before + reserved >= after, "{before} + {reserved} < {after}");
        match (before + reserved).checked_sub(after) {
            Some(0) => {}
            Some(left) => self.release(left),
            None => {
                self.used.fetch_add((after - before - reserved) as u64, Relaxed);
            }
        }
    }
}
