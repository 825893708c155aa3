//! What is remembered from one evaluation to the next.

use std::collections::BTreeMap;

use wasmalert::prelude::*;

const STATE_KEY: &str = "beats";

/// The most series that are remembered.
pub(crate) const SERIES_MAX: usize = 5_000;

/// The labels by which a series is known, sorted by name.
pub(crate) type Key = Vec<(String, String)>;

/// When a series was last heard of, in ms since the epoch.
#[derive(Clone, Copy)]
pub(crate) struct Beat {
    pub(crate) beat_ms: i64,
    /// When it was last in a result, whatever its beat.
    pub(crate) seen_ms: i64,
}

pub(crate) struct Memory {
    /// The time of the first evaluation in ms since the epoch.
    pub(crate) since_ms: i64,
    /// Whether any series has ever been there.
    pub(crate) seen: bool,
    pub(crate) series: BTreeMap<Key, Beat>,
}

/// [`Memory`] as JSON: each series with its beat and when it was seen.
#[derive(Serialize, Deserialize)]
struct Stored {
    since_ms: i64,
    seen: bool,
    series: Vec<(Key, i64, i64)>,
}

impl Memory {
    /// # Errors
    /// The state is not what [`save`](Self::save) has written.
    pub(crate) fn load(now_ms: i64) -> Result<Self, Error> {
        let stored = state::load(STATE_KEY)?.unwrap_or(Stored {
            since_ms: now_ms,
            seen: false,
            series: Vec::new(),
        });
        let series = stored.series.into_iter();
        Ok(Self {
            since_ms: stored.since_ms,
            seen: stored.seen,
            series: series
                .map(|(key, beat_ms, seen_ms)| (key, Beat { beat_ms, seen_ms }))
                .collect(),
        })
    }

    /// # Errors
    /// There are more than [`SERIES_MAX`].
    pub(crate) fn save(&self) -> Result<(), Error> {
        if self.series.len() > SERIES_MAX {
            let message =
                format!("more than {SERIES_MAX} series; narrow the expression, or group them with `by`");
            return Err(Error::new("too_many_series", message));
        }
        let series = self
            .series
            .iter()
            .map(|(key, beat)| (key.clone(), beat.beat_ms, beat.seen_ms));
        let stored = Stored {
            since_ms: self.since_ms,
            seen: self.seen,
            series: series.collect(),
        };
        state::save(STATE_KEY, &stored)
    }

    /// Takes note of a series; the latest beat counts.
    pub(crate) fn see(&mut self, key: Key, beat: Beat) {
        self.seen = true;
        let known = self.series.entry(key).or_insert(beat);
        known.beat_ms = known.beat_ms.max(beat.beat_ms);
        known.seen_ms = beat.seen_ms;
    }

    /// Forgets the series that have not been in a result since.
    pub(crate) fn forget(&mut self, before_ms: i64) {
        self.series.retain(|_, beat| beat.seen_ms > before_ms);
    }
}
