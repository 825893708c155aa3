//! Fires for groups of series whose largest value is far above their smallest.

use std::collections::BTreeMap;

use wasmalert::prelude::*;

/// Where the number of groups of the last evaluation is kept.
const GROUPS: &str = "groups";

pub struct Spread;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is compared.
    expr: String,
    /// The labels that make a group.
    by: Vec<String>,
    /// How many times the smallest value the largest may be.
    factor: f64,
}

/// What is known of the values of a group.
struct Group {
    smallest: f64,
    largest: f64,
    series: u32,
}

impl Rule for Spread {
    type Config = Config;

    fn describe() -> Description {
        Description::new("spread", "Fires for groups whose largest value is far above their smallest.")
            .config_schema(
                r#"{"type":"object","required":["expr","by","factor"],"additionalProperties":false,"properties":{"expr":{"type":"string"},"by":{"type":"array","items":{"type":"string"}},"factor":{"type":"number"}}}"#,
            )
    }

    fn evaluate(_: &Context, config: Config) -> Result<Outcome, Error> {
        let frame = query(&*config.expr)?;
        let columns: Vec<LabelColumn> = config.by.iter().map(|name| frame.label(name)).collect();
        let mut groups: BTreeMap<Vec<&str>, Group> = BTreeMap::new();
        for (series, value) in frame.values().into_iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            let key = columns.iter().map(|column| column.get(series)).collect();
            let group = groups.entry(key).or_insert(Group {
                smallest: value,
                largest: value,
                series: 0,
            });
            group.smallest = group.smallest.min(value);
            group.largest = group.largest.max(value);
            group.series += 1;
        }
        remember(groups.len());
        let mut outcome = Outcome::new();
        for (key, group) in &groups {
            let uneven = group.largest > config.factor * group.smallest;
            if group.series < 2 || group.smallest <= 0.0 || !uneven {
                continue;
            }
            let finding = outcome.find(Finding::new());
            for (name, value) in config.by.iter().zip(key) {
                finding.label(name, value);
            }
            finding.value(group.largest / group.smallest).annotation("series", group.series);
        }
        Ok(outcome)
    }
}

wasmalert::rule!(Spread);

/// Keeps how many groups there are, and tells when some are gone.
fn remember(groups: usize) {
    let before = state::get(GROUPS).and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
    if before.is_some_and(|before| groups < before) {
        log::warn(format!("{groups} groups, {} before", before.unwrap_or_default()));
    }
    state::set(GROUPS, groups.to_string().as_bytes());
    metrics::gauge("spread_groups", &[], groups as f64);
}
