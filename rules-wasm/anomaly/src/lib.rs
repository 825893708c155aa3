//! The rule `anomaly`: fires when a value is not what it was at this time of
//! past seasons.
//!
//! A *season* is a day or a week. A series' *past* is its samples around this
//! time in each of the last seasons; *usual* is what follows from that.

mod baseline;
mod config;

use std::collections::BTreeMap;

use wasmalert::prelude::*;

use baseline::{Past, Usual};
pub use config::Config;

/// The most series of the present.
const SERIES_MAX: usize = 5_000;

/// The most samples of the past; 8 bytes each, and as much again for a season's.
const SAMPLES_MAX: usize = 1_000_000;

/// The component.
pub struct Anomaly;

impl Rule for Anomaly {
    type Config = Config;

    fn describe() -> Description {
        Description::new("anomaly", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn evaluate(context: &Context, config: Config) -> Result<Outcome, Error> {
        config.check()?;
        let (now, past) = (Query::new(&config.expr), config.past(context.now_ms));
        prefetch(std::slice::from_ref(&now), &past);
        let now = now.run()?;
        if now.len() > SERIES_MAX {
            let message = format!("more than {SERIES_MAX} series; narrow the expression, or aggregate");
            return Err(Error::new("too_many_series", message));
        }
        let mut pasts: Vec<Past> = now.values().iter().map(|_| Past::default()).collect();
        let numbers: BTreeMap<u64, usize> = keys(&now).into_iter().zip(0..).collect();
        let mut samples = 0;
        for season in &past {
            let season = season.run()?;
            samples += season.sample_offsets().last().map_or(0, |end| *end as usize);
            if samples > SAMPLES_MAX {
                let message = format!(
                    "more than {SAMPLES_MAX} samples; narrow the expression, or give a longer `step`"
                );
                return Err(Error::new("too_many_samples", message));
            }
            add(&season, &numbers, &mut pasts);
        }
        let mut outcome = Outcome::new();
        for (series, past) in now.series().zip(pasts) {
            let usual = past.usual(&config);
            if let Some(usual) = usual.filter(|usual| usual.is_left_by(series.value, config.direction)) {
                tell(outcome.find(series), &usual);
            }
        }
        Ok(outcome)
    }
}

wasmalert::rule!(Anomaly);

/// What each series is known by at other times: its labels, as a number.
fn keys(frame: &Frame) -> Vec<u64> {
    let all: Vec<u32> = (0..frame.len() as u32).collect();
    frame.labels_of(&all).iter().map(Labels::fingerprint).collect()
}

/// Adds a season to the past of the series that are there now.
fn add(season: &Frame, numbers: &BTreeMap<u64, usize>, pasts: &mut [Past]) {
    let (offsets, values) = (season.sample_offsets(), season.all_values());
    for (key, at) in keys(season).iter().zip(offsets.windows(2)) {
        if let Some(number) = numbers.get(key) {
            pasts[*number].add(&values[at[0] as usize..at[1] as usize]);
        }
    }
}

fn tell(finding: &mut Finding, usual: &Usual) {
    let (low, high) = (round(usual.low()), round(usual.high()));
    finding
        .annotation("expected", round(usual.median))
        .annotation("usual", format!("{low} to {high}"));
}

/// Four digits are enough for people.
fn round(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
