//! The exposition formats: Prometheus text (0.0.4, and 1.0.0 with quoted names)
//! and OpenMetrics text 1.0.
//!
//! [`Parser`] reads a body line by line and builds no tree: a sample's labels
//! are decoded only when asked for, so that a caller who knows the series text
//! pays for a comparison alone. Read as Prometheus reads (`model/textparse`):
//! bodies that it refuses are refused, with these differences: the whole body is
//! UTF-8, comments included; blanks before a line and around a type are allowed
//! in the text format, as its description says; a NUL outside a label value or a
//! help text is an error, not the end.

mod cursor;
mod error;
mod number;
mod openmetrics;
mod prometheus;
mod series;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use cursor::{Cursor, Fault};
pub use error::{ContentTypeError, ParseError};
pub use series::{LabelError, Series};

/// What to send as `Accept`: OpenMetrics first, the protobuf format never, since
/// native histograms are not supported.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
     application/openmetrics-text;version=0.0.1;q=0.5,\
     text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
     text/plain;version=0.0.4;q=0.3,*/*;q=0.1";

/// How an exposition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain`, version 0.0.4 or 1.0.0.
    Prometheus,
    /// `application/openmetrics-text`.
    OpenMetrics,
}

impl Format {
    /// The format that a `Content-Type` names; `fallback` when it names none
    /// that is known.
    ///
    /// # Errors
    /// There is no fallback, and the header is missing or names another format.
    pub fn of_content_type(header: Option<&str>, fallback: Option<Self>) -> Result<Self, ContentTypeError> {
        let header = header.unwrap_or_default();
        let media_type = header
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let known = match &*media_type {
            "text/plain" => Some(Self::Prometheus),
            "application/openmetrics-text" => Some(Self::OpenMetrics),
            _ => fallback,
        };
        known.ok_or_else(|| ContentTypeError::new(header))
    }
}

/// What a metric measures, by its `# TYPE` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetricType {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    /// `untyped` in the text format, `unknown` in OpenMetrics.
    #[default]
    Unknown,
}

impl MetricType {
    fn named(name: &str, format: Format) -> Option<Self> {
        Some(match (name, format) {
            ("counter", _) => Self::Counter,
            ("gauge", _) => Self::Gauge,
            ("histogram", _) => Self::Histogram,
            ("summary", _) => Self::Summary,
            ("untyped", Format::Prometheus) | ("unknown", Format::OpenMetrics) => Self::Unknown,
            ("gaugehistogram", Format::OpenMetrics) => Self::GaugeHistogram,
            ("info", Format::OpenMetrics) => Self::Info,
            ("stateset", Format::OpenMetrics) => Self::StateSet,
            _ => return None,
        })
    }
}

/// What a line says. Comments, blank lines and exemplars say nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a> {
    Sample(TextSample<'a>),
    Type {
        metric: Cow<'a, str>,
        kind: MetricType,
    },
    Help {
        metric: Cow<'a, str>,
        help: Cow<'a, str>,
    },
    Unit {
        metric: Cow<'a, str>,
        unit: &'a str,
    },
}

/// One sample as exposed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextSample<'a> {
    pub series: Series<'a>,
    /// NaN has the bits [`NORMAL_NAN_BITS`](crate::NORMAL_NAN_BITS).
    pub value: f64,
    /// As the line says; most say nothing.
    pub timestamp_ms: Option<i64>,
}

/// Reads an exposition.
#[derive(Debug)]
pub struct Parser<'a> {
    cursor: Cursor<'a>,
    format: Format,
    /// Of the last `# TYPE` line.
    kind: MetricType,
    is_done: bool,
}

impl<'a> Parser<'a> {
    /// # Errors
    /// The body is not UTF-8.
    pub fn new(format: Format, body: &'a [u8]) -> Result<Self, ParseError> {
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            Err(error) => return Err(ParseError::not_utf8(body, error.valid_up_to())),
        };
        Ok(Self {
            cursor: Cursor::new(text),
            format,
            kind: MetricType::Unknown,
            is_done: false,
        })
    }

    /// Reads on to the next line that says something; `None` at the end.
    ///
    /// `expected` may name the series text that most likely comes next: if it
    /// does, it is not taken apart again. It must be a series text that a parser
    /// of the same format has returned.
    ///
    /// # Errors
    /// The line is against the format. Nothing can be read after that.
    pub fn next(&mut self, expected: Option<&str>) -> Result<Option<Line<'a>>, ParseError> {
        if self.is_done {
            return Ok(None);
        }
        let line = match self.format {
            Format::Prometheus => self.prometheus_line(expected),
            Format::OpenMetrics => self.openmetrics_line(expected),
        };
        match line {
            Ok(Some(line)) => Ok(Some(line)),
            Ok(None) => {
                self.is_done = true;
                Ok(None)
            }
            Err(fault) => {
                self.is_done = true;
                Err(ParseError::at(self.cursor.text(), fault))
            }
        }
    }

    /// Reads a series text, with the cursor at its first byte.
    fn series(&mut self, expected: Option<&str>) -> Result<Series<'a>, Fault> {
        let start = self.cursor.at();
        let is_expected = expected.is_some_and(|expected| self.skip_expected(expected));
        if !is_expected {
            series::scan(&mut self.cursor, self.format, &mut |_| {})?;
        }
        Ok(Series {
            text: self.cursor.since(start),
            format: self.format,
            kind: self.kind,
        })
    }

    /// Skips a series text. A whole one ends in a brace, or it is a bare name:
    /// then a blank and anything but a brace have to follow.
    fn skip_expected(&mut self, expected: &str) -> bool {
        let Some(after) = self.cursor.rest().strip_prefix(expected.as_bytes()) else {
            return false;
        };
        let is_whole = expected.ends_with('}')
            || after.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'))
                && after.iter().find(|byte| !matches!(byte, b' ' | b'\t')) != Some(&b'{');
        if is_whole {
            self.cursor.skip(expected.len());
        }
        is_whole
    }

    fn kind_named(&mut self, name: &str, at: usize) -> Result<MetricType, Fault> {
        self.kind = MetricType::named(name, self.format).ok_or_else(|| {
            let known = match self.format {
                Format::Prometheus => "counter, gauge, histogram, summary or untyped",
                Format::OpenMetrics => {
                    "counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown"
                }
            };
            Fault::new(at, format!("expected a metric type ({known})"))
        })?;
        Ok(self.kind)
    }
}
