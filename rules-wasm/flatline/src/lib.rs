//! The rule `flatline`: fires for each series that has not changed for a while.
//!
//! A series' *line* is its newest samples, as far back as they do not differ by
//! more than the tolerance. A *flat* line is long enough.

mod config;

use wasmalert::prelude::*;

pub use config::Config;
use config::Flat;

/// The most samples of one evaluation; 16 bytes each.
const SAMPLES_MAX: u32 = 1_000_000;

/// The component.
pub struct Flatline;

impl Rule for Flatline {
    type Config = Config;

    fn describe() -> Description {
        Description::new("flatline", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn evaluate(context: &Context, config: Config) -> Result<Outcome, Error> {
        let expr = config.expr.clone();
        let flat = config.flat()?;
        let (span, step) = (
            Span::from_ms(flat.steps * flat.step_ms),
            Span::from_ms(flat.step_ms),
        );
        let frame = RangeQuery::last(expr, span, context.now_ms, step).run()?;
        let offsets = frame.sample_offsets();
        if offsets.last().is_some_and(|samples| *samples > SAMPLES_MAX) {
            let message =
                format!("more than {SAMPLES_MAX} samples; narrow the expression, or give a longer `step`");
            return Err(Error::new("too_many_samples", message));
        }
        let (times_ms, values) = (frame.all_timestamps_ms(), frame.all_values());
        let mut outcome = Outcome::new();
        for (series, at) in offsets.windows(2).enumerate() {
            let samples = at[0] as usize..at[1] as usize;
            let line = Line::new(&times_ms[samples.clone()], &values[samples], &flat);
            if let Some(line) = line.filter(|line| line.is_flat(&flat, context.now_ms)) {
                outcome.find(frame.at(series)).value(line.value);
            }
        }
        Ok(outcome)
    }
}

wasmalert::rule!(Flatline);

/// The newest samples of a series that do not differ.
struct Line {
    /// The time of its oldest sample in ms since the epoch.
    first_ms: i64,
    last_ms: i64,
    samples: i64,
    /// The newest one.
    value: f64,
}

impl Line {
    /// None when there is no sample. NaN is none.
    fn new(times_ms: &[i64], values: &[f64], flat: &Flat) -> Option<Self> {
        let samples = times_ms.iter().zip(values).rev();
        let mut samples = samples.filter(|(_, value)| !value.is_nan());
        let (last_ms, value) = samples.next().map(|(time_ms, value)| (*time_ms, *value))?;
        let mut line = Self {
            first_ms: last_ms,
            last_ms,
            samples: 1,
            value,
        };
        let (mut low, mut high) = (value, value);
        for (time_ms, value) in samples {
            (low, high) = (low.min(*value), high.max(*value));
            if !flat.is_one(low, high) {
                break;
            }
            line.first_ms = *time_ms;
            line.samples += 1;
        }
        Some(line)
    }

    fn is_flat(&self, flat: &Flat, now_ms: i64) -> bool {
        let is_there = now_ms - self.last_ms <= flat.gap_ms;
        let is_long = now_ms - self.first_ms >= flat.unchanged_ms && self.samples >= flat.min_samples;
        is_there && is_long && !flat.is_excepted(self.value)
    }
}
