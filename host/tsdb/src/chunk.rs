//! Chunks: up to [`SAMPLES_MAX`] samples of a series, compressed.
//!
//! Times are kept as the difference of differences, values as the XOR with the
//! value before, as in Facebook's Gorilla. The first time is not in the stream.
//!
//! | Time bits | Difference of differences |
//! | --- | --- |
//! | `0` | none |
//! | `10` + 7 bits | jitter of a scrape |
//! | `110` + 14 bits | up to 8 s |
//! | `1110` + 20 bits | up to 8 minutes |
//! | `1111` + 64 bits | any |
//!
//! | Value bits | XOR with the value before |
//! | --- | --- |
//! | `0` | none |
//! | `10` + the window's bits | fits into the window of the one before |
//! | `11` + 5 bits leading zeros + 6 bits width - 1 + the bits | opens a window |

mod bits;
mod decode;
#[cfg(test)]
mod tests;

use std::mem::size_of;

use wasmalert_core::sample::Sample;

use crate::allocation::allocated;
use crate::columns::Columns;
use bits::{BitReader, BitWriter, EndOfBits};
pub(crate) use decode::Mark;
use decode::decode;

/// Samples of a chunk.
pub(crate) const SAMPLES_MAX: u16 = 120;
/// The longest code of a sample: 68 bits of time, 77 of value.
const SAMPLE_BYTES_MAX: usize = 19;
/// Samples from one mark of an open chunk to the next.
const MARK_SAMPLES: u16 = 24;
/// What a new chunk has room for.
const FIRST_BYTES: usize = 24;

/// Widths of the codes of times; the code's number is its count of leading ones.
const TIME_BITS: [u32; 5] = [0, 7, 14, 20, 64];
const LEADING_ZEROS_MAX: u32 = 31;
/// What opening a window costs beyond its bits.
const WINDOW_COST_BITS: u32 = 11;

/// Why a stream of bits is no chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("a chunk ends within a sample")]
    Truncated,
    #[error("a chunk holds a window that is wider than a value")]
    Window,
    #[error("the times of a chunk do not increase")]
    Unsorted,
    #[error("a chunk does not hold what its head says")]
    Head,
}

impl From<EndOfBits> for ChunkError {
    fn from(_: EndOfBits) -> Self {
        Self::Truncated
    }
}

/// A sealed chunk: at least one sample.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) count: u16,
    pub(crate) bytes: Box<[u8]>,
}

impl Chunk {
    /// Appends the samples to `columns`.
    pub(crate) fn decode(&self, columns: &mut Columns) -> Result<(), ChunkError> {
        decode(self.min_ms, self.count, &mut BitReader::new(&self.bytes), columns)
    }

    /// The same from a mark in it on, the sample before the mark included.
    pub(crate) fn decode_from(&self, mark: &Mark, columns: &mut Columns) -> Result<(), ChunkError> {
        mark.decode(
            self.count,
            &mut BitReader::starting_at(&self.bytes, mark.at as usize),
            columns,
        )
    }

    /// Decodes a chunk of doubtful origin into empty `columns`.
    ///
    /// # Errors
    /// It is not what an [`OpenChunk`] would have made of these samples.
    pub(crate) fn check(&self, columns: &mut Columns) -> Result<(), ChunkError> {
        if self.count == 0 || self.count > SAMPLES_MAX {
            return Err(ChunkError::Head);
        }
        columns.clear();
        let mut bits = BitReader::new(&self.bytes);
        decode(self.min_ms, self.count, &mut bits, columns)?;
        if !columns.timestamps_ms.is_sorted_by(|a, b| a < b) {
            return Err(ChunkError::Unsorted);
        }
        if columns.timestamps_ms.last() != Some(&self.max_ms) || !bits.is_at_end() {
            return Err(ChunkError::Head);
        }
        Ok(())
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        allocated(self.bytes.len())
    }
}

/// A chunk that grows at its end: at least one sample.
#[derive(Debug, Clone)]
pub(crate) struct OpenChunk {
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
    pub(crate) count: u16,
    state: State,
    bits: BitWriter,
    /// The last two marks, the older first. Most queries ask for what is new: they
    /// start at a mark.
    marks: [Mark; 2],
}

/// What the code of a sample refers to: the sample before it.
#[derive(Debug, Clone, Copy)]
struct State {
    time_ms: i64,
    /// From the time before, wrapping.
    delta_ms: i64,
    value_bits: u64,
    window: Window,
}

/// The bits of a value that differed last.
#[derive(Debug, Clone, Copy)]
struct Window {
    leading: u8,
    /// 0 while there is none.
    width: u8,
}

impl Window {
    const NONE: Self = Self { leading: 0, width: 0 };

    fn trailing(self) -> u32 {
        64 - u32::from(self.leading) - u32::from(self.width)
    }
}

impl OpenChunk {
    pub(crate) fn new(first: Sample) -> Self {
        let mut bits = BitWriter::with_capacity(FIRST_BYTES);
        bits.write(first.value.to_bits(), 64);
        let mark = Mark::first(first.timestamp_ms, first.value.to_bits());
        Self {
            min_ms: first.timestamp_ms,
            max_ms: first.timestamp_ms,
            count: 1,
            state: mark.state,
            bits,
            marks: [mark; 2],
        }
    }

    /// Compresses samples, at least one and at most [`SAMPLES_MAX`].
    pub(crate) fn encode(mut samples: impl Iterator<Item = Sample>) -> Option<Self> {
        let mut chunk = Self::new(samples.next()?);
        samples.for_each(|sample| chunk.push(sample));
        Some(chunk)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count >= SAMPLES_MAX
    }

