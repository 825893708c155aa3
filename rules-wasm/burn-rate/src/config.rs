//! What is configured.

use std::collections::BTreeMap;

use wasmalert::prelude::*;

/// What stands for the length of a window in an expression.
const PLACEHOLDER: &str = "$window";

/// The most levels; each asks two windows.
const LEVELS_MAX: usize = 8;

/// The label that tells the levels of a series apart.
pub(crate) const LEVEL_LABEL: &str = "long_window";

/// The objective, where its errors are counted, and how fast is too fast.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// In percent.
    objective: f64,
    errors: Option<String>,
    total: Option<String>,
    error_ratio: Option<String>,
    #[serde(default = "levels")]
    pub(crate) windows: Vec<Level>,
    #[serde(default = "month")]
    pub(crate) period: Span,
    /// Whether to ask for the errors of the whole period too.
    #[serde(default)]
    pub(crate) budget_left: bool,
}

/// How fast is too fast, over both windows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Level {
    pub(crate) long: Span,
    pub(crate) short: Span,
    pub(crate) burn_rate: f64,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

/// The levels of the SRE workbook.
fn levels() -> Vec<Level> {
    let level = |long, short, burn_rate, severity: &str| Level {
        long,
        short,
        burn_rate,
        labels: BTreeMap::from([("severity".to_owned(), severity.to_owned())]),
    };
    vec![
        level(Span::from_hours(1), Span::from_mins(5), 14.4, "page"),
        level(Span::from_hours(6), Span::from_mins(30), 6.0, "page"),
        level(Span::from_hours(24), Span::from_hours(2), 3.0, "ticket"),
        level(Span::from_hours(72), Span::from_hours(6), 1.0, "ticket"),
    ]
}

fn month() -> Span {
    Span::from_hours(30 * 24)
}

/// What may fail, and how what fails is asked for.
pub(crate) struct Objective {
    /// The ratio of requests that may fail.
    budget: f64,
    error_ratio: String,
}

impl Objective {
    pub(crate) fn query(&self, window: Span) -> Query {
        Query::new(self.error_ratio.replace(PLACEHOLDER, &window.to_string()))
    }

    pub(crate) fn burn_rate(&self, error_ratio: f64) -> f64 {
        error_ratio / self.budget
    }
}

impl Config {
    /// The objective, once everything is seen to hold together.
    pub(crate) fn objective(&self) -> Result<Objective, Error> {
        if !(self.objective > 0.0 && self.objective < 100.0) {
            let message = format!(
                "objective: {} is not between 0 and 100; it is a percentage such as 99.9",
                self.objective
            );
            return Err(Error::config(message));
        }
        if self.period.ms() <= 0 {
            return Err(Error::config("period: has to be longer than 0"));
        }
        let objective = Objective {
            budget: (100.0 - self.objective) / 100.0,
            error_ratio: self.error_ratio()?,
        };
        self.check_levels(objective.budget)?;
        Ok(objective)
    }

    fn error_ratio(&self) -> Result<String, Error> {
        match (&self.errors, &self.total, &self.error_ratio) {
            (Some(errors), Some(total), None) => {
                check_expr("errors", errors)?;
                check_expr("total", total)?;
                Ok(format!("({errors}) / ({total})"))
            }
            (None, None, Some(error_ratio)) => {
                check_expr("error_ratio", error_ratio)?;
                Ok(error_ratio.clone())
            }
            _ => Err(Error::config("give either errors and total, or error_ratio")),
        }
    }

    fn check_levels(&self, budget: f64) -> Result<(), Error> {
        if self.windows.is_empty() || self.windows.len() > LEVELS_MAX {
            let message = format!("windows: give 1 to {LEVELS_MAX}, or leave them out for the defaults");
            return Err(Error::config(message));
        }
        for (at, level) in self.windows.iter().enumerate() {
            let wrong = |what: String| Err(Error::config(format!("windows[{at}]: {what}")));
            if level.short.ms() <= 0 || level.short >= level.long {
                return wrong(format!(
                    "short is {}; it has to be longer than 0 and shorter than long, {}",
                    level.short, level.long
                ));
            }
            if !(level.burn_rate > 0.0 && level.burn_rate * budget < 1.0) {
                return wrong(format!(
                    "with objective {} the burn rate is between 0 and {}; {} is never exceeded, give others in `windows`",
                    self.objective,
                    round(1.0 / budget),
                    level.burn_rate
                ));
            }
            if level.labels.contains_key(LEVEL_LABEL) {
                return wrong(format!("the label {LEVEL_LABEL} is the rule's own; remove it"));
            }
            let same = |other: &Level| other.long == level.long && other.labels == level.labels;
            if let Some(first) = self.windows[..at].iter().position(same) {
                return wrong(format!(
                    "long and labels are those of windows[{first}]; one of them has to differ"
                ));
            }
        }
        Ok(())
    }
}

fn check_expr(name: &str, expr: &str) -> Result<(), Error> {
    if !expr.contains(PLACEHOLDER) {
        let message = format!(
            "{name}: has no {PLACEHOLDER}; write it in place of the range, as in rate(x[{PLACEHOLDER}])"
        );
        return Err(Error::config(message));
    }
    Ok(())
}

/// Two decimals are enough for people.
pub(crate) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
