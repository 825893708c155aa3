//! Snapshots: a store as a stream of bytes.
//!
//! | Part | Layout, numbers in little-endian |
//! | --- | --- |
//! | head | `wasmtsdb`, version u32 |
//! | record | kind u8, length of the content u64, content, CRC-32 u32 of all three |
//! | content of kind 1, a series | labels, time of the newest sample i64, bits of its value u64, chunks |
//! | labels | count u32; each: length u32 and text of name and of value, sorted by name |
//! | chunks | count u32; each: first time i64, last time i64, samples u16, length u32, bytes |
//! | content of kind 2, the end | series u64, samples u64 |

mod read;

use std::io::{self, Write};

use crate::db::Db;
use crate::series::Series;

pub use read::{Damage, DamageKind, Restored};

const MAGIC: [u8; 8] = *b"wasmtsdb";
const VERSION: u32 = 1;
const KIND_SERIES: u8 = 1;
const KIND_END: u8 = 2;
/// Kind and length of a record.
const HEAD_BYTES: usize = 9;

/// What a snapshot holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshotted {
    pub series: u64,
    pub samples: u64,
    /// Length of the stream.
    pub bytes: u64,
}

impl Db {
    /// Writes all samples to a stream that [`Db::restore`] reads.
    ///
    /// Each series is as it was at one moment during the call, and is locked for as
    /// long as its chunks are copied. Series that appear during the call are left out.
    /// What is written in pieces of one series each may be worth a buffer.
    ///
    /// # Errors
    /// Those of `out`; what has been written is then no complete snapshot.
    pub fn snapshot(&self, out: &mut dyn Write) -> io::Result<Snapshotted> {
        let mut written = Snapshotted::default();
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        written.bytes += (MAGIC.len() + size_of_val(&VERSION)) as u64;
        let mut record = Vec::new();
        self.walk(|batch| {
            for (_, series) in batch {
                start(&mut record, KIND_SERIES);
                let Some(samples) = encode_series(series, &mut record) else {
                    continue;
                };
                written.series += 1;
                written.samples += samples;
                written.bytes += finish(&mut record, out)?;
            }
            io::Result::Ok(())
        })?;
        start(&mut record, KIND_END);
        record.extend(written.series.to_le_bytes());
        record.extend(written.samples.to_le_bytes());
        written.bytes += finish(&mut record, out)?;
        Ok(written)
    }
}

fn start(record: &mut Vec<u8>, kind: u8) {
    record.clear();
    record.push(kind);
    record.resize(HEAD_BYTES, 0);
}

/// Fills in the length, appends the checksum and writes the record.
fn finish(record: &mut Vec<u8>, out: &mut dyn Write) -> io::Result<u64> {
    let length = (record.len() - HEAD_BYTES) as u64;
    record[1..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32fast::hash(record);
    record.extend(checksum.to_le_bytes());
    out.write_all(record)?;
    Ok(record.len() as u64)
}

/// Appends a series and returns how many samples it has; None when it has none.
fn encode_series(series: &Series, record: &mut Vec<u8>) -> Option<u64> {
    record.extend((series.labels.len() as u32).to_le_bytes());
    for text in series.labels.iter().flat_map(|(name, value)| [name, value]) {
        record.extend((text.len() as u32).to_le_bytes());
        record.extend(text.as_bytes());
    }
    let data = series.lock();
    let newest = data.newest()?;
    record.extend(newest.timestamp_ms.to_le_bytes());
    record.extend(newest.value.to_bits().to_le_bytes());
    record.extend((data.chunks() as u32).to_le_bytes());
    data.for_each_chunk(|chunk| {
        record.extend(chunk.min_ms.to_le_bytes());
        record.extend(chunk.max_ms.to_le_bytes());
        record.extend(chunk.count.to_le_bytes());
        record.extend((chunk.bytes.len() as u32).to_le_bytes());
        record.extend(&*chunk.bytes);
    });
    Some(data.samples())
}
