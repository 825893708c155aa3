//! Groups and their rules, in both forms.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use wasmalert_core::label::METRIC_NAME;
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::spec::{GroupSpec, NoData, OverLimit, Quorum, Resend, RuleOptions, RuleSpec};
use wasmalert_promql::Query;

use super::{INTERVAL_MS_DEFAULT, MODULE_DEFAULT};
use crate::fields::{Fields, Text, scalar};
use crate::problem::Problems;
use crate::template;
use crate::yaml::Node;

/// Stock modules whose entry `expr` is PromQL.
const PROMQL_MODULES: [&str; 3] = ["prometheus", "hysteresis", "deadman"];

/// A group with where each of its rules begins.
type Read = (GroupSpec, Vec<u64>);

/// A group of a rule file of Prometheus, its name taken out before.
pub(super) fn prometheus(mut fields: Fields<'_>, problems: &mut Problems) -> Read {
    refuse_federation(&mut fields, problems);
    let (mut spec, lines) = read(fields, problems, prometheus_rule);
    if spec.interval_ms == 0 {
        // As none.
        spec.interval_ms = INTERVAL_MS_DEFAULT;
    }
    (spec, lines)
}

/// The `spec` of a group document.
pub(super) fn wasmalert(mut fields: Fields<'_>, problems: &mut Problems) -> Read {
    let restores = fields.parsed("restore_for_state", problems, |text| text.parse::<bool>());
    let (mut spec, lines) = read(fields, problems, wasmalert_rule);
    spec.restore_for_state = restores.unwrap_or(false);
    (spec, lines)
}

