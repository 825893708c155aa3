//! The rule `prometheus`: each series of an expression's result is an alert, or
//! a sample to record.

mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmalert::Series;
use wasmalert::prelude::*;

use template::{Data, Expander, Template};

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

    fn evaluate(context: &Context, config: Config) -> Result<Outcome, Error> {
        match &config.record {
            None => fire(context, &config),
            Some(name) => record(name, &config),
        }
    }
}

wasmalert::rule!(Prometheus);

/// Any sample fires, whatever its value.
fn fire(context: &Context, config: &Config) -> Result<Outcome, Error> {
    let frame = query(&config.expr)?;
    let labels = all_of(&config.labels, of_kind(context, "label:"));
    let annotations = all_of(&config.annotations, of_kind(context, "annotation:"));
    let mut outcome = Outcome::new();
    if !labels
        .iter()
        .chain(&annotations)
        .any(|(_, text)| is_template(text))
    {
        let (labels, annotations) = (list(&config.labels), list(&config.annotations));
        let finding = |series: Series<'_>| Finding {
            labels: labels.clone(),
            annotations: annotations.clone(),
            ..series.into()
        };
        outcome.findings = frame.series().map(finding).collect();
        return Ok(outcome);
    }
    let expander = expander(context);
    let (labels, annotations) = (read(&expander, &labels), read(&expander, &annotations));
    let names = frame.labels_of(&(0..frame.len() as u32).collect::<Vec<_>>());
    let expand = |texts: &[(&str, Text<'_>)], data: &Data| -> Vec<Label> {
        let label = |(name, text): &(&str, Text<'_>)| Label::new(*name, text.expand(&expander, data));
        texts.iter().map(label).collect()
    };
    let findings = frame.series().zip(&names).map(|(series, names)| {
        let names = names.iter().map(|label| (&*label.name, &*label.value));
        let data = expander.data(names, series.value);
        Finding {
            labels: expand(&labels, &data),
            annotations: expand(&annotations, &data),
            ..series.into()
        }
    });
    outcome.findings = findings.collect();
    Ok(outcome)
}

fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// The text of a label or an annotation.
enum Text<'t> {
    Plain(&'t str),
    Template(Box<Template>),
    /// What Prometheus puts in the place of a template that cannot be read.
    Broken(String),
}

impl Text<'_> {
    fn expand(&self, expander: &Expander, data: &Data) -> String {
        match self {
            Self::Plain(text) => (*text).to_owned(),
            Self::Broken(text) => text.clone(),
            Self::Template(template) => expander.expand(template, data),
        }
    }
}

/// What the host hands over of a kind, by name.
fn of_kind<'c>(context: &'c Context, kind: &'c str) -> impl Iterator<Item = (&'c str, &'c str)> {
    let named = move |extra: &'c Label| Some((extra.name.strip_prefix(kind)?, &*extra.value));
    context.extras.iter().filter_map(named)
}

/// The texts of the configuration, and the templates that the host hands over.
fn all_of<'t>(
    own: &'t BTreeMap<String, String>,
    handed: impl Iterator<Item = (&'t str, &'t str)>,
) -> Vec<(&'t str, &'t str)> {
    let own = own.iter().map(|(name, text)| (&**name, &**text));
    own.chain(handed).collect()
}

fn read<'t>(expander: &Expander, texts: &[(&'t str, &'t str)]) -> Vec<(&'t str, Text<'t>)> {
    let read = |text: &'t str| match is_template(text) {
        false => Text::Plain(text),
        true => match expander.parse(text) {
            Ok(template) => Text::Template(Box::new(template)),
            Err(instead) => Text::Broken(instead),
        },
    };
    texts.iter().map(|(name, text)| (*name, read(text))).collect()
}

fn expander(context: &Context) -> Expander {
    let external_url = of_kind(context, "external-url").map(|(_, url)| url).next();
    let now_ms = context.now_ms;
    let ask = move |expr: &str| {
        let frame = Query::new(expr).at(now_ms).may_fail().run();
        let frame = frame.map_err(|error| error.message)?;
        let names = frame.labels_of(&(0..frame.len() as u32).collect::<Vec<_>>());
        let names = names.into_iter().map(|labels| {
            let pairs = labels.0.into_iter().map(|label| (label.name, label.value));
            pairs.collect()
        });
        Ok(names.zip(frame.values().iter().copied()).collect())
    };
    Expander::new(
        alert_name(context),
        now_ms,
        external_url.unwrap_or_default(),
        of_kind(context, "external-label:"),
        Arc::new(ask),
    )
}

/// The rule's name, as alerts have it.
fn alert_name(context: &Context) -> &str {
    let found = context.labels.iter().find(|label| label.name == "alertname");
    found.map_or(&*context.rule, |label| &*label.value)
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
