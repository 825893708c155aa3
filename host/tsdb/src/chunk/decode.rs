//! From bits to samples.

use super::bits::{BitReader, PEEK_BITS, top};
use super::{ChunkError, State, WINDOW_COST_BITS, Window};
use crate::columns::Columns;

/// The first four of [`TIME_BITS`](super::TIME_BITS), a byte each.
const TIME_WIDTHS: u32 = 20 << 24 | 14 << 16 | 7 << 8;

/// A place in a stream where decoding can start: behind a sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(super) state: State,
    /// Bits up to there.
    pub(super) at: u32,
    /// Samples up to there.
    pub(super) count: u16,
}

/// Appends all samples of a stream to `columns`.
pub(super) fn decode(
    min_ms: i64,
    count: u16,
    bits: &mut BitReader<'_>,
    columns: &mut Columns,
) -> Result<(), ChunkError> {
    let first = Mark::first(min_ms, bits.read(64)?);
    first.decode(count, bits, columns)
}

impl Mark {
    /// The time of the sample before it.
    pub(crate) fn time_ms(&self) -> i64 {
        self.state.time_ms
    }

    /// Behind the first sample, which is written as it is.
    pub(super) fn first(time_ms: i64, value_bits: u64) -> Self {
        Self {
            state: State {
                time_ms,
                delta_ms: 0,
                value_bits,
                window: Window::NONE,
            },
            at: 64,
            count: 1,
        }
    }

    /// Appends the sample before the mark and those behind it, of a stream of so
    /// many that `bits` reads from the mark on.
    pub(super) fn decode(
        &self,
        count: u16,
        bits: &mut BitReader<'_>,
        columns: &mut Columns,
    ) -> Result<(), ChunkError> {
        let State {
            mut time_ms,
            mut delta_ms,
            mut value_bits,
            mut window,
        } = self.state;
        // A copy stays in registers.
        let mut reader = *bits;
        let left = usize::from(count.saturating_sub(self.count));
        let (timestamps_ms, values) = columns.grow(1 + left);
        for (at, (timestamp_ms, value)) in timestamps_ms.iter_mut().zip(values).enumerate() {
            if at > 0 {
                let (difference, xor) = read_sample(&mut reader, &mut window)?;
                delta_ms = delta_ms.wrapping_add(difference);
                time_ms = time_ms.wrapping_add(delta_ms);
                value_bits ^= xor;
            }
            *timestamp_ms = time_ms;
            *value = f64::from_bits(value_bits);
        }
        *bits = reader;
        Ok(())
    }
}

/// Reads the codes of a time and a value: the difference of differences, and the
/// XOR with the value before.
// Which code comes next is hard to foretell, so that this chooses between numbers
// rather than between branches, and looks at the stream once where it can.
#[inline]
fn read_sample(bits: &mut BitReader<'_>, window: &mut Window) -> Result<(i64, u64), ChunkError> {
    let mut shown = bits.peek();
    let code = shown.leading_ones();
    let (difference, used) = if code < 4 {
        let (prefix, width) = (code + 1, TIME_WIDTHS >> (8 * code) & 0xff);
        let difference = (shown << prefix) as i64 >> (63 - width) >> 1;
        shown <<= prefix + width;
        (if code == 0 { 0 } else { difference }, prefix + width)
    } else {
        bits.skip(4)?;
        let difference = bits.read(64)? as i64;
        shown = bits.peek();
        (difference, 0)
    };
    if top(shown, 1) == 0 {
        bits.skip(used + 1)?;
        return Ok((difference, 0));
    }
    let opened = Window {
        leading: top(shown << 2, 5) as u8,
        width: top(shown << 7, 6) as u8 + 1,
    };
    let opens = top(shown, 2) == 0b11;
    *window = if opens { opened } else { *window };
    let head = if opens { 2 + WINDOW_COST_BITS } else { 2 };
    let width = u32::from(window.width);
    if width == 0 || u32::from(window.leading) + width > 64 {
        return Err(ChunkError::Window);
    }
    let changed = if used + head + width <= PEEK_BITS {
        bits.skip(used + head + width)?;
        top(shown << head, width)
    } else {
        bits.skip(used + head)?;
        bits.read(width)?
    };
    Ok((difference, changed << window.trailing()))
}
