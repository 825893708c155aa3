//! The rule `prometheus`: each series of an expression's result is an alert, or
//! a sample to record.

use std::collections::BTreeMap;

use wasmalert::prelude::*;

/// The component.
pub struct Prometheus;

/// What to ask, and what to do with the answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    expr: String,
    /// Records the series under this name instead of firing.
    record: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Rule for Prometheus {
    type Config = Config;

    fn describe() -> Description {
        Description::new("prometheus", include_str!("../README.md"))
            .config_schema(include_str!("../config.schema.json"))
    }

    fn evaluate(_: &Context, config: Config) -> Result<Outcome, Error> {
        match &config.record {
            None => fire(&config),
            Some(name) => record(name, &config),
        }
    }
}

wasmalert::rule!(Prometheus);

/// Any sample fires, whatever its value.
fn fire(config: &Config) -> Result<Outcome, Error> {
    let frame = query(&config.expr)?;
    let (labels, annotations) = (list(&config.labels), list(&config.annotations));
    let mut outcome = Outcome::new();
    outcome.findings = frame
        .series()
        .map(|series| Finding {
            labels: labels.clone(),
            annotations: annotations.clone(),
            ..series.into()
        })
        .collect();
    Ok(outcome)
}

fn record(name: &str, config: &Config) -> Result<Outcome, Error> {
    if name.is_empty() {
        return Err(Error::config("record: the name is empty"));
    }
    if !config.annotations.is_empty() {
        return Err(Error::config(
            "annotations: a recording rule has none; remove them, or remove `record`",
        ));
    }
    if config.labels.contains_key("__name__") {
        return Err(Error::config("labels: `record` is the name; remove `__name__`"));
    }
    let frame = query(&config.expr)?;
    let mut labels = list(&config.labels);
    labels.push(Label::new("__name__", name));
    let mut outcome = Outcome::new();
    outcome.samples = frame
        .series()
        .map(|series| RecordedSample {
            labels: labels.clone(),
            ..series.into()
        })
        .collect();
    Ok(outcome)
}

fn list(labels: &BTreeMap<String, String>) -> Vec<Label> {
    labels
        .iter()
        .map(|(name, value)| Label::new(name, value))
        .collect()
}
