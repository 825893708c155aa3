//! What is configured.

use wasmalert::prelude::*;

/// The most seasons; each is one query.
const SEASONS_MAX: i64 = 30;

/// How many steps `window` has unless `step` is given.
const STEPS: i64 = 5;

/// The most steps of a season's samples, those before and those after.
const STEPS_MAX: i64 = 100;

/// The shortest step unless `step` is given, in ms.
const STEP_MS_MIN: i64 = 1_000;

/// What to look at, what to compare it with, and what is usual.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub(crate) expr: String,
    season: Season,
    seasons: i64,
    /// Before and after.
    window: Span,
    step: Option<Span>,
    #[serde(default = "four")]
    pub(crate) sensitivity: f64,
    #[serde(default)]
    pub(crate) direction: Direction,
    #[serde(default)]
    pub(crate) min_deviation: f64,
    #[serde(default = "tenth")]
    pub(crate) min_deviation_ratio: f64,
    min_seasons: Option<i64>,
}

/// What repeats itself.
#[derive(Deserialize, Clone, Copy)]
enum Season {
    #[serde(rename = "1d")]
    Day,
    #[serde(rename = "1w")]
    Week,
}

impl Season {
    fn span(self) -> Span {
        match self {
            Self::Day => Span::from_hours(24),
            Self::Week => Span::from_hours(7 * 24),
        }
    }
}

/// Which deviations fire.
#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Above,
    Below,
    #[default]
    Both,
}

fn four() -> f64 {
    4.0
}

fn tenth() -> f64 {
    0.1
}

impl Config {
    /// # Errors
    /// Something does not hold together.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=SEASONS_MAX).contains(&self.seasons) {
            return Err(Error::config(format!("seasons: between 1 and {SEASONS_MAX}")));
        }
        let season = self.season.span();
        if self.window.ms() <= 0 || self.window.ms() * 2 >= season.ms() {
            let message = format!(
                "window: longer than 0 and shorter than half a season, {season}; {} is not",
                self.window
            );
            return Err(Error::config(message));
        }
        if self.step_ms() <= 0 || self.step_ms() > self.window.ms() {
            let message = format!(
                "step: longer than 0 and no longer than the window, {}",
                self.window
            );
            return Err(Error::config(message));
        }
        if 2 * self.window.ms() / self.step_ms() > STEPS_MAX {
            let message = format!(
                "step: twice the window, {}, has more than {STEPS_MAX} steps",
                self.window
            );
            return Err(Error::config(message));
        }
        if !(1..=self.seasons).contains(&self.min_seasons()) {
            let message = format!("min_seasons: between 1 and seasons, {}", self.seasons);
            return Err(Error::config(message));
        }
        if self.sensitivity <= 0.0 {
            return Err(Error::config("sensitivity: has to be more than 0"));
        }
        if self.min_deviation < 0.0 || self.min_deviation_ratio < 0.0 {
            return Err(Error::config("min_deviation and min_deviation_ratio: at least 0"));
        }
        Ok(())
    }

    /// The samples around this time in each past season, the latest first.
    pub(crate) fn past(&self, now_ms: i64) -> Vec<RangeQuery> {
        let step = Span::from_ms(self.step_ms());
        // Whole steps, so that one is at the same time exactly.
        let around_ms = self.window.ms() / step.ms() * step.ms();
        let season = |back: i64| {
            let then_ms = now_ms - back * self.season.span().ms();
            RangeQuery::new(&self.expr, then_ms - around_ms, then_ms + around_ms, step)
        };
        (1..=self.seasons).map(season).collect()
    }

    pub(crate) fn min_seasons(&self) -> i64 {
        self.min_seasons.unwrap_or((self.seasons + 1) / 2)
    }

    fn step_ms(&self) -> i64 {
        let default = || (self.window.ms() / STEPS).max(STEP_MS_MIN);
        self.step.map_or_else(default, Span::ms)
    }
}
