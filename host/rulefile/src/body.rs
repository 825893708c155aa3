//! Groups of rule files as the API takes them.

use serde_json::{Map, Value, json};
use wasmalert_core::spec::RuleSpec;
use wasmalert_core::units::format_duration_ms;

use crate::rules::{Group, MODULE_DEFAULT};

/// What rule files of Prometheus do not say, for all of their rules.
#[derive(Debug, Clone, Default)]
pub struct Unsaid {
    /// Instead of the file's name, or that of the resource.
    pub namespace: Option<String>,
    pub source: Option<String>,
    pub receivers: Vec<String>,
    /// Whether alerts go on since when Prometheus has them.
    pub restore_for_state: bool,
}

impl Group {
    /// What the API takes for it.
    #[must_use]
    pub fn body(&self, unsaid: &Unsaid) -> Map<String, Value> {
        let spec = &self.spec;
        let mut body = Map::new();
        body.insert("interval".into(), format_duration_ms(spec.interval_ms).into());
        if spec.query_offset_ms > 0 {
            body.insert(
                "query_offset".into(),
                format_duration_ms(spec.query_offset_ms).into(),
            );
        }
        if spec.limit > 0 {
            body.insert("limit".into(), spec.limit.into());
        }
        if !spec.labels.is_empty() {
            body.insert("labels".into(), json!(spec.labels));
        }
        if unsaid.restore_for_state || spec.restore_for_state {
            body.insert("restore_for_state".into(), true.into());
        }
        let rules: Vec<Value> = spec.rules.iter().map(|spec| rule(spec, unsaid)).collect();
        body.insert("rules".into(), rules.into());
        body
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
    for (name, value) in [
        ("config", Value::Object(config)),
        ("labels", json!(spec.labels)),
        ("annotations", json!(spec.annotations)),
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
