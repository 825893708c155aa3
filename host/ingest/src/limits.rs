//! What one scrape, one target list and one remote write request may bring.
//!
//! What is over a limit fails as a whole, with an error that names the limit.

use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

/// Bounds of a series' labels, `__name__` and the target's own included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelLimits {
    /// Labels of one series. Default 64.
    pub labels_per_series: usize,
    /// Bytes of one label's name. Default 1,024.
    pub label_name_bytes: usize,
    /// Bytes of one label's value. Default 4,096.
    pub label_value_bytes: usize,
}

/// Bounds of one scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScrapeLimits {
    /// Bytes of one exposition, uncompressed. Default 32 MiB.
    pub body_bytes: usize,
    /// Samples of one scrape, after relabelling. Default 100,000.
    pub samples_per_scrape: u64,
    pub labels: LabelLimits,
}

/// Bounds of one remote write request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteLimits {
    /// Bytes of one request, as sent. Default 16 MiB.
    pub body_bytes: usize,
    /// Bytes of one request, uncompressed. Default 64 MiB.
    pub decoded_bytes: usize,
    /// Series of one request. Default 100,000.
    pub series_per_request: usize,
    /// Samples of one request. Default 1,000,000.
    pub samples_per_request: usize,
    pub labels: LabelLimits,
}

impl Default for LabelLimits {
    fn default() -> Self {
        Self {
            labels_per_series: 64,
            label_name_bytes: 1_024,
            label_value_bytes: 4_096,
        }
    }
}

impl Default for ScrapeLimits {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 20,
            samples_per_scrape: 100_000,
            labels: LabelLimits::default(),
        }
    }
}

impl Default for WriteLimits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            decoded_bytes: 64 << 20,
            series_per_request: 100_000,
            samples_per_request: 1_000_000,
            labels: LabelLimits::default(),
        }
    }
}

/// Something is over a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{limit} exceeded: {found} {unit}, at most {max} are allowed{place}")]
pub struct Exceeded {
    /// Name of the limit.
    pub limit: &'static str,
    pub unit: &'static str,
    pub found: u64,
    pub max: u64,
    /// Where, as a text that goes on from the sentence; may be empty.
    pub place: String,
}

impl Exceeded {
    pub(crate) fn new(limit: &'static str, unit: &'static str, found: usize, max: usize) -> Self {
        Self {
            limit,
            unit,
            found: found as u64,
            max: max as u64,
            place: String::new(),
        }
    }

    fn at(mut self, labels: &Labels, label: &str) -> Self {
        let metric = shortened(labels.get(METRIC_NAME).unwrap_or_default());
        self.place = match label {
            "" => format!(" (metric {metric})"),
            label => format!(" (metric {metric}, label {})", shortened(label)),
        };
        self
    }
}

/// Enough of a text for an error message.
pub(crate) fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut short: String = text
        .chars()
        .take(CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

impl LabelLimits {
    /// Holds a label set against the limits.
    ///
    /// # Errors
    /// The first limit that is exceeded.
    pub fn check(&self, labels: &Labels) -> Result<(), Exceeded> {
        if labels.len() > self.labels_per_series {
            let (found, max) = (labels.len(), self.labels_per_series);
            return Err(Exceeded::new("labels_per_series", "labels", found, max).at(labels, ""));
        }
        for (name, value) in labels.iter() {
            if name.len() > self.label_name_bytes {
                let (found, max) = (name.len(), self.label_name_bytes);
                return Err(Exceeded::new("label_name_bytes", "bytes", found, max).at(labels, name));
            }
            if value.len() > self.label_value_bytes {
                let (found, max) = (value.len(), self.label_value_bytes);
                return Err(Exceeded::new("label_value_bytes", "bytes", found, max).at(labels, name));
            }
        }
        Ok(())
    }
}
