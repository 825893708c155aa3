//! What is configured.

use wasmalert::prelude::*;

/// The most evaluations a window looks back at.
const WINDOW_MAX: u32 = 32;

/// What to ask, and when to fire and resolve.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(crate) expr: String,
    fire_above: Option<f64>,
    resolve_below: Option<f64>,
    fire_below: Option<f64>,
    resolve_above: Option<f64>,
    #[serde(default)]
    pub(crate) fire_for: Window,
    #[serde(default)]
    pub(crate) resolve_for: Window,
}

/// N of M: `at_least` of the last `of` evaluations.
#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    pub(crate) of: u32,
    pub(crate) at_least: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self { of: 1, at_least: 1 }
    }
}

impl Window {
    /// The last `of` evaluations as bits, the newest lowest, after one more.
    pub(crate) fn shift(self, recent: u32, beyond: bool) -> u32 {
        let mask = u32::MAX >> (WINDOW_MAX - self.of);
        (recent << 1 | u32::from(beyond)) & mask
    }

    pub(crate) fn reached(self, recent: u32) -> bool {
        recent.count_ones() >= self.at_least
    }

    fn check(self, name: &str) -> Result<(), Error> {
        if self.at_least == 0 || self.at_least > self.of || self.of > WINDOW_MAX {
            let message = format!("{name}: 1 <= at_least <= of <= {WINDOW_MAX} does not hold");
            return Err(Error::config(message));
        }
        Ok(())
    }
}

/// Both thresholds. NaN is beyond none.
pub(crate) struct Thresholds {
    fire: f64,
    resolve: f64,
    above: bool,
}

impl Thresholds {
    pub(crate) fn fires(&self, value: f64) -> bool {
        if self.above {
            value > self.fire
        } else {
            value < self.fire
        }
    }

    pub(crate) fn resolves(&self, value: f64) -> bool {
        if self.above {
            value < self.resolve
        } else {
            value > self.resolve
        }
    }
}

impl Config {
    /// The thresholds, once everything is seen to hold together.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, Error> {
        self.fire_for.check("fire_for")?;
        self.resolve_for.check("resolve_for")?;
        let (fire, resolve, above) = match (
            self.fire_above,
            self.resolve_below,
            self.fire_below,
            self.resolve_above,
        ) {
            (Some(fire), Some(resolve), None, None) => (fire, resolve, true),
            (None, None, Some(fire), Some(resolve)) => (fire, resolve, false),
            _ => {
                let message = "give either fire_above and resolve_below, or fire_below and resolve_above";
                return Err(Error::config(message));
            }
        };
        if (above && resolve > fire) || (!above && resolve < fire) {
            return Err(Error::config(
                "the thresholds overlap: a value could fire and resolve at once",
            ));
        }
        Ok(Thresholds { fire, resolve, above })
    }
}