fn read(
    mut fields: Fields<'_>,
    problems: &mut Problems,
    mut rule: impl FnMut(&mut Fields<'_>, &mut Problems) -> RuleSpec,
) -> Read {
    let mut spec = GroupSpec {
        interval_ms: fields
            .duration("interval", problems)
            .unwrap_or(INTERVAL_MS_DEFAULT),
        query_offset_ms: fields.duration("query_offset", problems).unwrap_or(0),
        limit: fields
            .parsed("limit", problems, |text| whole("limit", text))
            .unwrap_or(0)
            .max(0)
            .unsigned_abs(),
        labels: fields.texts("labels", problems),
        restore_for_state: false,
        rules: Vec::new(),
    };
    let mut lines = Vec::new();
    for (at, node) in fields.list("rules", problems).iter().enumerate() {
        let Some(mut of_rule) = Fields::of(node, fields.at(format_args!("rules[{at}]")), problems) else {
            continue;
        };
        spec.rules.push(Arc::new(rule(&mut of_rule, problems)));
        lines.push(node.line);
        of_rule.finish(problems);
    }
    fields.finish(problems);
    (spec, lines)
}

/// Tells what the core finds wrong with a group, at the line of the rule it is about.
pub(super) fn validate(path: &str, line: u64, rule_lines: &[u64], spec: &GroupSpec, problems: &mut Problems) {
    for error in spec.validate() {
        // A name that is missing was told of.
        if error.path.ends_with(".name") && error.message == "is empty" {
            continue;
        }
        let of_rule = error
            .path
            .strip_prefix("rules[")
            .and_then(|rest| rest.split_once(']'));
        let at = of_rule.and_then(|(at, _)| at.parse::<usize>().ok());
        let line = at.and_then(|at| rule_lines.get(at)).copied().unwrap_or(line);
        problems.add(line, format_args!("{path}.{error}"));
    }
}

fn whole(name: &str, text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a whole number for `{name}`"))
}

/// An expression that is PromQL.
fn expr(fields: &Fields<'_>, name: &str, expr: &Text, problems: &mut Problems) {
    if let Err(error) = Query::parse(&expr.text, &wasmalert_promql::Limits::default()) {
        problems.add(expr.line, format_args!("{}: {error}", fields.at(name)));
    }
}

/// What Mimir's groups have beside Prometheus': no rule asks for the data of other tenants here.
fn refuse_federation(fields: &mut Fields<'_>, problems: &mut Problems) {
    let tenants = fields.text_list("source_tenants", problems);
    if let Some(first) = tenants.first() {
        let message = format!(
            "{}: rules over several tenants are not there",
            fields.at("source_tenants")
        );
        problems.add(first.line, message);
    }
    // Every group is evaluated at multiples of its interval, moved by an offset of its own.
    fields.take("align_evaluation_time_on_interval");
}

fn prometheus_rule(fields: &mut Fields<'_>, problems: &mut Problems) -> RuleSpec {
    let alert = fields.text("alert", problems);
    let record = fields.text("record", problems);
    if alert.is_some() == record.is_some() {
        let message = format!("{}: give exactly one of alert and record", fields.path);
        problems.add(fields.line, message);
    }
    let text = fields.required("expr", problems);
    if let Some(text) = &text {
        expr(fields, "expr", text, problems);
    }
    let mut config = Map::new();
    config.insert(
        "expr".into(),
        text.map(|text| text.text).unwrap_or_default().into(),
    );
    let mut spec = RuleSpec {
        module: MODULE_DEFAULT.into(),
        ..RuleSpec::default()
    };
    spec.labels = fields.texts_that("labels", problems, template::check);
    if let Some(record) = record {
        if spec.labels.contains_key(METRIC_NAME) {
            let message = format!("{}: `record` is the name", fields.at("labels.__name__"));
            problems.add(fields.line, message);
        }
        config.insert("record".into(), record.text.as_str().into());
        spec.name = record.text;
        refuse(fields, &["for", "keep_firing_for", "annotations"], problems);
    } else {
        if let Some(empty) = alert.as_ref().filter(|alert| alert.text.is_empty()) {
            problems.add(empty.line, format_args!("{}: is empty", fields.at("alert")));
        }
        spec.name = alert.map(|alert| alert.text).unwrap_or_default();
        spec.for_ms = fields.duration("for", problems).unwrap_or(0);
        spec.keep_firing_for_ms = fields.duration("keep_firing_for", problems).unwrap_or(0);
        spec.annotations = fields.texts_that("annotations", problems, template::check);
    }
    spec.config = Value::Object(config).to_string().into();
    spec
}

fn refuse(fields: &mut Fields<'_>, names: &[&str], problems: &mut Problems) {
    for name in names {
        if let Some(node) = fields.take(name) {
            let message = format!("{}: a recording rule has none", fields.at(name));
            problems.add(node.line, message);
        }
    }
}

fn wasmalert_rule(fields: &mut Fields<'_>, problems: &mut Problems) -> RuleSpec {
    let named = if fields.has("name") { "name" } else { "alert" };
    let name = fields
        .required(named, problems)
        .map(|name| name.text)
        .unwrap_or_default();
    let module = fields
        .text("module", problems)
        .map_or_else(|| MODULE_DEFAULT.to_owned(), |text| text.text);
    RuleSpec {
        name,
        version: fields.parsed("version", problems, |text| text.parse::<u32>()),
        digest: fields.text("digest", problems).map(|digest| digest.text),
        config: config(fields, &module, problems).to_string().into(),
        module,
        for_ms: fields.duration("for", problems).unwrap_or(0),
        keep_firing_for_ms: fields.duration("keep_firing_for", problems).unwrap_or(0),
        labels: fields.texts("labels", problems),
        annotations: fields.texts("annotations", problems),
        source: fields.text("source", problems).map(|source| source.text),
        receivers: texts(fields.text_list("receivers", problems)),
        limits: limits(fields, problems),
        options: options(fields, problems),
    }
}

/// What a rule does where Prometheus' have no choice.
fn options(fields: &mut Fields<'_>, problems: &mut Problems) -> RuleOptions {
    let over_limit = fields.parsed("over_limit", problems, str::parse::<OverLimit>);
    let no_data = fields.parsed("no_data", problems, str::parse::<NoData>);
    let resend = fields.parsed("resend", problems, str::parse::<Resend>);
    let alert_after_errors = fields.parsed("alert_after_errors", problems, |text| text.parse::<u32>());
    let path = fields.at("quorum");
    let quorum = fields
        .take("quorum")
        .and_then(|node| Fields::of(node, path, problems));
    let quorum = quorum.and_then(|mut quorum| {
        let number = |text: &str| text.parse::<u32>();
        let at_least = quorum.parsed("at_least", problems, number);
        let of = quorum.parsed("of", problems, number);
        let line = quorum.line;
        let path = quorum.path.clone();
        quorum.finish(problems);
        match (at_least, of) {
            (Some(at_least), Some(of)) => Some(Quorum { at_least, of }),
            _ => {
                problems.add(line, format_args!("{path}: give at_least and of"));
                None
            }
        }
    });
    RuleOptions {
        over_limit: over_limit.unwrap_or_default(),
        no_data: no_data.unwrap_or_default(),
        alert_after_errors: alert_after_errors.unwrap_or(0),
        quorum: quorum.unwrap_or_default(),
        resend: resend.unwrap_or_default(),
    }
}

fn texts(texts: Vec<Text>) -> Vec<String> {
    texts.into_iter().map(|text| text.text).collect()
}

/// The configuration, with the rule's `expr` in it.
fn config(fields: &mut Fields<'_>, module: &str, problems: &mut Problems) -> Value {
    let node = fields.take("config");
    let mut given = node.map_or_else(|| json!({}), Node::to_json);
    let of_config = node.and_then(|node| Fields::of(node, fields.at("config"), problems));
    let is_promql = PROMQL_MODULES.contains(&module);
    if let Some(mut of_config) = of_config
        && is_promql
        && let Some(text) = of_config.take("expr").and_then(scalar)
    {
        expr(&of_config, "expr", &text, problems);
    }
    let Some(text) = fields.text("expr", problems) else {
        return given;
    };
    if is_promql {
        expr(fields, "expr", &text, problems);
    }
    if let Value::Object(config) = &mut given
        && config.insert("expr".into(), text.text.into()).is_some()
    {
        let message = format!("{}: is given here and in config; give it once", fields.at("expr"));
        problems.add(text.line, message);
    }
    given
}

fn limits(fields: &mut Fields<'_>, problems: &mut Problems) -> BTreeMap<Limit, u64> {
    let path = fields.at("limits");
    let mut limits = BTreeMap::new();
    let Some(mut fields) = fields
        .take("limits")
        .and_then(|node| Fields::of(node, path, problems))
    else {
        return limits;
    };
    let most = Limits::default();
    for (key, node) in fields.rest() {
        let mut wrong = |what: &dyn fmt::Display| {
            problems.add(key.line, format_args!("{}: {what}", fields.at(&key.name)));
        };
        let value = scalar(node).and_then(|text| text.text.parse::<u64>().ok());
        match (Limit::parse(&key.name), value) {
            (None, _) => wrong(&"no limit has this name"),
            (Some(Limit::StackBytes), _) => wrong(&"is set for the whole server"),
            (Some(limit), Some(value)) if value > 0 && value <= most.get(limit) => {
                limits.insert(limit, value);
            }
            (Some(limit), _) => wrong(&format_args!(
                "is not from 1 to {}, a server's default",
                most.get(limit)
            )),
        }
    }
    limits
}