    /// Appends a sample newer than all; the chunk is not full.
    pub(crate) fn push(&mut self, sample: Sample) {
        debug_assert!(sample.timestamp_ms > self.max_ms && !self.is_full());
        self.bits.bytes.reserve_exact(self.growth());
        let delta_ms = sample.timestamp_ms.wrapping_sub(self.max_ms);
        self.write_time(delta_ms.wrapping_sub(self.state.delta_ms));
        self.write_value(sample.value.to_bits());
        self.state.delta_ms = delta_ms;
        self.state.time_ms = sample.timestamp_ms;
        self.max_ms = sample.timestamp_ms;
        self.count += 1;
        if self.count.is_multiple_of(MARK_SAMPLES) {
            let mark = Mark {
                state: self.state,
                at: self.bits.len() as u32,
                count: self.count,
            };
            self.marks = [self.marks[1], mark];
        }
    }

    /// The older of the last two marks: in a full chunk, [`MARK_SAMPLES`] before the end.
    pub(crate) fn mark(&self) -> Mark {
        self.marks[0]
    }

    pub(crate) fn seal(self) -> Chunk {
        Chunk {
            min_ms: self.min_ms,
            max_ms: self.max_ms,
            count: self.count,
            bytes: self.bits.bytes.into_boxed_slice(),
        }
    }

    /// The chunk as if it were sealed now.
    pub(crate) fn to_sealed(&self) -> Chunk {
        Chunk {
            min_ms: self.min_ms,
            max_ms: self.max_ms,
            count: self.count,
            bytes: self.bits.bytes.as_slice().into(),
        }
    }

    /// Appends the newest sample that is not after `from_ms`, if there is one, and
    /// all after it; perhaps some before.
    pub(crate) fn decode_from(&self, from_ms: i64, columns: &mut Columns) -> Result<(), ChunkError> {
        let bytes = &self.bits.bytes;
        let near = self.marks.iter().rev().find(|mark| mark.state.time_ms <= from_ms);
        match near {
            Some(mark) => mark.decode(
                self.count,
                &mut BitReader::starting_at(bytes, mark.at as usize),
                columns,
            ),
            None => decode(self.min_ms, self.count, &mut BitReader::new(bytes), columns),
        }
    }

    /// Appends all samples to `columns`.
    pub(crate) fn decode(&self, columns: &mut Columns) -> Result<(), ChunkError> {
        self.decode_from(i64::MIN, columns)
    }

    /// Bytes of a chunk with room for `capacity` bytes of stream.
    const fn bytes_for(capacity: usize) -> usize {
        allocated(size_of::<Self>()) + allocated(capacity)
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        Self::bytes_for(self.bits.bytes.capacity())
    }

    /// What one more sample can add to [`Self::allocated_bytes`].
    pub(crate) fn growth_max(&self) -> usize {
        let bytes = &self.bits.bytes;
        match self.growth() {
            0 => 0,
            growth => Self::bytes_for(bytes.len() + growth) - self.allocated_bytes(),
        }
    }

    /// [`Self::allocated_bytes`] of a new chunk.
    pub(crate) const NEW_BYTES: usize = Self::bytes_for(FIRST_BYTES);
    /// More than a full chunk can occupy.
    pub(crate) const FULL_BYTES_MAX: usize =
        Self::bytes_for(2 * SAMPLE_BYTES_MAX * (SAMPLES_MAX as usize + 1));

    /// Bytes to have free before a sample is written: by half, so that growing
    /// costs little, and little is left over.
    fn growth(&self) -> usize {
        let (len, capacity) = (self.bits.bytes.len(), self.bits.bytes.capacity());
        if capacity - len >= SAMPLE_BYTES_MAX {
            return 0;
        }
        SAMPLE_BYTES_MAX.max(len / 2)
    }

    fn write_time(&mut self, difference: i64) {
        let fits = |bits: u32| {
            let unused = 64 - bits;
            (difference << unused) >> unused == difference
        };
        let code = match difference {
            0 => 0,
            _ => (1..4).find(|code| fits(TIME_BITS[*code])).unwrap_or(4),
        };
        let (prefix, prefix_bits) = [(0, 1), (0b10, 2), (0b110, 3), (0b1110, 4), (0b1111, 4)][code];
        self.bits.write(prefix, prefix_bits);
        self.bits.write(difference as u64, TIME_BITS[code]);
    }

    fn write_value(&mut self, value_bits: u64) {
        let xor = value_bits ^ self.state.value_bits;
        self.state.value_bits = value_bits;
        if xor == 0 {
            return self.bits.write(0, 1);
        }
        let leading = xor.leading_zeros().min(LEADING_ZEROS_MAX);
        let width = 64 - leading - xor.trailing_zeros();
        let window = self.state.window;
        let fits = leading >= u32::from(window.leading) && xor.trailing_zeros() >= window.trailing();
        if window.width > 0 && fits && u32::from(window.width) <= width + WINDOW_COST_BITS {
            self.bits.write(0b10, 2);
            return self.bits.write(xor >> window.trailing(), u32::from(window.width));
        }
        self.bits.write(0b11, 2);
        self.bits.write(u64::from(leading), 5);
        self.bits.write(u64::from(width - 1), 6);
        self.bits.write(xor >> xor.trailing_zeros(), width);
        self.state.window = Window {
            leading: leading as u8,
            width: width as u8,
        };
    }
}
