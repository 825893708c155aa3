//! What is configured.

use wasmalert::prelude::*;

use crate::memory::Key;

/// What to listen to, and for how long it may be silent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(crate) expr: String,
    silence: Span,
    #[serde(default)]
    pub(crate) mode: Mode,
    /// The labels that tell series apart; all of them when empty.
    #[serde(default)]
    by: Vec<String>,
    #[serde(default = "day")]
    pub(crate) forget_after: Span,
}

/// What a sign of life is.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// The series is there.
    #[default]
    Series,
    /// The series' value is the unix time in seconds of the last one.
    Timestamp,
}

fn day() -> Span {
    Span::from_hours(24)
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.silence.ms() <= 0 {
            return Err(Error::config("silence: has to be longer than 0"));
        }
        if self.forget_after <= self.silence {
            let message = format!("forget_after: {} is not longer than silence", self.forget_after);
            return Err(Error::config(message));
        }
        Ok(())
    }

    pub(crate) fn deadline_ms(&self, beat_ms: i64) -> i64 {
        beat_ms.saturating_add(self.silence.ms())
    }

    /// The labels by which a series is known: never `__name__`.
    pub(crate) fn key(&self, labels: &Labels) -> Key {
        let wanted = |name: &String| name != "__name__" && (self.by.is_empty() || self.by.contains(name));
        let labels = labels.iter().filter(|label| wanted(&label.name));
        labels
            .map(|label| (label.name.clone(), label.value.clone()))
            .collect()
    }
}
