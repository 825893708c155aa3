//! The rule `forecast`: fires when a series will reach a limit soon.
//!
//! A line through a series' *points*, its samples over a window, says when.

mod config;
mod line;

use wasmalert::prelude::*;
use wasmalert::time::rfc3339;

pub use config::Config;
use config::Plan;
use line::{Line, Point};

/// The most samples of one evaluation; 16 bytes each.
const SAMPLES_MAX: u32 = 1_000_000;

/// The component.
pub struct Forecast;

impl Rule for Forecast {
    type Config = Config;

    fn describe() -> Description {
        Description::new("forecast", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn evaluate(context: &Context, config: Config) -> Result<Outcome, Error> {
        let plan = config.plan()?;
        let now_ms = context.now_ms;
        let frame = RangeQuery::last(&config.expr, plan.window, now_ms, plan.step).run()?;
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
            let points = points(&times_ms[samples.clone()], &values[samples], now_ms, &plan);
            if let Some(reach) = reach(&points, &plan) {
                let finding = outcome.find(frame.at(series)).value(reach.seconds);
                let reached_ms = now_ms.saturating_add((reach.seconds * 1_000.0) as i64);
                finding.annotation("reached_at", rfc3339(reached_ms));
                if let Some(per_hour) = reach.per_hour {
                    finding.annotation("change_per_hour", round(per_hour));
                }
            }
        }
        Ok(outcome)
    }
}

wasmalert::rule!(Forecast);

/// When a limit is reached, and how fast.
struct Reach {
    /// From now.
    seconds: f64,
    /// None when the limit is reached already.
    per_hour: Option<f64>,
}

/// The samples with a value, oldest first.
fn points(times_ms: &[i64], values: &[f64], now_ms: i64, plan: &Plan) -> Vec<Point> {
    let samples = times_ms.iter().zip(values);
    let samples = samples.filter(|(_, value)| value.is_finite());
    samples
        .map(|(time_ms, value)| ((time_ms - now_ms) as f64 / 1_000.0, plan.left(*value)))
        .collect()
}

/// None when the limit is not reached in time, or nothing is known of that.
fn reach(points: &[Point], plan: &Plan) -> Option<Reach> {
    let (time, left) = *points.last()?;
    if -time > plan.gap_ms as f64 / 1_000.0 {
        return None;
    }
    if left <= 0.0 {
        return Some(Reach {
            seconds: 0.0,
            per_hour: None,
        });
    }
    if points.len() < plan.min_points {
        return None;
    }
    let line = Line::falling(points, left / plan.within)?;
    let seconds = left.max(line.now) / -line.per_second;
    let soon = seconds >= 0.0 && seconds <= plan.within;
    (soon && line.fits(plan.min_fit)).then_some(Reach {
        seconds,
        per_hour: Some(plan.change(line.per_second) * 3_600.0),
    })
}

/// Three digits are enough for people.
fn round(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}
