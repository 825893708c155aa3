//! Query results as columns.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::label::Labels;

/// The result of a query: `len` series with their labels and samples, in columns.
///
/// Label names and values are stored once each and referred to by number, so
/// that 10,000 series with the same ten labels cost numbers, not strings.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Frame {
    strings: Vec<Arc<str>>,
    /// (name, value) as indices in `strings`; sorted by name within a series.
    pairs: Vec<(u32, u32)>,
    /// Series `i` has `pairs[pair_offsets[i]..pair_offsets[i + 1]]`.
    pair_offsets: Vec<u32>,
    /// Series `i` has `samples[sample_offsets[i]..sample_offsets[i + 1]]`, at
    /// least one.
    sample_offsets: Vec<u32>,
    timestamps_ms: Vec<i64>,
    values: Vec<f64>,
}

impl Frame {
    /// Number of series.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.sample_offsets.len().saturating_sub(1)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether each series has exactly one sample, so that the sample columns
    /// are the columns of the newest samples too.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        self.values.len() == self.len()
    }

    /// Every text that occurs as a label name or value.
    #[must_use]
    pub fn strings(&self) -> &[Arc<str>] {
        &self.strings
    }

    /// Where each series' samples lie: length `len + 1`, or empty.
    #[must_use]
    pub fn sample_offsets(&self) -> &[u32] {
        &self.sample_offsets
    }

    /// Sample times of all series, one after the other.
    #[must_use]
    pub fn all_timestamps_ms(&self) -> &[i64] {
        &self.timestamps_ms
    }

    /// Sample values of all series, one after the other.
    #[must_use]
    pub fn all_values(&self) -> &[f64] {
        &self.values
    }

    /// Where the samples of a series lie; none when there is no such series.
    #[must_use]
    pub fn sample_range(&self, series: usize) -> Option<Range<usize>> {
        let end = *self.sample_offsets.get(series + 1)?;
        Some(self.sample_offsets[series] as usize..end as usize)
    }

    /// Index of the newest sample of each series.
    pub fn newest(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.sample_offsets.iter().skip(1).map(|end| *end as usize - 1)
    }

    /// The labels of a series, sorted by name; none when there is no such series.
    #[inline]
    #[must_use]
    pub fn series_labels(
        &self,
        series: usize,
    ) -> Option<impl ExactSizeIterator<Item = (&str, &str)> + Clone> {
        let end = *self.pair_offsets.get(series + 1)? as usize;
        let start = self.pair_offsets[series] as usize;
        let text = |at: u32| &*self.strings[at as usize];
        Some(
            self.pairs[start..end]
                .iter()
                .map(move |(name, value)| (text(*name), text(*value))),
        )
    }

    /// One label of all series: the distinct values (the empty text for an
    /// absent label), and each series' index among them.
    #[must_use]
    pub fn label_column(&self, name: &str) -> (Vec<&str>, Vec<u32>) {
        let name = self
            .strings
            .iter()
            .position(|text| **text == *name)
            .map(|at| at as u32);
        let mut code_of: HashMap<Option<u32>, u32> = HashMap::new();
        let mut values = Vec::new();
        let mut codes = Vec::with_capacity(self.len());
        for window in self.pair_offsets.windows(2) {
            let pairs = &self.pairs[window[0] as usize..window[1] as usize];
            let value = pairs.iter().find(|pair| Some(pair.0) == name).map(|pair| pair.1);
            let code = *code_of.entry(value).or_insert_with(|| {
                values.push(value.map_or("", |at| &*self.strings[at as usize]));
                values.len() as u32 - 1
            });
            codes.push(code);
        }
        (values, codes)
    }

    /// Bytes of memory held, roughly: what caches weigh and limits count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts: usize = self.strings.iter().map(|text| text.len() + 16).sum();
        let offsets = (self.pair_offsets.len() + self.sample_offsets.len()) * 4;
        texts + self.pairs.len() * 8 + offsets + self.values.len() * 16 + size_of::<Self>()
    }
}

/// Builds a [`Frame`] series by series: `label`s and `sample`s, then `end_series`.
pub struct FrameBuilder {
    frame: Frame,
    index: HashMap<Arc<str>, u32>,
    scratch: Vec<(u32, u32)>,
}

/// A series that does not fit in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the query's result is a string; a rule needs series or a scalar")]
    Text,
    #[error("a series has no sample")]
    NoSample,
    #[error("the result has more than 4,294,967,295 labels or samples")]
    TooLarge,
}

impl Default for FrameBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameBuilder {
    #[must_use]
    pub fn new() -> Self {
        let frame = Frame {
            pair_offsets: vec![0],
            sample_offsets: vec![0],
            ..Frame::default()
        };
        Self {
            frame,
            index: HashMap::new(),
            scratch: Vec::new(),
        }
    }

    /// Adds a label to the series being built. An empty value is left out, and
    /// the first of equal names wins.
    pub fn label(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let (name_before, value_before) = self.label_before().unzip();
        let pair = (self.intern(name, name_before), self.intern(value, value_before));
        self.scratch.push(pair);
    }

    /// The label at the same place of the series before.
    fn label_before(&self) -> Option<(u32, u32)> {
        let [.., start, end] = *self.frame.pair_offsets else {
            return None;
        };
        self.frame.pairs[start as usize..end as usize]
            .get(self.scratch.len())
            .copied()
    }

    /// Adds a sample to the series being built, oldest first.
    pub fn sample(&mut self, timestamp_ms: i64, value: f64) {
        self.frame.timestamps_ms.push(timestamp_ms);
        self.frame.values.push(value);
    }

    /// Closes the series being built.
    ///
    /// # Errors
    /// The series has no sample, and is dropped; or the frame is full.
    pub fn end_series(&mut self) -> Result<(), FrameError> {
        let frame = &mut self.frame;
        let samples = u32::try_from(frame.values.len()).map_err(|_| FrameError::TooLarge)?;
        if frame.sample_offsets.last() == Some(&samples) {
            self.scratch.clear();
            return Err(FrameError::NoSample);
        }
        let strings = &frame.strings;
        self.scratch
            .sort_by(|a, b| strings[a.0 as usize].cmp(&strings[b.0 as usize]));
        self.scratch.dedup_by_key(|pair| pair.0);
        frame.pairs.append(&mut self.scratch);
        let pairs = u32::try_from(frame.pairs.len()).map_err(|_| FrameError::TooLarge)?;
        frame.pair_offsets.push(pairs);
        frame.sample_offsets.push(samples);
        Ok(())
    }

    /// Number of series closed so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frame.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame of all closed series.
    #[must_use]
    pub fn finish(mut self) -> Frame {
        let samples = self.frame.sample_offsets.last().map_or(0, |end| *end as usize);
        self.frame.timestamps_ms.truncate(samples);
        self.frame.values.truncate(samples);
        self.frame
    }

    /// The number of a text. It is often that of the series before, which a
    /// glance tells faster than the index.
    fn intern(&mut self, text: &str, before: Option<u32>) -> u32 {
        if let Some(at) = before.filter(|at| *self.frame.strings[*at as usize] == *text) {
            return at;
        }
        if let Some(at) = self.index.get(text) {
            return *at;
        }
        let at = self.frame.strings.len() as u32;
        let text: Arc<str> = text.into();
        self.frame.strings.push(Arc::clone(&text));
        self.index.insert(text, at);
        at
    }
}

impl Frame {
    /// The labels of a series as a set of its own.
    #[must_use]
    pub fn labels_of(&self, series: usize) -> Option<Labels> {
        self.series_labels(series).map(Iterator::collect)
    }
}
