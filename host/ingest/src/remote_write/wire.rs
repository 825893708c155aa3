//! `prometheus.WriteRequest`, read where it lies: texts are borrowed from the
//! message, and only the labels of a series are copied.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;
use wasmalert_core::sample::Sample;

use super::{WriteError, WriteRequest};
use crate::limits::{Exceeded, WriteLimits, shortened};

/// Reads the fields of one message.
struct Fields<'a> {
    rest: &'a [u8],
    /// Of the first byte of `rest`, in the whole request.
    at: usize,
}

enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(Fields<'a>),
    Other,
}

impl<'a> Fields<'a> {
    fn wrong(&self, problem: impl ToString) -> WriteError {
        WriteError::Protobuf {
            problem: problem.to_string(),
            at: self.at,
        }
    }

    fn read<T>(
        &mut self,
        read: impl FnOnce(&mut &'a [u8]) -> Result<T, prost::DecodeError>,
    ) -> Result<T, WriteError> {
        let mut rest = self.rest;
        let value = read(&mut rest).map_err(|error| self.wrong(error))?;
        self.take(self.rest.len() - rest.len());
        Ok(value)
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(bytes);
        self.at += bytes;
        self.rest = rest;
        taken
    }

    /// The next field's number and value; `None` at the end.
    fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, WriteError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (tag, wire_type) = self.read(decode_key)?;
        let value = match wire_type {
            WireType::Varint => Value::Varint(self.read(decode_varint)?),
            WireType::LengthDelimited => Value::Bytes(self.message()?),
            WireType::SixtyFourBit => {
                let bytes = self.rest.first_chunk().copied();
                let bytes = bytes.ok_or_else(|| self.wrong("a number is cut off"))?;
                self.take(size_of::<u64>());
                Value::Fixed64(u64::from_le_bytes(bytes))
            }
            other => {
                self.read(|rest| skip_field(other, tag, rest, DecodeContext::default()))?;
                Value::Other
            }
        };
        Ok(Some((tag, value)))
    }

    fn message(&mut self) -> Result<Self, WriteError> {
        let length = self.read(decode_varint)?;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= self.rest.len());
        let length = length.ok_or_else(|| self.wrong("a field is longer than what is left"))?;
        let at = self.at;
        Ok(Self {
            rest: self.take(length),
            at,
        })
    }
}

pub(super) fn decode(message: &[u8], limits: &WriteLimits) -> Result<WriteRequest, WriteError> {
    let mut reader = Reader {
        limits,
        request: WriteRequest::default(),
        histograms: 0,
        pairs: Vec::new(),
    };
    let mut fields = Fields { rest: message, at: 0 };
    while let Some((tag, value)) = fields.next()? {
        match (tag, value) {
            (1, Value::Bytes(series)) => reader.series(series)?,
            (1, _) => return Err(fields.wrong("`timeseries` is no message")),
            _ => {}
        }
    }
    match reader.histograms {
        0 => Ok(reader.request),
        samples => Err(WriteError::NativeHistograms { samples }),
    }
}

struct Reader<'a> {
    limits: &'a WriteLimits,
    request: WriteRequest,
    histograms: u64,
    /// Labels of the series at hand.
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Reader<'a> {
    fn series(&mut self, mut fields: Fields<'a>) -> Result<(), WriteError> {
        let series_max = self.limits.series_per_request;
        if self.request.series.len() == series_max {
            return Err(
                Exceeded::new("series_per_request", "series or more", series_max + 1, series_max).into(),
            );
        }
        let start = self.request.samples.len();
        self.pairs.clear();
        while let Some((tag, value)) = fields.next()? {
            match (tag, value) {
                (1, Value::Bytes(label)) => self.label(label)?,
                (2, Value::Bytes(sample)) => self.sample(sample)?,
                (1 | 2, _) => return Err(fields.wrong("`labels` and `samples` are messages")),
                (4, _) => self.histograms += 1,
                _ => {}
            }
        }
        let labels = self.labels()?;
        self.request
            .series
            .push((labels, start..self.request.samples.len()));
        Ok(())
    }

    fn wrong(&self, problem: impl Into<String>) -> WriteError {
        WriteError::Series {
            series: self.request.series.len() + 1,
            problem: problem.into(),
        }
    }

    fn label(&mut self, mut fields: Fields<'a>) -> Result<(), WriteError> {
        let labels_max = self.limits.labels.labels_per_series;
        if self.pairs.len() == labels_max {
            return Err(
                Exceeded::new("labels_per_series", "labels or more", labels_max + 1, labels_max).into(),
            );
        }
        let (mut name, mut text) = ("", "");
        while let Some((tag, value)) = fields.next()? {
            let place = match tag {
                1 => &mut name,
                2 => &mut text,
                _ => continue,
            };
            let Value::Bytes(bytes) = value else {
                return Err(fields.wrong("a label's name and value are texts"));
            };
            *place = std::str::from_utf8(bytes.rest).map_err(|_| self.wrong("a label is not UTF-8"))?;
        }
        self.pairs.push((name, text));
        Ok(())
    }

    fn sample(&mut self, mut fields: Fields<'a>) -> Result<(), WriteError> {
        let samples_max = self.limits.samples_per_request;
        if self.request.samples.len() == samples_max {
            return Err(Exceeded::new(
                "samples_per_request",
                "samples or more",
                samples_max + 1,
                samples_max,
            )
            .into());
        }
        let mut sample = Sample {
            timestamp_ms: 0,
            value: 0.0,
        };
        while let Some((tag, value)) = fields.next()? {
            match (tag, value) {
                (1, Value::Fixed64(bits)) => sample.value = f64::from_bits(bits),
                (2, Value::Varint(time)) => sample.timestamp_ms = time.cast_signed(),
                (1 | 2, _) => return Err(fields.wrong("a sample is a double and an int64")),
                _ => {}
            }
        }
        self.request.samples.push(sample);
        Ok(())
    }

    fn labels(&mut self) -> Result<Labels, WriteError> {
        self.pairs.sort_unstable();
        if let Some(twice) = self.pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(self.wrong(format!("the label `{}` comes twice", shortened(twice[0].0))));
        }
        if self.pairs.first().is_some_and(|(name, _)| name.is_empty()) {
            return Err(self.wrong("a label has no name"));
        }
        let labels: Labels = self.pairs.iter().copied().collect();
        if labels.get(METRIC_NAME).is_none() {
            return Err(self.wrong(format!("there is no label `{METRIC_NAME}`")));
        }
        self.limits.labels.check(&labels)?;
        Ok(labels)
    }
}
