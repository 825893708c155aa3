//! Reads snapshots, however damaged.

use std::io::{BufReader, ErrorKind, Read};
use std::sync::atomic::Ordering::Relaxed;

use wasmalert_core::Labels;
use wasmalert_core::sample::Sample;

use super::{HEAD_BYTES, KIND_END, KIND_SERIES, MAGIC, VERSION};
use crate::chunk::{Chunk, ChunkError};
use crate::columns::Columns;
use crate::db::Db;
use crate::limits::Settings;
use crate::series::Data;

/// Bytes of a chunk in a record, its stream apart.
const CHUNK_HEAD_BYTES: usize = 22;

/// What came of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Series in the store now.
    pub series: u64,
    /// Samples in the store now.
    pub samples: u64,
    /// Series of the snapshot that the settings have no place for.
    pub refused_series: u64,
    /// What put an end to reading; everything before it is in the store. None when
    /// the snapshot was complete.
    pub damage: Option<Damage>,
}

/// Where a snapshot is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot is damaged in the record at byte {at_bytes}: {kind}")]
pub struct Damage {
    /// Where the damaged record starts.
    pub at_bytes: u64,
    pub kind: DamageKind,
}

/// How a snapshot is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    #[error("it does not start as snapshots do")]
    NotASnapshot,
    #[error("it is of version {0}, which is not known")]
    Version(u32),
    #[error("it ends there")]
    Truncated,
    #[error("the checksum is wrong")]
    Checksum,
    #[error("the record is longer than a store may be")]
    TooLong,
    /// The checksum is right, but no store has written that.
    #[error("{0}")]
    Invalid(&'static str),
    #[error("reading failed: {0}")]
    Read(String),
}

impl From<ChunkError> for DamageKind {
    fn from(error: ChunkError) -> Self {
        Self::Invalid(match error {
            ChunkError::Truncated => "a chunk ends within a sample",
            ChunkError::Window => "a chunk holds a window wider than a value",
            ChunkError::Unsorted => "the times of a chunk do not increase",
            ChunkError::Head => "a chunk does not hold what its head says",
        })
    }
}

impl Db {
    /// Makes a store of what [`Db::snapshot`] has written.
    ///
    /// Any bytes will do: reading ends at the first damage, and what was before it is
    /// kept. Where the settings are narrower than when it was written, series are
    /// refused and old chunks dropped. What retention no longer covers stays until
    /// [`Db::maintain`].
    pub fn restore(settings: Settings, input: &mut dyn Read) -> (Self, Restored) {
        let db = Self::new(settings);
        let mut reader = Reader {
            input: BufReader::new(input),
            content: Vec::new(),
            columns: Columns::default(),
            read_bytes: 0,
            record_bytes: 0,
            series: 0,
            samples: 0,
            refused_series: 0,
        };
        let damage = reader.run(&db).err().map(|kind| Damage {
            at_bytes: reader.record_bytes,
            kind,
        });
        let stats = db.stats();
        let restored = Restored {
            series: stats.series,
            samples: stats.samples,
            refused_series: reader.refused_series,
            damage,
        };
        (db, restored)
    }

    /// Takes a series in that was read.
    fn adopt(&self, series: ReadSeries) -> Result<(), Adopt> {
        let hash = self.hasher.hash(&series.labels);
        let found = match self.find_or_create(hash, &series.labels) {
            Ok(found) => found,
            Err(reason) => {
                self.counters.refuse(reason, series.samples);
                return Err(Adopt::Refused);
            }
        };
        if !found.lock().is_empty() {
            return Err(Adopt::Twice);
        }
        let mut data = Data::restored(series.chunks, series.newest);
        let bytes = data.bytes();
        let fits = self.budget.reserve(bytes) || (self.make_room(bytes) && self.budget.reserve(bytes));
        if !fits {
            data = Data::restored(Vec::new(), series.newest);
        }
        let counters = &self.counters;
        counters.chunks.fetch_add(data.chunks() as u64, Relaxed);
        counters.samples.fetch_add(data.samples(), Relaxed);
        counters.newest_ms.fetch_max(series.newest.timestamp_ms, Relaxed);
        let oldest_ms = data.oldest_ms().unwrap_or(i64::MAX);
        counters.oldest_ms.fetch_min(oldest_ms, Relaxed);
        *found.lock() = data;
        Ok(())
    }
}

enum Adopt {
    Refused,
    Twice,
}

struct ReadSeries {
    labels: Labels,
    newest: Sample,
    chunks: Vec<Chunk>,
    samples: u64,
}

struct Reader<'a> {
    input: BufReader<&'a mut dyn Read>,
    /// Of the record at hand; a buffer that is used again and again.
    content: Vec<u8>,
    columns: Columns,
    read_bytes: u64,
    /// Where the record at hand starts.
    record_bytes: u64,
    series: u64,
    samples: u64,
    refused_series: u64,
}

