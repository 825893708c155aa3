//! One series: its chunks in order of time, and its newest sample beside them.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmalert_core::Labels;
use wasmalert_core::sample::Sample;

use crate::allocation::{allocated, vec_bytes};
use crate::chunk::{Chunk, ChunkError, Mark, OpenChunk, SAMPLES_MAX};
use crate::columns::Columns;
use crate::limits::Refusal;

/// What placing a sample among older ones can add, the list of chunks apart: a
/// chunk is taken apart and made anew, perhaps as two.
const PLACE_GROWTH_MAX: usize = 2 * OpenChunk::FULL_BYTES_MAX;

#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Arc<Labels>,
    /// Its number among all series ever made. A slot may be used again, this not.
    pub(crate) created: u64,
    data: Mutex<Data>,
}

/// The samples. Those of a chunk lie all before those of the next, and before
/// the newest; without a newest sample there are none at all.
#[derive(Debug, Default)]
pub(crate) struct Data {
    newest: Option<Sample>,
    open: Option<Box<OpenChunk>>,
    sealed: Vec<Chunk>,
    /// A mark near the end of the last of `sealed`, if that is as it was sealed.
    mark: Option<Mark>,
    /// What chunks and their list occupy.
    bytes: usize,
    /// No longer in the index: nothing may be added any more.
    pub(crate) is_removed: bool,
}

/// What became of a sample that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    Added,
    /// It was there already, bit by bit.
    Repeated,
}

/// What was dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) bytes: usize,
    pub(crate) chunks: u64,
    pub(crate) samples: u64,
}

