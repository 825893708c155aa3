//! Where samples come from.

use std::sync::Arc;

use wasmalert_core::Labels;

use crate::error::Error;
use crate::matcher::Matcher;

/// What one selector needs.
#[derive(Debug, Clone, Copy)]
pub struct Select<'a> {
    /// A series has to fulfil all of them. At least one does not match the
    /// empty text; often one is `__name__="…"`.
    pub matchers: &'a [Matcher],
    /// The oldest time of interest, in milliseconds since the epoch.
    pub min_ms: i64,
    /// The newest time of interest; samples may not be after it.
    pub max_ms: i64,
    /// Only the newest sample in the range is looked at: handing out more is
    /// allowed, but for nothing.
    pub newest_only: bool,
}

impl Select<'_> {
    /// Whether a series fulfils all matchers.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers
            .iter()
            .all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or("")))
    }
}

/// Takes one series: its labels, its sample times in milliseconds, strictly
/// increasing and within the range asked for, and as many values.
pub type Visit<'a> = &'a mut dyn FnMut(&Arc<Labels>, &[i64], &[f64]) -> Result<(), Error>;

/// A source of series.
///
/// Samples are shown, not given away: they are worked on while `visit` runs, so
/// that a storage of compressed columns can decode every series into the same
/// buffer, and one of plain columns needs no copy at all.
pub trait Storage {
    /// Calls `visit` once for every matching series with samples in the range.
    /// The same labels never come twice.
    ///
    /// # Errors
    /// Those of `visit`, which end the selection; [`Error::Storage`] for its own.
    fn select(&self, select: &Select<'_>, visit: Visit<'_>) -> Result<(), Error>;
}
