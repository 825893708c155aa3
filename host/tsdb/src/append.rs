//! Takes samples in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use wasmalert_core::Labels;
use wasmalert_core::sample::Sample;

use crate::db::{Db, SERIES_PER_LOCK};
use crate::limits::{Refusal, Settings};
use crate::series::{Data, Placed, Series};

/// How far after `now_ms` a sample may be, in milliseconds.
pub const FUTURE_MS_MAX: i64 = 600_000;

/// Samples of one series, in any order.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub labels: &'a Labels,
    pub samples: &'a [Sample],
}

/// What became of a batch. Every sample is either accepted or refused.
#[derive(Debug, Clone, Default)]
pub struct Appended {
    /// Samples that the store holds now, those included that it held before.
    pub accepted: u64,
    /// Each reason once, in the order of their first samples.
    pub refused: Vec<Refused>,
}

/// Samples refused for one reason. As a text it says what and which first.
#[derive(Debug, Clone)]
pub struct Refused {
    pub reason: Refusal,
    pub samples: u64,
    pub first: FirstRefused,
}

/// The first sample that was refused for a reason.
#[derive(Debug, Clone)]
pub struct FirstRefused {
    pub labels: Labels,
    pub timestamp_ms: i64,
}

impl Appended {
    /// Number of samples refused, for whatever reason.
    #[must_use]
    pub fn refused_samples(&self) -> u64 {
        self.refused.iter().map(|refused| refused.samples).sum()
    }

    /// What was refused and why, as one text; none if everything was accepted.
    #[must_use]
    pub fn refusals(&self) -> Option<String> {
        let texts: Vec<String> = self.refused.iter().map(ToString::to_string).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    fn refuse(&mut self, reason: Refusal, labels: &Labels, samples: &[Sample]) {
        let Some(first) = samples.first() else { return };
        let count = samples.len() as u64;
        if let Some(refused) = self.refused.iter_mut().find(|refused| refused.reason == reason) {
            refused.samples += count;
            return;
        }
        self.refused.push(Refused {
            reason,
            samples: count,
            first: FirstRefused {
                labels: labels.clone(),
                timestamp_ms: first.timestamp_ms,
            },
        });
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (samples, code, text) = (self.samples, self.reason.code(), self.reason.text());
        let FirstRefused { labels, timestamp_ms } = &self.first;
        write!(f, "{samples} samples refused ({code}): {text}; ")?;
        write!(f, "the first is of {labels} at {timestamp_ms} ms")
    }
}

/// Makes a label set of pairs in any order; empty values are left out.
///
/// # Errors
/// [`Refusal::InvalidLabels`] when there are none, a name is empty or comes twice.
pub fn labels_of_pairs<'a>(
    pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone,
) -> Result<Labels, Refusal> {
    let mut names: Vec<&str> = pairs.clone().map(|(name, _)| name).collect();
    names.sort_unstable();
    let labels = Labels::from_iter(pairs);
    let is_valid = names.is_sorted_by(|a, b| a < b) && names.first().is_some_and(|name| !name.is_empty());
    if is_valid && !labels.is_empty() {
        Ok(labels)
    } else {
        Err(Refusal::InvalidLabels)
    }
}

/// Whether a label set may become a series.
pub(crate) fn check_labels(labels: &Labels, settings: &Settings) -> Result<(), Refusal> {
    if labels.is_empty() || labels.iter().any(|(name, _)| name.is_empty()) {
        return Err(Refusal::InvalidLabels);
    }
    if labels.len() as u64 > settings.labels_per_series {
        return Err(Refusal::LabelsPerSeries);
    }
    for (name, value) in labels.iter() {
        if name.len() as u64 > settings.label_name_bytes {
            return Err(Refusal::LabelNameBytes);
        }
        if value.len() as u64 > settings.label_value_bytes {
            return Err(Refusal::LabelValueBytes);
        }
    }
    Ok(())
}

