//! What turns bytes from outside into samples, without any IO.
//!
//! Everything here is a function of its arguments: no clock, no network, no
//! files. Times are `i64` milliseconds since the epoch and end in `_ms`.
//!
//! Words used throughout: a *target* is asked over HTTP for its *exposition*, a
//! text of one sample a line; doing so is a *scrape*. A *series text* is what
//! stands before the value on such a line. A series that was there and is no
//! longer gets a *stale marker*: a sample whose value is a NaN of special bits.

pub mod answer;
pub mod limits;
pub mod relabel;
pub mod remote_write;
pub mod scrape;
pub mod target;
pub mod text;

use std::sync::Arc;

use wasmalert_core::Labels;

/// The bits of a NaN that was measured, whatever its bits at the source: nobody
/// can make a stale marker by exposing a NaN.
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// The text, cut at a character to at most `bytes_max` bytes and a mark.
#[must_use]
pub fn bounded(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
}

/// One sample of one series.
#[derive(Debug, Clone)]
pub struct Sample {
    pub labels: Arc<Labels>,
    pub timestamp_ms: i64,
    pub value: f64,
}

impl Sample {
    /// Whether it marks the end of its series.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        wasmalert_core::sample::is_stale(self.value)
    }
}
