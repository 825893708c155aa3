//! Makes room: drops the oldest chunks.

use std::convert::Infallible;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use crate::db::Db;
use crate::series::Dropped;

/// Rounds of one call: the first is exact up to a few chunks, so a second is rare.
const ROUNDS_MAX: usize = 3;
/// Chunks that are looked at to choose where to cut.
const SAMPLE_CHUNKS_MAX: usize = 1 << 16;

/// Every n-th chunk of a walk, n being doubled whenever there are too many.
#[derive(Debug)]
struct Sampled {
    /// Newest time and bytes.
    chunks: Vec<(i64, usize)>,
    stride: usize,
    seen: usize,
}

impl Sampled {
    fn add(&mut self, chunk: (i64, usize)) {
        if self.seen.is_multiple_of(self.stride) {
            if self.chunks.len() >= SAMPLE_CHUNKS_MAX {
                let mut is_kept = false;
                self.chunks.retain(|_| {
                    is_kept = !is_kept;
                    is_kept
                });
                self.stride *= 2;
            }
            self.chunks.push(chunk);
        }
        self.seen += 1;
    }

    /// The time up to which chunks have to go to free so many bytes; None when
    /// there are no chunks.
    fn cutoff_ms(mut self, bytes: u64) -> Option<i64> {
        self.chunks.sort_unstable();
        let mut freed = 0;
        let enough = self.chunks.iter().find(|(_, size)| {
            freed += (*size * self.stride) as u64;
            freed >= bytes
        });
        enough.or(self.chunks.last()).map(|(max_ms, _)| *max_ms)
    }
}

impl Db {
    /// Drops the oldest chunks until a tenth of all bytes is free, and `needed`
    /// bytes at least. Each series keeps its newest sample.
    ///
    /// Returns whether there was room for `needed` bytes in the end.
    pub(crate) fn make_room(&self, needed: usize) -> bool {
        let _one = self.evicting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.budget.has_room(needed) {
            return true;
        }
        let max = self.budget.max();
        let aim = (max / 10 * 9).min(max.saturating_sub(needed as u64));
        for _ in 0..ROUNDS_MAX {
            let excess = self.budget.used().saturating_sub(aim);
            let Some(cutoff_ms) = self.choose_cutoff_ms(excess) else {
                break;
            };
            self.evict(cutoff_ms, excess);
            if self.budget.has_room(needed) {
                return true;
            }
        }
        false
    }

    fn choose_cutoff_ms(&self, bytes: u64) -> Option<i64> {
        let mut sampled = Sampled {
            chunks: Vec::new(),
            stride: 1,
            seen: 0,
        };
        let Ok(()) = self.walk(|batch| -> Result<(), Infallible> {
            for (_, series) in batch {
                series.lock().chunk_sizes().for_each(|chunk| sampled.add(chunk));
            }
            Ok(())
        });
        sampled.cutoff_ms(bytes)
    }

    /// Drops chunks up to a time, until so many bytes are free.
    fn evict(&self, cutoff_ms: i64, bytes: u64) {
        let mut freed = 0;
        // The end of the walk is no error, but a reason to stop.
        let _ = self.walk(|batch| {
            for (_, series) in batch {
                if freed >= bytes {
                    return Err(());
                }
                let dropped = series.lock().drop_chunks_before(cutoff_ms.saturating_add(1));
                self.count_dropped(dropped);
                freed += dropped.bytes as u64;
                self.counters.evicted.fetch_add(dropped.samples, Relaxed);
            }
            Ok(())
        });
    }

    pub(crate) fn count_dropped(&self, dropped: Dropped) {
        if dropped != Dropped::default() {
            self.budget.release(dropped.bytes);
            self.counters.chunks.fetch_sub(dropped.chunks, Relaxed);
            self.counters.samples.fetch_sub(dropped.samples, Relaxed);
        }
    }
}
