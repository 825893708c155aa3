//! Functions of dates, all in UTC.

use super::argument_vector;
use crate::ast::Expr;
use crate::error::{Error, Position};
use crate::eval::{Evaluator, Steps, drop_names};
use crate::value::{Computed, Grid, Metric};
use wasmalert_core::Labels;

const DAY_S: i64 = 86_400;

/// Applies `f` to the samples as seconds, or to the time of each step.
pub(super) fn call(
    eval: &mut Evaluator<'_>,
    at: Position,
    arguments: &[Expr],
    steps: Steps,
    f: fn(i64) -> f64,
) -> Result<Computed, Error> {
    if arguments.is_empty() {
        let mut grid = Grid::new(steps.count);
        eval.meter.grow(steps.count)?;
        grid.values
            .extend(steps.times_ms().map(|time_ms| f(time_ms.div_euclid(1000))));
        grid.end_row(|| Metric::from(Labels::new()));
        return Ok(Computed::Vector(grid));
    }
    let mut grid = argument_vector(eval, at, arguments, steps)?;
    grid.filter_map(|_, value| Some(if value.is_nan() { value } else { f(value as i64) }));
    drop_names(&mut grid, at)?;
    Ok(Computed::Vector(grid))
}

/// A day of the proleptic Gregorian calendar; months and days count from 1.
struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// From seconds since the epoch, by Howard Hinnant's `civil_from_days`.
    fn of(seconds: i64) -> Self {
        let days = seconds.div_euclid(DAY_S) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
        }
    }

    fn is_leap_year(&self) -> bool {
        self.year.rem_euclid(4) == 0 && (self.year.rem_euclid(100) != 0 || self.year.rem_euclid(400) == 0)
    }

    fn days_in_month(&self, month: i64) -> i64 {
        match month {
            2 => 28 + i64::from(self.is_leap_year()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

pub(super) fn minute(seconds: i64) -> f64 {
    (seconds.rem_euclid(3_600) / 60) as f64
}

pub(super) fn hour(seconds: i64) -> f64 {
    (seconds.rem_euclid(DAY_S) / 3_600) as f64
}

/// Sunday is 0; the epoch was a Thursday.
pub(super) fn day_of_week(seconds: i64) -> f64 {
    (seconds.div_euclid(DAY_S) + 4).rem_euclid(7) as f64
}

pub(super) fn day_of_month(seconds: i64) -> f64 {
    Date::of(seconds).day as f64
}

pub(super) fn day_of_year(seconds: i64) -> f64 {
    let date = Date::of(seconds);
    let before: i64 = (1..date.month).map(|month| date.days_in_month(month)).sum();
    (before + date.day) as f64
}

pub(super) fn days_in_month(seconds: i64) -> f64 {
    let date = Date::of(seconds);
    date.days_in_month(date.month) as f64
}

pub(super) fn month(seconds: i64) -> f64 {
    Date::of(seconds).month as f64
}

pub(super) fn year(seconds: i64) -> f64 {
    Date::of(seconds).year as f64
}
