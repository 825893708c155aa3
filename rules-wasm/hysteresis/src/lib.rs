//! The rule `hysteresis`: fires beyond one threshold, resolves beyond another,
//! each in N of the last M evaluations.
//!
//! A series' *track* is what the rule remembers of it. A series without one is
//! quiet: it does not fire, and none of its recent values was beyond.

mod config;
mod memory;

use wasmalert::prelude::*;

pub use config::Config;
use memory::{Firing, Memory, Track};

/// The component.
pub struct Hysteresis;

impl Rule for Hysteresis {
    type Config = Config;

    fn describe() -> Description {
        Description::new("hysteresis", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn evaluate(_: &Context, config: Config) -> Result<Outcome, Error> {
        let thresholds = config.thresholds()?;
        let frame = query(&config.expr)?;
        let mut memory = Memory::load()?;
        let values = frame.values();
        let wanted: Vec<u32> = (0_u32..)
            .zip(&values)
            .filter(|(_, value)| !memory.is_empty() || thresholds.fires(**value))
            .map(|(series, _)| series)
            .collect();
        let mut outcome = Outcome::new();
        let mut next = Memory::default();
        for (series, labels) in wanted.iter().zip(frame.labels_of(&wanted)) {
            let value = values[*series as usize];
            let key = labels.fingerprint();
            let track = step(memory.take(key), value, labels, &config, &thresholds);
            if track.firing.is_some() {
                outcome.find(frame.at(*series as usize)).value(value);
            }
            next.keep(key, track);
        }
        let unseen_max = config.fire_for.of.max(config.resolve_for.of);
        for (key, track) in memory.unseen(unseen_max) {
            if let Some(firing) = &track.firing {
                outcome.find(firing.finding());
            }
            next.keep(key, track);
        }
        next.save()?;
        Ok(outcome)
    }
}

wasmalert::rule!(Hysteresis);

/// A series' track after one more value.
fn step(
    track: Option<Track>,
    value: f64,
    labels: Labels,
    config: &Config,
    thresholds: &config::Thresholds,
) -> Track {
    let mut track = track.unwrap_or_default();
    let was_firing = track.firing.is_some();
    let (beyond, window) = match was_firing {
        false => (thresholds.fires(value), config.fire_for),
        true => (thresholds.resolves(value), config.resolve_for),
    };
    let recent = window.shift(track.recent, beyond);
    let turns = window.reached(recent);
    track.firing = (was_firing != turns).then_some(Firing { value, labels });
    track.recent = if turns { 0 } else { recent };
    track.unseen = 0;
    track
}