impl Series {
    pub(crate) fn new(labels: Arc<Labels>, created: u64) -> Self {
        Self {
            labels,
            created,
            data: Mutex::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Data> {
        // No code that holds this lock panics, and a panic would leave data as they were.
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Data {
    /// Takes over checked chunks in order of time, all before `newest`.
    pub(crate) fn restored(mut sealed: Vec<Chunk>, newest: Sample) -> Self {
        let reopened = sealed.pop_if(|last| last.count < SAMPLES_MAX).and_then(|last| {
            let mut columns = Columns::default();
            last.decode(&mut columns).ok()?;
            OpenChunk::encode(columns.iter())
        });
        sealed.shrink_to_fit();
        let mut data = Self {
            newest: Some(newest),
            open: reopened.map(Box::new),
            sealed,
            ..Self::default()
        };
        data.bytes = data.count_bytes();
        data
    }

    pub(crate) fn newest(&self) -> Option<Sample> {
        self.newest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    /// What chunks and their list occupy.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        let sealed = self.sealed.first().map(|chunk| chunk.min_ms);
        let open = || self.open.as_ref().map(|chunk| chunk.min_ms);
        let newest = || self.newest.map(|sample| sample.timestamp_ms);
        sealed.or_else(open).or_else(newest)
    }

    /// Chunks, the open one included.
    pub(crate) fn chunks(&self) -> usize {
        self.sealed.len() + usize::from(self.open.is_some())
    }

    pub(crate) fn samples(&self) -> u64 {
        let sealed: u64 = self.sealed.iter().map(|chunk| u64::from(chunk.count)).sum();
        let open = self.open.as_ref().map_or(0, |chunk| u64::from(chunk.count));
        sealed + open + u64::from(self.newest.is_some())
    }

    /// The newest time and the bytes of each chunk.
    pub(crate) fn chunk_sizes(&self) -> impl Iterator<Item = (i64, usize)> {
        let sealed = self
            .sealed
            .iter()
            .map(|chunk| (chunk.max_ms, chunk.allocated_bytes() + size_of::<Chunk>()));
        let open = self
            .open
            .iter()
            .map(|chunk| (chunk.max_ms, chunk.allocated_bytes()));
        sealed.chain(open)
    }

    /// Every chunk as it is now, the open one as if it were sealed.
    pub(crate) fn for_each_chunk(&self, mut f: impl FnMut(&Chunk)) {
        self.sealed.iter().for_each(&mut f);
        if let Some(open) = &self.open {
            f(&open.to_sealed());
        }
    }

    /// What taking a sample of that time can add to [`Self::bytes`].
    pub(crate) fn growth_max(&self, timestamp_ms: i64) -> usize {
        let Some(newest) = self.newest else {
            return 0;
        };
        let list = if self.sealed.len() < self.sealed.capacity() {
            0
        } else {
            let capacity = self.sealed.capacity();
            vec_bytes::<Chunk>(capacity + list_growth(capacity)) - vec_bytes::<Chunk>(capacity)
        };
        if timestamp_ms < newest.timestamp_ms {
            return list + PLACE_GROWTH_MAX;
        }
        let chunk = match &self.open {
            Some(open) => open.growth_max(),
            None => OpenChunk::NEW_BYTES,
        };
        list + chunk
    }

    /// Takes a sample, if it is at most `window_ms` behind the newest; None for
    /// any distance.
    pub(crate) fn append(&mut self, sample: Sample, window_ms: Option<i64>) -> Result<Placed, Refusal> {
        let Some(newest) = self.newest else {
            self.newest = Some(sample);
            return Ok(Placed::Added);
        };
        if sample.timestamp_ms > newest.timestamp_ms {
            self.push(newest);
            self.newest = Some(sample);
            return Ok(Placed::Added);
        }
        if sample.timestamp_ms == newest.timestamp_ms {
            return repeated(newest.value, sample.value);
        }
        let oldest_ms = window_ms.map_or(i64::MIN, |window| newest.timestamp_ms.saturating_sub(window));
        if sample.timestamp_ms < oldest_ms {
            return Err(Refusal::OutOfOrder);
        }
        self.place(sample)
    }

    /// Decodes the samples from `min_ms` to `max_ms`, perhaps some more around them.
    pub(crate) fn decode(&self, min_ms: i64, max_ms: i64, columns: &mut Columns) -> Result<(), ChunkError> {
        columns.clear();
        let first = self.sealed.partition_point(|chunk| chunk.max_ms < min_ms);
        let after = self.sealed.partition_point(|chunk| chunk.min_ms <= max_ms);
        for at in first..after {
            let is_last = at + 1 == self.sealed.len();
            match self.mark.filter(|mark| is_last && mark.time_ms() <= min_ms) {
                Some(mark) => self.sealed[at].decode_from(&mark, columns)?,
                None => self.sealed[at].decode(columns)?,
            }
        }
        if let Some(open) = &self.open
            && open.min_ms <= max_ms
            && open.max_ms >= min_ms
        {
            open.decode_from(min_ms, columns)?;
        }
        if let Some(newest) = self.newest {
            columns.push(newest);
        }
        Ok(())
    }

    /// The newest sample that is not after `max_ms`; decodes one chunk at most.
    pub(crate) fn newest_until(
        &self,
        max_ms: i64,
        columns: &mut Columns,
    ) -> Result<Option<Sample>, ChunkError> {
        if let Some(newest) = self.newest
            && newest.timestamp_ms <= max_ms
        {
            return Ok(Some(newest));
        }
        columns.clear();
        match &self.open {
            Some(open) if open.min_ms <= max_ms => open.decode_from(max_ms, columns)?,
            _ => {
                let after = self.sealed.partition_point(|chunk| chunk.min_ms <= max_ms);
                if let Some(chunk) = self.sealed[..after].last() {
                    chunk.decode(columns)?;
                }
            }
        }
        let (timestamps_ms, values) = columns.within(i64::MIN, max_ms);
        let last = timestamps_ms.last().zip(values.last());
        Ok(last.map(|(&timestamp_ms, &value)| Sample { timestamp_ms, value }))
    }

    /// Whether a sample may lie between two times, judged by the bounds of chunks.
    pub(crate) fn overlaps(&self, min_ms: i64, max_ms: i64) -> bool {
        let is_within = |first_ms: i64, last_ms: i64| first_ms <= max_ms && last_ms >= min_ms;
        let at = self.sealed.partition_point(|chunk| chunk.max_ms < min_ms);
        let sealed = self.sealed.get(at);
        sealed.is_some_and(|chunk| is_within(chunk.min_ms, chunk.max_ms))
            || (self.open.as_ref()).is_some_and(|open| is_within(open.min_ms, open.max_ms))
            || self
                .newest
                .is_some_and(|newest| is_within(newest.timestamp_ms, newest.timestamp_ms))
    }

    /// Drops chunks whose samples are all before `cutoff_ms`; the newest sample stays.
    pub(crate) fn drop_chunks_before(&mut self, cutoff_ms: i64) -> Dropped {
        let mut dropped = Dropped::default();
        let count = self.sealed.partition_point(|chunk| chunk.max_ms < cutoff_ms);
        for chunk in self.sealed.drain(..count) {
            dropped.chunks += 1;
            dropped.samples += u64::from(chunk.count);
        }
        if let Some(open) = self.open.take_if(|open| open.max_ms < cutoff_ms) {
            dropped.chunks += 1;
            dropped.samples += u64::from(open.count);
        }
        if dropped.chunks > 0 {
            let len = self.sealed.len();
            self.sealed
                .shrink_to(len + list_growth(len) * usize::from(len > 0));
            dropped.bytes = self.bytes.saturating_sub(self.count_bytes());
            self.bytes -= dropped.bytes;
        }
        dropped
    }

    /// Drops everything before `cutoff_ms` that fills whole chunks, and the newest
    /// sample.
    pub(crate) fn drop_before(&mut self, cutoff_ms: i64) -> Dropped {
        let mut dropped = self.drop_chunks_before(cutoff_ms);
        let newest = self.newest.take_if(|newest| newest.timestamp_ms < cutoff_ms);
        dropped.samples += u64::from(newest.is_some());
        dropped
    }

    /// Appends a sample to the open chunk, which is before it.
    fn push(&mut self, sample: Sample) {
        match &mut self.open {
            Some(open) => {
                let before = open.allocated_bytes();
                open.push(sample);
                self.bytes += open.allocated_bytes() - before;
            }
            None => {
                self.bytes += OpenChunk::NEW_BYTES;
                self.open = Some(Box::new(OpenChunk::new(sample)));
            }
        }
        self.seal_if_full();
    }

    fn seal_if_full(&mut self) {
        let Some(open) = self.open.take_if(|open| open.is_full()) else {
            return;
        };
        self.bytes -= open.allocated_bytes();
        self.mark = Some(open.mark());
        let chunk = open.seal();
        self.insert_sealed(self.sealed.len(), chunk);
    }

    fn insert_sealed(&mut self, at: usize, chunk: Chunk) {
        self.bytes += chunk.allocated_bytes();
        let capacity = self.sealed.capacity();
        if self.sealed.len() == capacity {
            self.sealed.reserve_exact(list_growth(capacity));
            self.bytes += vec_bytes::<Chunk>(self.sealed.capacity()) - vec_bytes::<Chunk>(capacity);
        }
        self.sealed.insert(at, chunk);
    }

    /// Puts a sample in its place among those before the newest.
    fn place(&mut self, sample: Sample) -> Result<Placed, Refusal> {
        let time_ms = sample.timestamp_ms;
        let at = self.sealed.partition_point(|chunk| chunk.max_ms < time_ms);
        match &mut self.open {
            Some(open) if time_ms <= open.max_ms && at == self.sealed.len() => {
                let mut columns = Columns::default();
                open.decode(&mut columns)
                    .expect("an open chunk is as it was written");
                let placed = insert(&mut columns, sample)?;
                if placed == Placed::Added
                    && let Some(rebuilt) = OpenChunk::encode(columns.iter())
                {
                    self.bytes = self.bytes - open.allocated_bytes() + rebuilt.allocated_bytes();
                    **open = rebuilt;
                    self.seal_if_full();
                }
                Ok(placed)
            }
            _ if at == self.sealed.len() => {
                self.push(sample);
                Ok(Placed::Added)
            }
            _ => self.place_sealed(at, sample),
        }
    }

    fn place_sealed(&mut self, at: usize, sample: Sample) -> Result<Placed, Refusal> {
        let mut columns = Columns::default();
        self.sealed[at]
            .decode(&mut columns)
            .expect("a sealed chunk is as it was written");
        let placed = insert(&mut columns, sample)?;
        if placed == Placed::Repeated {
            return Ok(placed);
        }
        self.mark = None;
        let half = match columns.len() {
            len if len > usize::from(SAMPLES_MAX) => len / 2,
            _ => 0,
        };
        if let Some(second) = OpenChunk::encode(columns.iter().skip(half)) {
            let before = std::mem::replace(&mut self.sealed[at], second.seal());
            self.bytes = self.bytes - before.allocated_bytes() + self.sealed[at].allocated_bytes();
        }
        if let Some(first) = OpenChunk::encode(columns.iter().take(half)) {
            self.insert_sealed(at, first.seal());
        }
        Ok(placed)
    }

    fn count_bytes(&self) -> usize {
        let sealed: usize = self.sealed.iter().map(Chunk::allocated_bytes).sum();
        let open = self.open.as_ref().map_or(0, |open| open.allocated_bytes());
        vec_bytes::<Chunk>(self.sealed.capacity()) + sealed + open
    }
}

/// By how much a list of chunks grows when it is full: a quarter, since series
/// are many.
fn list_growth(capacity: usize) -> usize {
    (capacity / 4).max(2)
}

fn insert(columns: &mut Columns, sample: Sample) -> Result<Placed, Refusal> {
    match columns.timestamps_ms.binary_search(&sample.timestamp_ms) {
        Ok(at) => repeated(columns.values[at], sample.value),
        Err(at) => {
            columns.insert(at, sample);
            Ok(Placed::Added)
        }
    }
}

fn repeated(present: f64, value: f64) -> Result<Placed, Refusal> {
    if present.to_bits() == value.to_bits() {
        Ok(Placed::Repeated)
    } else {
        Err(Refusal::Duplicate)
    }
}

/// Bytes that a series occupies from the start, its labels apart.
pub(crate) const SERIES_BYTES: usize = allocated(2 * size_of::<usize>() + size_of::<Series>());
