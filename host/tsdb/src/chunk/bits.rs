//! A stream of bits, the highest of each byte first.

/// The stream ended before what was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EndOfBits;

#[derive(Debug, Default, Clone)]
pub(crate) struct BitWriter {
    pub(crate) bytes: Vec<u8>,
    /// Bits of the last byte that are not written yet.
    free: u8,
}

impl BitWriter {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            free: 0,
        }
    }

    /// Bits written so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() * 8 - usize::from(self.free)
    }

    /// Appends the lowest `count` bits, at most 64.
    pub(crate) fn write(&mut self, bits: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let taken = left.min(u32::from(self.free));
            left -= taken;
            self.free -= taken as u8;
            let part = (bits >> left) & ((1 << taken) - 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= (part as u8) << self.free;
            }
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    at: usize,
}

/// Bits that [`BitReader::peek`] shows wherever it starts within a byte.
pub(crate) const PEEK_BITS: u32 = 57;

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads what follows so many bits.
    pub(crate) fn starting_at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Reads `count` bits, at most 64.
    pub(crate) fn read(&mut self, count: u32) -> Result<u64, EndOfBits> {
        if count > PEEK_BITS {
            let high = self.read(count - 32)?;
            return Ok(high << 32 | self.read(32)?);
        }
        let shown = self.peek();
        self.skip(count)?;
        Ok(top(shown, count))
    }

    /// The next bits from the top down, [`PEEK_BITS`] at least, zeros behind the end.
    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        let rest = &self.bytes[self.at / 8..];
        let loaded = match rest.first_chunk::<8>() {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => last_bytes(rest),
        };
        loaded << (self.at % 8)
    }

    #[inline]
    pub(crate) fn skip(&mut self, count: u32) -> Result<(), EndOfBits> {
        let end = self.at + count as usize;
        if end > self.bytes.len() * 8 {
            return Err(EndOfBits);
        }
        self.at = end;
        Ok(())
    }

    /// Whether nothing is left but the zeros that fill the last byte.
    pub(crate) fn is_at_end(&self) -> bool {
        self.bytes.len() * 8 - self.at < 8 && self.peek() == 0
    }
}

/// The topmost `count` bits, at most 64.
#[inline]
pub(crate) fn top(bits: u64, count: u32) -> u64 {
    bits.checked_shr(64 - count).unwrap_or(0)
}

fn last_bytes(rest: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(bytes)
}
