//! Prometheus remote write, version 1: `prometheus.WriteRequest` in snappy's
//! block format.
//!
//! A request is taken as a whole or refused as a whole. Metadata and exemplars
//! are left out; native histograms are not supported and refused. Values keep
//! their bits: a stale marker stays one.

mod encode;
#[cfg(test)]
mod tests;
mod wire;

use std::ops::Range;

use wasmalert_core::Labels;
use wasmalert_core::sample::Sample;

pub use encode::encode;

use crate::limits::{Exceeded, WriteLimits, shortened};

/// What a request is sent as.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// How a request is compressed.
pub const CONTENT_ENCODING: &str = "snappy";
/// The header `X-Prometheus-Remote-Write-Version`.
pub const VERSION: &str = "0.1.0";

/// What a request brings.
#[derive(Debug, Clone, Default)]
pub struct WriteRequest {
    series: Vec<(Labels, Range<usize>)>,
    samples: Vec<Sample>,
}

impl WriteRequest {
    /// Series as sent, with their samples; the same labels may come again.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Labels, &[Sample])> {
        self.series
            .iter()
            .map(|(labels, range)| (labels, &self.samples[range.clone()]))
    }

    /// Number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Number of samples of all series.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples.len()
    }
}

/// A request in a form that is not taken: status 415.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    #[error(
        "remote write version 2 is not supported: send version 1 ({CONTENT_TYPE};proto=prometheus.WriteRequest)"
    )]
    Version2,
    #[error("Content-Type is `{found}`, expected {CONTENT_TYPE}")]
    Type { found: String },
    #[error("Content-Encoding is `{found}`, expected {CONTENT_ENCODING}")]
    Encoding { found: String },
}

/// Checks the headers of a request. Both may be absent, as the older senders have it.
///
/// # Errors
/// They name another version, type or compression.
pub fn check_headers(content_type: Option<&str>, content_encoding: Option<&str>) -> Result<(), MediaError> {
    let header = content_type.unwrap_or(CONTENT_TYPE);
    let mut parts = header.split(';').map(str::trim);
    if !parts
        .next()
        .unwrap_or_default()
        .eq_ignore_ascii_case(CONTENT_TYPE)
    {
        return Err(MediaError::Type {
            found: shortened(header),
        });
    }
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (
            name.trim().eq_ignore_ascii_case("proto"),
            value.trim().trim_matches('"'),
        ) {
            (false, _) | (true, "prometheus.WriteRequest") => {}
            (true, "io.prometheus.write.v2.Request") => return Err(MediaError::Version2),
            (true, _) => {
                return Err(MediaError::Type {
                    found: shortened(header),
                });
            }
        }
    }
    match content_encoding.unwrap_or(CONTENT_ENCODING).trim() {
        encoding if encoding.eq_ignore_ascii_case(CONTENT_ENCODING) => Ok(()),
        other => Err(MediaError::Encoding {
            found: shortened(other),
        }),
    }
}

/// A request that cannot be taken: status 400, or 413 for [`WriteError::Exceeded`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    #[error("the body is not snappy in its block format: {problem}")]
    Snappy { problem: String },
    #[error("the body is no prometheus.WriteRequest: {problem} (byte {at} of the uncompressed body)")]
    Protobuf { problem: String, at: usize },
    #[error("series {series}: {problem}")]
    Series {
        /// From 1.
        series: usize,
        problem: String,
    },
    #[error(
        "the request has {samples} native histogram samples, which are not supported: send classic histograms"
    )]
    NativeHistograms { samples: u64 },
}

/// Reads a request's body.
///
/// What it takes is bounded before it is allocated.
///
/// # Errors
/// The body is over a limit, malformed, or has labels that no series may have:
/// none at all, no `__name__`, an empty name, a name twice, not UTF-8.
pub fn decode(body: &[u8], limits: &WriteLimits) -> Result<WriteRequest, WriteError> {
    let over = |limit, found, max| Err(Exceeded::new(limit, "bytes", found, max).into());
    if body.len() > limits.body_bytes {
        return over("body_bytes", body.len(), limits.body_bytes);
    }
    let not_snappy = |error: snap::Error| WriteError::Snappy {
        problem: error.to_string(),
    };
    let decoded_bytes = snap::raw::decompress_len(body).map_err(not_snappy)?;
    if decoded_bytes > limits.decoded_bytes {
        return over("decoded_bytes", decoded_bytes, limits.decoded_bytes);
    }
    let message = snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(not_snappy)?;
    wire::decode(&message, limits)
}
