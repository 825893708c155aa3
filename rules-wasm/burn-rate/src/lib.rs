//! The rule `burn-rate`: fires when the error budget of an objective burns too
//! fast, over a long window and a short one.
//!
//! The *budget* is the ratio of requests that may fail. A *burn rate* is the
//! ratio that fails over the one that may: at 1 the budget is spent exactly when
//! the objective's period ends. A *level* is one pair of windows.

mod budget;
mod burns;
mod config;

use std::collections::BTreeMap;

use wasmalert::prelude::*;

use budget::{Budget, about};
use burns::Burns;
pub use config::Config;
use config::{LEVEL_LABEL, Level, round};

/// The component.
pub struct BurnRate;

impl Rule for BurnRate {
    type Config = Config;

    fn describe() -> Description {
        Description::new("burn-rate", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn evaluate(_: &Context, config: Config) -> Result<Outcome, Error> {
        let objective = config.objective()?;
        let budget = Budget::new(&config, &objective);
        let windows = config.windows.iter().flat_map(|level| [level.long, level.short]);
        let queries: BTreeMap<Span, Query> =
            windows.map(|window| (window, objective.query(window))).collect();
        let all: Vec<Query> = queries.values().chain(budget.query()).cloned().collect();
        prefetch(&all, &[]);
        let mut burns = BTreeMap::new();
        for (window, query) in queries {
            burns.insert(window, Burns::new(query.run()?, &objective));
        }
        let mut outcome = Outcome::new();
        for level in &config.windows {
            find(
                level,
                &burns[&level.long],
                &burns[&level.short],
                &budget,
                &mut outcome,
            );
        }
        Ok(outcome)
    }
}

wasmalert::rule!(BurnRate);

/// Finds the series that burn too fast over both windows of a level.
fn find(level: &Level, long: &Burns, short: &Burns, budget: &Budget<'_>, outcome: &mut Outcome) {
    let over_long = long.faster(level.burn_rate);
    if over_long.is_empty() {
        return;
    }
    let over_short = short.by_key(level.burn_rate);
    let (window, text) = (level.long, about(level.long.ms()));
    let own = [(LEVEL_LABEL, &*window.to_string())].map(Label::from);
    let given = level.labels.iter().map(|(name, value)| Label::new(name, value));
    let labels: Vec<Label> = own.into_iter().chain(given).collect();
    for series in over_long {
        let Some(short_rate) = over_short.get(&series.key) else {
            continue;
        };
        let finding = outcome.find(series.series).value(series.rate);
        finding.labels = labels.clone();
        finding
            .annotation("burn_rate_long", round(series.rate))
            .annotation("burn_rate_short", round(*short_rate))
            .annotation("budget", budget.story((window, &text), series.rate, series.key));
    }
}