/// One call of [`Db::append`].
struct Append<'a> {
    db: &'a Db,
    cutoff_ms: i64,
    latest_ms: i64,
    window_ms: Option<i64>,
    outcome: Appended,
    added: u64,
    oldest_ms: i64,
    newest_ms: i64,
}

/// Why the samples of a series were not all dealt with.
enum Halt {
    /// The series has left the index.
    Removed,
    /// There is no room: so many bytes are needed.
    Full(usize),
}

impl Db {
    /// Adds samples; what is accepted can be queried when this returns.
    ///
    /// A sample is refused if its time is beyond retention or too far after
    /// `now_ms`; if its labels are against the settings; if it lies too far behind
    /// the newest of its series, or has the time of another with another value; and
    /// if there is no room. A sample that is there already, bit by bit, is accepted.
    /// Before samples are refused for want of room, the oldest chunks are dropped.
    pub fn append(&self, batch: &[Entry<'_>], now_ms: i64) -> Appended {
        let keeps_all = self.settings.retention_ms == 0;
        let mut append = Append {
            db: self,
            cutoff_ms: self.settings.cutoff_ms(now_ms),
            latest_ms: if keeps_all {
                i64::MAX
            } else {
                now_ms.saturating_add(FUTURE_MS_MAX)
            },
            window_ms: self.settings.window_ms(),
            outcome: Appended::default(),
            added: 0,
            oldest_ms: i64::MAX,
            newest_ms: i64::MIN,
        };
        for entries in batch.chunks(SERIES_PER_LOCK) {
            append.entries(entries);
        }
        append.finish()
    }

    /// The newest time of a series; none where there is none.
    #[must_use]
    pub fn newest_ms(&self, labels: &Labels) -> Option<i64> {
        let series = self.index().find(self.hasher.hash(labels), labels).cloned()?;
        let newest = series.lock().newest();
        newest.map(|sample| sample.timestamp_ms)
    }

    /// Finds a series or makes it.
    ///
    /// # Errors
    /// Why no such series can be made.
    pub(crate) fn find_or_create(&self, hash: u64, labels: &Labels) -> Result<Arc<Series>, Refusal> {
        {
            let index = self.index();
            if let Some(series) = index.find(hash, labels) {
                return Ok(Arc::clone(series));
            }
            check_labels(labels, &self.settings)?;
            // Refused without a lock for writing, should there be many of them.
            self.admit(index.len(), index.bytes() + index.growth_max(labels))?;
        }
        let labels = Arc::new(labels.clone());
        loop {
            let needed = {
                let mut index = self.index_mut();
                if let Some(series) = index.find(hash, &labels) {
                    return Ok(Arc::clone(series));
                }
                let (before, growth) = (index.bytes(), index.growth_max(&labels));
                self.admit(index.len(), before + growth)?;
                if self.budget.reserve(growth) {
                    let series = index.insert(hash, labels);
                    self.budget.settle(growth, before, index.bytes());
                    return Ok(series);
                }
                growth
            };
            // Each turn has made room that another thread took.
            if !self.make_room(needed) {
                return Err(Refusal::Bytes);
            }
        }
    }

    /// Whether one more series may be there, the index then being of that size.
    /// It may take three quarters of all bytes: the rest is for chunks, so that a
    /// flood of new series leaves those that are there working.
    fn admit(&self, series: usize, index_bytes: usize) -> Result<(), Refusal> {
        if series as u64 >= self.series_max.load(Relaxed) {
            return Err(Refusal::Series);
        }
        if index_bytes as u64 > self.budget.max() / 4 * 3 {
            return Err(Refusal::Bytes);
        }
        Ok(())
    }
}

impl Append<'_> {
    fn entries(&mut self, entries: &[Entry<'_>]) {
        let hashes: Vec<u64> = entries
            .iter()
            .map(|entry| self.db.hasher.hash(entry.labels))
            .collect();
        let found: Vec<Option<Arc<Series>>> = {
            let index = self.db.index();
            let pairs = entries.iter().zip(&hashes);
            pairs
                .map(|(entry, hash)| index.find(*hash, entry.labels).cloned())
                .collect()
        };
        for ((entry, hash), found) in entries.iter().zip(hashes).zip(found) {
            self.entry(entry, hash, found);
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, hash: u64, mut found: Option<Arc<Series>>) {
        let mut samples = entry.samples;
        loop {
            // No series is made for samples that it would refuse.
            while let Some((first, rest)) = samples.split_first()
                && let Err(reason) = self.check_time(first.timestamp_ms)
            {
                self.outcome.refuse(reason, entry.labels, &[*first]);
                samples = rest;
            }
            if samples.is_empty() {
                return;
            }
            let series = match found.take() {
                Some(series) => series,
                None => match self.db.find_or_create(hash, entry.labels) {
                    Ok(series) => series,
                    Err(reason) => return self.outcome.refuse(reason, entry.labels, samples),
                },
            };
            match self.samples(&series, &mut samples) {
                Ok(()) => return,
                // Removed for being empty: only a walk of `maintain` can repeat that.
                Err(Halt::Removed) => {}
                Err(Halt::Full(needed)) => {
                    if !self.db.make_room(needed)
                        && let Some((first, rest)) = samples.split_first()
                    {
                        self.outcome.refuse(Refusal::Bytes, entry.labels, &[*first]);
                        samples = rest;
                    }
                    found = Some(series);
                }
            }
        }
    }

    /// Adds samples until all are dealt with or something is in the way; `samples`
    /// are those that are left.
    fn samples(&mut self, series: &Series, samples: &mut &[Sample]) -> Result<(), Halt> {
        let mut data = series.lock();
        if data.is_removed {
            return Err(Halt::Removed);
        }
        let (added, chunks) = (self.added, data.chunks());
        let result = self.samples_of(&series.labels, &mut data, samples);
        // Under the lock: who drops them again finds them counted.
        let counters = &self.db.counters;
        counters.samples.fetch_add(self.added - added, Relaxed);
        if data.chunks() > chunks {
            counters
                .chunks
                .fetch_add((data.chunks() - chunks) as u64, Relaxed);
        }
        result
    }

    fn samples_of(&mut self, labels: &Labels, data: &mut Data, samples: &mut &[Sample]) -> Result<(), Halt> {
        while let Some((sample, rest)) = samples.split_first() {
            let result = match self.check_time(sample.timestamp_ms) {
                Err(reason) => Err(reason),
                Ok(()) => {
                    let growth = data.growth_max(sample.timestamp_ms);
                    let before = data.bytes();
                    if !self.db.budget.reserve(growth) {
                        return Err(Halt::Full(growth));
                    }
                    let result = data.append(*sample, self.window_ms);
                    self.db.budget.settle(growth, before, data.bytes());
                    result
                }
            };
            match result {
                Ok(placed) => self.accept(placed, sample.timestamp_ms),
                Err(reason) => self.outcome.refuse(reason, labels, &[*sample]),
            }
            *samples = rest;
        }
        Ok(())
    }

    fn check_time(&self, time_ms: i64) -> Result<(), Refusal> {
        if time_ms < self.cutoff_ms {
            return Err(Refusal::TooOld);
        }
        if time_ms > self.latest_ms {
            return Err(Refusal::TooFarInFuture);
        }
        Ok(())
    }

    fn accept(&mut self, placed: Placed, time_ms: i64) {
        self.outcome.accepted += 1;
        if placed == Placed::Added {
            self.added += 1;
            self.oldest_ms = self.oldest_ms.min(time_ms);
            self.newest_ms = self.newest_ms.max(time_ms);
        }
    }

    fn finish(self) -> Appended {
        let counters = &self.db.counters;
        counters.accepted.fetch_add(self.outcome.accepted, Relaxed);
        if self.added > 0 {
            counters.oldest_ms.fetch_min(self.oldest_ms, Relaxed);
            counters.newest_ms.fetch_max(self.newest_ms, Relaxed);
        }
        for refused in &self.outcome.refused {
            counters.refuse(refused.reason, refused.samples);
        }
        self.outcome
    }
}
