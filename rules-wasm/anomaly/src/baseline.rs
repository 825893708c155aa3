//! What is usual: the middle of the past, and how far from it the past was.

use crate::config::{Config, Direction};

/// Makes a median distance of normally distributed values their standard
/// deviation.
const NORMAL: f64 = 1.4826;

/// The past of one series.
#[derive(Default)]
pub(crate) struct Past {
    pub(crate) values: Vec<f64>,
    /// In how many seasons there are any.
    pub(crate) seasons: i64,
}

impl Past {
    /// Takes note of a season's values. NaN and the infinities are none.
    pub(crate) fn add(&mut self, values: &[f64]) {
        let before = self.values.len();
        self.values
            .extend(values.iter().filter(|value| value.is_finite()));
        self.seasons += i64::from(self.values.len() > before);
    }

    /// What is usual after this past; none when it is too short.
    pub(crate) fn usual(mut self, config: &Config) -> Option<Usual> {
        if self.seasons < config.min_seasons() {
            return None;
        }
        let median = robust::median(&mut self.values)?;
        for value in &mut self.values {
            *value = (*value - median).abs();
        }
        let deviation = NORMAL * robust::median(&mut self.values)?;
        let give = (config.sensitivity * deviation)
            .max(config.min_deviation)
            .max(config.min_deviation_ratio * median.abs());
        Some(Usual { median, give })
    }
}

/// The median, give or take.
pub(crate) struct Usual {
    pub(crate) median: f64,
    give: f64,
}

impl Usual {
    /// Whether a value is not usual. NaN is nothing.
    pub(crate) fn is_left_by(&self, value: f64, direction: Direction) -> bool {
        let above = direction != Direction::Below && value > self.high();
        let below = direction != Direction::Above && value < self.low();
        above || below
    }

    pub(crate) fn low(&self) -> f64 {
        self.median - self.give
    }

    pub(crate) fn high(&self) -> f64 {
        self.median + self.give
    }
}
