//! What is configured.

use wasmalert::prelude::*;

/// How many steps `unchanged_for` has unless `step` is given.
const STEPS: i64 = 60;

/// The most steps of `unchanged_for`.
const STEPS_MAX: i64 = 1_000;

/// The shortest step unless `step` is given, in ms.
const STEP_MS_MIN: i64 = 1_000;

/// The most values at which a series may stand still.
const EXCEPT_MAX: usize = 100;

/// What to watch, and for how long it may stay as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(crate) expr: String,
    unchanged_for: Span,
    #[serde(default)]
    tolerance: f64,
    #[serde(default)]
    except: Vec<f64>,
    step: Option<Span>,
    min_samples: Option<i64>,
}

/// What a flat line is.
pub(crate) struct Flat {
    pub(crate) step_ms: i64,
    /// How many steps to look back: `unchanged_for` and the longest gap.
    pub(crate) steps: i64,
    pub(crate) unchanged_ms: i64,
    /// The longest gap without samples that means nothing.
    pub(crate) gap_ms: i64,
    pub(crate) min_samples: i64,
    tolerance: f64,
    except: Vec<f64>,
}

impl Flat {
    /// Whether values from the lowest to the highest are one.
    pub(crate) fn is_one(&self, low: f64, high: f64) -> bool {
        low == high || high - low <= self.tolerance
    }

    pub(crate) fn is_excepted(&self, value: f64) -> bool {
        let near = |except: &f64| self.is_one(value.min(*except), value.max(*except));
        self.except.iter().any(near)
    }
}

impl Config {
    /// What a flat line is, once everything is seen to hold together.
    pub(crate) fn flat(self) -> Result<Flat, Error> {
        let unchanged_ms = self.unchanged_for.ms();
        if unchanged_ms <= 0 {
            return Err(Error::config("unchanged_for: has to be longer than 0"));
        }
        let step_ms = self
            .step
            .map_or((unchanged_ms / STEPS).max(STEP_MS_MIN), Span::ms);
        let Some(steps) = steps(unchanged_ms, step_ms) else {
            let message = format!(
                "step: unchanged_for, {}, has to have 1 to {STEPS_MAX} steps",
                self.unchanged_for
            );
            return Err(Error::config(message));
        };
        let min_samples = self.min_samples.unwrap_or(steps / 2).max(2);
        if self
            .min_samples
            .is_some_and(|samples| samples < 2 || samples > steps + 1)
        {
            let message = format!(
                "min_samples: between 2 and {}, the samples there can be",
                steps + 1
            );
            return Err(Error::config(message));
        }
        if self.tolerance < 0.0 {
            return Err(Error::config("tolerance: has to be at least 0"));
        }
        if self.except.len() > EXCEPT_MAX {
            return Err(Error::config(format!("except: more than {EXCEPT_MAX} values")));
        }
        let gap_steps = (steps / 10).max(2);
        Ok(Flat {
            step_ms,
            steps: steps + gap_steps,
            unchanged_ms,
            gap_ms: gap_steps * step_ms,
            min_samples,
            tolerance: self.tolerance,
            except: self.except,
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
