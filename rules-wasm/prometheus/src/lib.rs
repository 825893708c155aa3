//! The rule `prometheus`: each series of an expression's result is an alert, or
//! a sample to record.

mod asked;
mod held;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmalert::Series;
use wasmalert::prelude::*;

use asked::Asked;
use template::{Data, Expander, Template};

/// The component.
pub struct Prometheus;

/// What to ask, and what to do with the answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    expr: String,
    /// What was found goes on until this finds a series with the same labels.
    resolve_when: Option<String>,
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

/// The labels of each series.
fn labels(frame: &Frame) -> Vec<Labels> {
    frame.labels_of(&(0..frame.len() as u32).collect::<Vec<_>>())
}

/// Any sample fires, whatever its value.
fn fire(context: &Context, config: &Config) -> Result<Outcome, Error> {
    let (frame, held) = match &config.resolve_when {
        None => (query(&config.expr)?, Vec::new()),
        Some(resolve_when) => {
            let [found, ends] = query_all([&config.expr, resolve_when])?;
            let held = held::go_on([&config.expr, resolve_when], &found, &ends)?;
            (found, held)
        }
    };
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
        let found = frame.series().map(finding);
        let held = held
            .into_iter()
            .map(|held| held.finding(labels.clone(), annotations.clone()));
        outcome.findings = found.chain(held).collect();
        return Ok(outcome);
    }
    let asked = Arc::new(Asked::default());
    let expander = expander(context, &asked);
    let (labels, annotations) = (read(&expander, &labels), read(&expander, &annotations));
    let names = self::labels(&frame);
    let expand = |texts: &[(&str, Text<'_>)], data: &Data| -> Vec<Label> {
        let label = |(name, text): &(&str, Text<'_>)| Label::new(*name, text.expand(&expander, data));
        texts.iter().map(label).collect()
    };
    let of_found = names.iter().zip(frame.values()).map(|(names, value)| {
        let names = names.iter().map(|label| (&*label.name, &*label.value));
        expander.data(names, value)
    });
    let of_held = held.iter().map(|held| {
        let names = held.labels.iter().map(|(name, value)| (&**name, &**value));
        expander.data(names, held.value())
    });
    let all: Vec<Data> = of_found.chain(of_held).collect();
    let mut expanded: Vec<Option<(Vec<Label>, Vec<Label>)>> = all.iter().map(|_| None).collect();
    loop {
        for (data, done) in all.iter().zip(&mut expanded) {
            if done.is_some() {
                continue;
            }
            let texts = (expand(&labels, data), expand(&annotations, data));
            if !asked.lacked() {
                *done = Some(texts);
            }
        }
        if !asked.fetch(context.now_ms) {
            break;
        }
    }
    let mut texts = expanded.into_iter().map(Option::unwrap_or_default);
    for (series, (labels, annotations)) in frame.series().zip(&mut texts) {
        outcome.findings.push(Finding {
            labels,
            annotations,
            ..series.into()
        });
    }
    let held = held.into_iter().zip(texts);
    outcome
        .findings
        .extend(held.map(|(held, (labels, annotations))| held.finding(labels, annotations)));
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

fn expander(context: &Context, asked: &Arc<Asked>) -> Expander {
    let external_url = of_kind(context, "external-url").map(|(_, url)| url).next();
    let (now_ms, asked) = (context.now_ms, Arc::clone(asked));
    let ask = move |expr: &str| asked.ask(expr, now_ms);
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
    if config.resolve_when.is_some() {
        return Err(Error::config(
            "resolve_when: a recording rule has none; remove it, or remove `record`",
        ));
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