impl Reader<'_> {
    fn run(&mut self, db: &Db) -> Result<(), DamageKind> {
        let magic: [u8; MAGIC.len()] = self.read()?;
        if magic != MAGIC {
            return Err(DamageKind::NotASnapshot);
        }
        let version = u32::from_le_bytes(self.read()?);
        if version != VERSION {
            return Err(DamageKind::Version(version));
        }
        loop {
            self.record_bytes = self.read_bytes;
            match self.record(db.settings.bytes)? {
                KIND_SERIES => self.adopt(db)?,
                KIND_END => return self.end(),
                _ => return Err(DamageKind::Invalid("a record of unknown kind")),
            }
        }
    }

    /// Reads a record into `content` and returns its kind.
    fn record(&mut self, bytes_max: u64) -> Result<u8, DamageKind> {
        let head: [u8; HEAD_BYTES] = self.read()?;
        let [kind, length @ ..] = head;
        let length = u64::from_le_bytes(length);
        if length > bytes_max {
            return Err(DamageKind::TooLong);
        }
        self.content.clear();
        // Grows with what is there, whatever the length says.
        let mut limited = self.input.by_ref().take(length);
        let read = limited.read_to_end(&mut self.content).map_err(damage)?;
        self.read_bytes += read as u64;
        if (read as u64) < length {
            return Err(DamageKind::Truncated);
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&head);
        checksum.update(&self.content);
        if u32::from_le_bytes(self.read()?) != checksum.finalize() {
            return Err(DamageKind::Checksum);
        }
        Ok(kind)
    }

    fn adopt(&mut self, db: &Db) -> Result<(), DamageKind> {
        let series = parse_series(&self.content, &mut self.columns)?;
        self.series += 1;
        self.samples += series.samples;
        match db.adopt(series) {
            Ok(()) => Ok(()),
            Err(Adopt::Refused) => {
                self.refused_series += 1;
                Ok(())
            }
            Err(Adopt::Twice) => Err(DamageKind::Invalid("a series comes twice")),
        }
    }

    fn end(&mut self) -> Result<(), DamageKind> {
        let mut content = Content(&self.content);
        let (series, samples) = (content.u64()?, content.u64()?);
        if (series, samples) != (self.series, self.samples) || !content.0.is_empty() {
            return Err(DamageKind::Invalid(
                "the end does not agree with the records before",
            ));
        }
        Ok(())
    }

    fn read<const N: usize>(&mut self) -> Result<[u8; N], DamageKind> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(damage)?;
        self.read_bytes += N as u64;
        Ok(bytes)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "as map_err wants it, and the error ends here"
)]
fn damage(error: std::io::Error) -> DamageKind {
    match error.kind() {
        ErrorKind::UnexpectedEof => DamageKind::Truncated,
        _ => DamageKind::Read(error.to_string()),
    }
}

/// What is left of a record.
struct Content<'a>(&'a [u8]);

impl<'a> Content<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], DamageKind> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(DamageKind::Invalid("a record is shorter than its parts"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DamageKind> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, DamageKind> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, DamageKind> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, DamageKind> {
        self.array().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Result<&'a str, DamageKind> {
        let length = self.u32()?;
        let bytes = self.take(length as usize)?;
        str::from_utf8(bytes).map_err(|_| DamageKind::Invalid("a label is not UTF-8"))
    }

    /// Labels as a set has them: sorted by name, none empty.
    fn labels(&mut self) -> Result<Labels, DamageKind> {
        let count = self.u32()?;
        let mut labels = Vec::new();
        for _ in 0..count {
            let label = (self.text()?, self.text()?);
            let is_next = labels.last().is_none_or(|(last, _)| *last < label.0);
            if !is_next || label.0.is_empty() || label.1.is_empty() {
                return Err(DamageKind::Invalid("labels are unsorted or empty"));
            }
            labels.push(label);
        }
        Ok(Labels::from_iter(labels))
    }

    fn chunk(&mut self) -> Result<Chunk, DamageKind> {
        let (min_ms, max_ms) = (self.i64()?, self.i64()?);
        let count = u16::from_le_bytes(self.array()?);
        let length = self.u32()?;
        let bytes = self.take(length as usize)?.into();
        Ok(Chunk {
            min_ms,
            max_ms,
            count,
            bytes,
        })
    }
}

/// Reads a series and decodes all of it, so that nothing undecodable gets into a store.
fn parse_series(content: &[u8], columns: &mut Columns) -> Result<ReadSeries, DamageKind> {
    let mut content = Content(content);
    let labels = content.labels()?;
    let newest = Sample {
        timestamp_ms: content.i64()?,
        value: f64::from_bits(content.u64()?),
    };
    let count = content.u32()? as usize;
    let mut chunks: Vec<Chunk> = Vec::with_capacity(count.min(content.0.len() / CHUNK_HEAD_BYTES));
    let mut samples = 1;
    for _ in 0..count {
        let chunk = content.chunk()?;
        chunk.check(columns)?;
        if chunks.last().is_some_and(|last| last.max_ms >= chunk.min_ms) {
            return Err(DamageKind::Invalid(
                "the chunks of a series overlap or are unsorted",
            ));
        }
        samples += u64::from(chunk.count);
        chunks.push(chunk);
    }
    if chunks
        .last()
        .is_some_and(|last| last.max_ms >= newest.timestamp_ms)
    {
        return Err(DamageKind::Invalid("the newest sample is not the newest"));
    }
    if !content.0.is_empty() {
        return Err(DamageKind::Invalid("a record is longer than its parts"));
    }
    Ok(ReadSeries {
        labels,
        newest,
        chunks,
        samples,
    })
}
