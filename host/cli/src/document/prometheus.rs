//! Rule files of Prometheus, and `PrometheusRule` resources: each of their groups is a document.

use serde_json::{Map, Value, json};
use wasmalert_core::spec::RuleSpec;
use wasmalert_core::units::format_duration_ms;
use wasmalert_offline::rules::{self, Group, MODULE_DEFAULT};

use super::files::Text;
use super::{Document, Wanted};

/// What rule files of Prometheus do not say, for all of their rules.
#[derive(Debug, Clone, Default)]
pub struct Unsaid {
    /// Instead of the file's name, or that of the resource.
    pub namespace: Option<String>,
    pub source: Option<String>,
    pub receivers: Vec<String>,
}

/// Whether an item of a file is one of Prometheus' rule files.
pub(super) fn is_rule_file(item: &Value) -> bool {
    let kind = item["kind"].as_str();
    let is_resource = |kind| kind == rules::RESOURCE || rules::LISTS.contains(&kind);
    item.get("groups").is_some() || kind.is_some_and(is_resource)
}

/// The groups of a text's rule files; everything that is wrong with them goes to `errors`.
pub(super) fn groups(text: &Text, unsaid: &Unsaid, errors: &mut Vec<String>) -> Vec<Document> {
    let (file, problems) = rules::read(&text.name, &text.folder, &text.content);
    errors.extend(problems.iter().map(ToString::to_string));
    let groups = file.groups.into_iter().filter(|group| group.is_of_prometheus);
    groups.map(|group| document(&group, unsaid)).collect()
}

fn document(group: &Group, unsaid: &Unsaid) -> Document {
    let namespace = unsaid.namespace.as_ref().unwrap_or(&group.namespace);
    let spec = &group.spec;
    let mut body = Map::new();
    body.insert("interval".into(), format_duration_ms(spec.interval_ms).into());
    if spec.query_offset_ms > 0 {
        body.insert(
            "query_offset".into(),
            format_duration_ms(spec.query_offset_ms).into(),
        );
    }
    if !spec.labels.is_empty() {
        body.insert("labels".into(), json!(spec.labels));
    }
    let rules: Vec<Value> = spec.rules.iter().map(|spec| rule(spec, unsaid)).collect();
    body.insert("rules".into(), rules.into());
    Document {
        place: format!("{}:{}", group.file, group.line),
        wanted: Wanted::Group {
            namespace: namespace.clone(),
            name: group.name.clone(),
            spec: body,
        },
        is_of_prometheus: true,
    }
}

fn rule(spec: &RuleSpec, unsaid: &Unsaid) -> Value {
    let mut config: Map<String, Value> = serde_json::from_str(&spec.config).unwrap_or_default();
    let mut rule = json!({"alert": spec.name, "expr": config.remove("expr")});
    if spec.module != MODULE_DEFAULT {
        rule["module"] = json!(spec.module);
    }
    for (name, ms) in [("for", spec.for_ms), ("keep_firing_for", spec.keep_firing_for_ms)] {
        if ms > 0 {
            rule[name] = format_duration_ms(ms).into();
        }
    }
    let limits = spec
        .limits
        .iter()
        .map(|(limit, value)| (limit.name().to_owned(), json!(value)));
    for (name, value) in [
        ("config", Value::Object(config)),
        ("labels", json!(spec.labels)),
        ("annotations", json!(spec.annotations)),
        ("limits", Value::Object(limits.collect())),
    ] {
        if value.as_object().is_some_and(|fields| !fields.is_empty()) {
            rule[name] = value;
        }
    }
    if let Some(source) = &unsaid.source {
        rule["source"] = json!(source);
    }
    if !unsaid.receivers.is_empty() {
        rule["receivers"] = json!(unsaid.receivers);
    }
    rule
}
