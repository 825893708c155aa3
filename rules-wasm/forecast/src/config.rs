//! What is configured.

use wasmalert::prelude::*;

/// How many steps the window has unless `step` is given.
const STEPS: i64 = 40;

/// The most steps of the window.
const STEPS_MAX: i64 = 1_000;

/// The shortest step unless `step` is given, in ms.
const STEP_MS_MIN: i64 = 1_000;

/// What to look at, what it is not to reach, and how soon is too soon.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(crate) expr: String,
    limit: f64,
    direction: Direction,
    window: Span,
    within: Span,
    step: Option<Span>,
    min_points: Option<usize>,
    #[serde(default = "half")]
    min_fit: f64,
}

/// From where a limit is reached.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Rising,
    Falling,
}

fn half() -> f64 {
    0.5
}

/// What may be asked, and what is too soon.
pub(crate) struct Plan {
    pub(crate) step: Span,
    /// A whole number of steps.
    pub(crate) window: Span,
    /// The longest time in ms since a series' newest point.
    pub(crate) gap_ms: i64,
    /// In seconds.
    pub(crate) within: f64,
    pub(crate) min_points: usize,
    pub(crate) min_fit: f64,
    limit: f64,
    direction: Direction,
}

impl Plan {
    /// What is left until the limit: at most 0 when a value is there or beyond.
    pub(crate) fn left(&self, value: f64) -> f64 {
        match self.direction {
            Direction::Rising => self.limit - value,
            Direction::Falling => value - self.limit,
        }
    }

    /// How the value changes while what is left does so.
    pub(crate) fn change(&self, of_left: f64) -> f64 {
        match self.direction {
            Direction::Rising => -of_left,
            Direction::Falling => of_left,
        }
    }
}

impl Config {
    /// The plan, once everything is seen to hold together.
    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        let window_ms = self.window.ms();
        if window_ms <= 0 {
            return Err(Error::config("window: has to be longer than 0"));
        }
        if self.within.ms() <= 0 {
            return Err(Error::config("within: has to be longer than 0"));
        }
        let step_ms = self.step.map_or((window_ms / STEPS).max(STEP_MS_MIN), Span::ms);
        let Some(steps) = steps(window_ms, step_ms) else {
            let message = format!(
                "step: the window, {}, has to have 1 to {STEPS_MAX} steps",
                self.window
            );
            return Err(Error::config(message));
        };
        let points_max = steps as usize + 1;
        let min_points = self.min_points.unwrap_or(points_max / 2).max(2);
        if self
            .min_points
            .is_some_and(|points| points < 2 || points > points_max)
        {
            let message = format!("min_points: between 2 and {points_max}, the points there can be");
            return Err(Error::config(message));
        }
        if !(0.0..=1.0).contains(&self.min_fit) {
            return Err(Error::config("min_fit: between 0 and 1"));
        }
        Ok(Plan {
            step: Span::from_ms(step_ms),
            window: Span::from_ms(steps * step_ms),
            gap_ms: (steps / 10).max(2) * step_ms,
            within: self.within.ms() as f64 / 1_000.0,
            min_points,
            min_fit: self.min_fit,
            limit: self.limit,
            direction: self.direction,
        })
    }
}

/// How many steps a span has, the last one begun counts; none when there are
/// too many or too few.
fn steps(span_ms: i64, step_ms: i64) -> Option<i64> {
    if step_ms <= 0 || step_ms > span_ms {
        return None;
    }
    let steps = (span_ms - 1) / step_ms + 1;
    (steps <= STEPS_MAX).then_some(steps)
}
