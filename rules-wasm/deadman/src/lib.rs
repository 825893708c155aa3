//! The rule `deadman`: fires for each series that has been silent for too long.
//!
//! A series' *beat* is the last sign of life: its presence in the result, or the
//! unix time that is its value. Its *deadline* is `silence` after that.

mod config;
mod memory;

use wasmalert::prelude::*;
use wasmalert::time::rfc3339;

pub use config::Config;
use config::Mode;
use memory::{Beat, Key, Memory};

const TIMER: &str = "deadline";

/// The component.
pub struct Deadman;

impl Rule for Deadman {
    type Config = Config;

    fn describe() -> Description {
        Description::new("deadman", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn evaluate(context: &Context, config: Config) -> Result<Outcome, Error> {
        config.check()?;
        let now_ms = context.now_ms;
        let frame = query(&config.expr)?;
        let mut memory = Memory::load(now_ms)?;
        for (key, beat_ms) in beats(&frame, &config, now_ms) {
            memory.see(
                key,
                Beat {
                    beat_ms,
                    seen_ms: now_ms,
                },
            );
        }
        memory.forget(now_ms - config.forget_after.ms());
        wake(next_deadline_ms(&memory, &config, now_ms));
        memory.save()?;
        Ok(silent(&memory, &config, now_ms))
    }
}

wasmalert::rule!(Deadman);

/// The series of a result with their beats. A beat is never in the future; a
/// value that is no time is none.
fn beats(frame: &Frame, config: &Config, now_ms: i64) -> Vec<(Key, i64)> {
    let all: Vec<u32> = (0..frame.len() as u32).collect();
    let series = frame.values().into_iter().zip(frame.labels_of(&all));
    series
        .filter_map(|(value, labels)| {
            let beat_ms = match config.mode {
                Mode::Series => now_ms,
                Mode::Timestamp if value.is_finite() => (value * 1_000.0) as i64,
                Mode::Timestamp => return None,
            };
            Some((config.key(&labels), beat_ms.min(now_ms)))
        })
        .collect()
}

fn silent(memory: &Memory, config: &Config, now_ms: i64) -> Outcome {
    let mut outcome = Outcome::new();
    let seconds = |since_ms: i64| now_ms.saturating_sub(since_ms) as f64 / 1_000.0;
    let silent = |beat: &Beat| config.deadline_ms(beat.beat_ms) <= now_ms;
    for (key, beat) in memory.series.iter().filter(|(_, beat)| silent(beat)) {
        let finding = outcome.find(Finding::new());
        finding.labels = key.iter().map(|(name, value)| Label::new(name, value)).collect();
        finding
            .value(seconds(beat.beat_ms))
            .annotation("last_beat", rfc3339(beat.beat_ms));
    }
    if !memory.seen && config.deadline_ms(memory.since_ms) <= now_ms {
        outcome.find(Finding::new()).value(seconds(memory.since_ms));
    }
    outcome
}

/// When the next series turns silent, if none is heard until then.
fn next_deadline_ms(memory: &Memory, config: &Config, now_ms: i64) -> Option<i64> {
    let never = (!memory.seen).then_some(memory.since_ms);
    let beats = memory.series.values().map(|beat| beat.beat_ms);
    let deadlines = beats.chain(never).map(|beat_ms| config.deadline_ms(beat_ms));
    deadlines.filter(|deadline_ms| *deadline_ms > now_ms).min()
}

fn wake(deadline_ms: Option<i64>) {
    match deadline_ms {
        Some(deadline_ms) => timers::set(TIMER, deadline_ms, &[]),
        None => timers::cancel(TIMER),
    }
}
