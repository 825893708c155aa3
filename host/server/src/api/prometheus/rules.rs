//! `/api/v1/rules` and `/api/v1/alerts`: rules and alerts in Prometheus' shapes, of whatever module they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::response::Response;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use wasmalert_core::alert::{Alert, AlertState};
use wasmalert_core::number::with_exponent;
use wasmalert_core::spec::RuleSpec;
use wasmalert_promql::Matcher;

use super::answer::{Refused, success};
use super::params::Params;
use super::selections;
use crate::api::request;
use crate::live::{LiveGroup, LiveRule, RuleNow};
use crate::record::{LabelMap, label_map, number};
use crate::store::Health;

/// The time of what has not happened, as Go writes it.
const NEVER: &str = "0001-01-01T00:00:00Z";
const NS_PER_SECOND: f64 = 1e9;
const MS_PER_SECOND: f64 = 1e3;

/// Written without a point where it is whole, as Go does.
struct Seconds(f64);

impl Seconds {
    fn of_ms(ms: i64) -> Self {
        Self(ms as f64 / MS_PER_SECOND)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.fract() == 0.0 {
            true => to.serialize_i64(self.0 as i64),
            false => to.serialize_f64(self.0),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Groups {
    groups: Vec<Group>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    /// The namespace.
    file: String,
    rules: Vec<Rule>,
    interval: Seconds,
    limit: u64,
    /// Of all rules together.
    evaluation_time: Seconds,
    last_evaluation: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Rule {
    Alerting(Alerting),
    Recording(Recording),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alerting {
    state: String,
    name: String,
    query: String,
    duration: Seconds,
    keep_firing_for: Seconds,
    labels: LabelMap,
    annotations: BTreeMap<String, String>,
    /// Null where they are left out.
    alerts: Option<Vec<ActiveAlert>>,
    #[serde(flatten)]
    health: HealthOf,
}

#[derive(Serialize)]
struct Recording {
    name: String,
    query: String,
    labels: LabelMap,
    #[serde(flatten)]
    health: HealthOf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HealthOf {
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: Seconds,
    last_evaluation: String,
}

#[derive(Serialize)]
struct Alerts {
    alerts: Vec<ActiveAlert>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActiveAlert {
    labels: LabelMap,
    annotations: LabelMap,
    state: &'static str,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

/// What a call asks for.
struct Wanted {
    alerting: bool,
    recording: bool,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    /// A rule's labels match one of them.
    selections: Vec<Vec<Matcher>>,
    with_alerts: bool,
    page: Option<Page>,
}

struct Page {
    groups_max: usize,
    token: Option<String>,
}

impl Wanted {
    fn new(params: &Params) -> Result<Self, Refused> {
        let all = |name: &str| params.all(name).into_iter().map(str::to_owned).collect();
        let kind = params.get("type").map(str::to_lowercase);
        if let Some(kind) = &kind
            && !["alert", "record"].contains(&kind.as_str())
        {
            return Err(Refused::bad_data(format!(
                "invalid parameter \"type\": not supported value {kind:?}"
            )));
        }
        let is = |wanted: &str| kind.as_deref().is_none_or(|kind| kind == wanted);
        Ok(Self {
            alerting: is("alert"),
            recording: is("record"),
            names: all("rule_name[]"),
            groups: all("rule_group[]"),
            files: all("file[]"),
            selections: selections(params)?,
            with_alerts: !flag(params, "exclude_alerts")?,
            page: page(params)?,
        })
    }

    fn takes_group(&self, group: &LiveGroup) -> bool {
        among(&self.groups, &group.key.group) && among(&self.files, &group.key.namespace)
    }

    fn takes_rule(&self, of_group: &LiveGroup, rule: &RuleSpec, record: Option<&str>) -> bool {
        let is_kind = if record.is_some() {
            self.recording
        } else {
            self.alerting
        };
        let labels = own_labels(of_group, rule);
        let value = |name: &str| labels.get(name).map_or("", String::as_str);
        let matches = |matchers: &Vec<Matcher>| {
            matchers
                .iter()
                .all(|matcher| matcher.matches(value(&matcher.name)))
        };
        is_kind
            && among(&self.names, record.unwrap_or(&rule.name))
            && (self.selections.is_empty() || self.selections.iter().any(matches))
    }
}

/// Whether a name is among those that are wanted; all are where none is said.
fn among(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|wanted| wanted == name)
}

fn flag(params: &Params, name: &str) -> Result<bool, Refused> {
    match params.get(name).map(str::to_lowercase).as_deref() {
        None | Some("false" | "0" | "f") => Ok(false),
        Some("true" | "1" | "t") => Ok(true),
        Some(other) => Err(Refused::bad_data(format!(
            "invalid parameter {name:?}: {other:?} is neither true nor false"
        ))),
    }
}

fn page(params: &Params) -> Result<Option<Page>, Refused> {
    let token = params.get("group_next_token").map(str::to_owned);
    let Some(limit) = params.get("group_limit") else {
        return match token {
            None => Ok(None),
            Some(_) => Err(Refused::bad_data(
                "invalid parameter \"group_limit\": group_limit needs to be present in order to paginate over the groups",
            )),
        };
    };
    let groups_max = limit.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| {
        Refused::bad_data(format!(
            "invalid parameter \"group_limit\": {limit:?} is not a whole number above zero"
        ))
    })?;
    Ok(Some(Page { groups_max, token }))
}

/// Answers `/api/v1/rules`.
pub(super) fn rules(groups: &[Arc<LiveGroup>], params: &Params) -> Result<Response, Refused> {
    let wanted = Wanted::new(params)?;
    let mut groups: Vec<&LiveGroup> = groups.iter().map(|group| &**group).collect();
    if let Some(token) = wanted.page.as_ref().and_then(|page| page.token.as_ref()) {
        let first = groups.iter().position(|group| token_of(group) == *token);
        let first = first.ok_or_else(|| {
            Refused::bad_data(format!(
                "invalid parameter \"group_next_token\": no group has the token {token:?}; it may be gone: begin anew"
            ))
        })?;
        groups.drain(..first);
    }
    let groups_max = wanted.page.as_ref().map_or(usize::MAX, |page| page.groups_max);
    let mut shown = Vec::new();
    let mut group_next_token = None;
    for group in groups.into_iter().filter(|group| wanted.takes_group(group)) {
        if shown.len() == groups_max {
            group_next_token = Some(token_of(group));
            break;
        }
        let rules: Vec<Rule> = group
            .rules
            .iter()
            .filter_map(|live| rule(group, live, &wanted))
            .collect();
        // A group without any rule that is asked for is left out, but not one that has none at all.
        if !rules.is_empty() || group.rules.is_empty() {
            shown.push(a_group(group, rules));
        }
    }
    let groups = Groups {
        groups: shown,
        group_next_token,
    };
    Ok(success(groups, Vec::new()))
}

/// Answers `/api/v1/alerts`.
pub(super) fn alerts(groups: &[Arc<LiveGroup>]) -> Response {
    let rules = groups.iter().flat_map(|group| &group.rules);
    let alerts = rules.flat_map(|live| active(&live.now())).collect();
    success(Alerts { alerts }, Vec::new())
}

/// What stands for a group in the address of a page.
fn token_of(group: &LiveGroup) -> String {
    let name = format!("{};{}", group.key.namespace, group.key.group);
    let mut token = String::new();
    for byte in &Sha256::digest(name)[..20] {
        let _ = write!(token, "{byte:02x}");
    }
    token
}

fn a_group(group: &LiveGroup, rules: Vec<Rule>) -> Group {
    let (mut spent_ns, mut last_ms) = (0, None);
    for live in &group.rules {
        let health = &live.now().health;
        spent_ns += health.last_duration_ns.unwrap_or(0);
        last_ms = last_ms.max(health.last_evaluation_ms);
    }
    Group {
        name: group.key.group.to_string(),
        file: group.key.namespace.to_string(),
        rules,
        interval: Seconds::of_ms(group.spec.interval_ms),
        limit: group.spec.limit,
        evaluation_time: Seconds(spent_ns as f64 / NS_PER_SECOND),
        last_evaluation: moment(last_ms),
    }
}

fn rule(group: &LiveGroup, live: &LiveRule, wanted: &Wanted) -> Option<Rule> {
    let spec = &live.spec;
    let config: Map<String, Value> = serde_json::from_str(&spec.config).unwrap_or_default();
    let text = |name: &str| config.get(name).and_then(Value::as_str);
    let record = text("record");
    if !wanted.takes_rule(group, spec, record) {
        return None;
    }
    let query = live.expr().unwrap_or_default().to_owned();
    let labels = own_labels(group, spec);
    let now = live.now();
    let health = health_of(&now);
    Some(match record {
        Some(name) => Rule::Recording(Recording {
            name: name.to_owned(),
            query,
            labels,
            health,
        }),
        None => Rule::Alerting(Alerting {
            state: match now.health.health {
                Health::Unknown => "unknown".to_owned(),
                _ => now.alerts.worst_state().as_str().to_owned(),
            },
            name: spec.name.clone(),
            query,
            duration: Seconds::of_ms(spec.for_ms),
            keep_firing_for: Seconds::of_ms(spec.keep_firing_for_ms),
            labels,
            annotations: spec.annotations.clone(),
            alerts: wanted.with_alerts.then(|| active(&now)),
            health,
        }),
    })
}

/// The labels of the rule over those of its group, as they are written.
fn own_labels(group: &LiveGroup, rule: &RuleSpec) -> LabelMap {
    let all = group.spec.labels.iter().chain(&rule.labels);
    all.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn health_of(now: &RuleNow) -> HealthOf {
    let health = &now.health;
    HealthOf {
        health: health.health.as_str(),
        last_error: health.error.as_ref().map(|error| error.message.clone()),
        evaluation_time: Seconds(health.last_duration_ns.unwrap_or(0) as f64 / NS_PER_SECOND),
        last_evaluation: moment(health.last_evaluation_ms),
    }
}

/// The alerts that are pending or firing.
fn active(now: &RuleNow) -> Vec<ActiveAlert> {
    let active = now
        .alerts
        .iter()
        .filter(|alert| alert.state != AlertState::Inactive);
    active.map(an_alert).collect()
}

fn an_alert(alert: &Alert) -> ActiveAlert {
    ActiveAlert {
        labels: label_map(alert.labels.iter()),
        annotations: label_map(alert.annotations.iter()),
        state: alert.state.as_str(),
        active_at: moment(Some(alert.active_at_ms)),
        keep_firing_since: alert.keep_firing_since_ms.map(|ms| moment(Some(ms))),
        value: scientific(alert.value),
    }
}

/// A time in RFC 3339, without zeros at the end of the seconds, as Go writes it.
fn moment(ms: Option<i64>) -> String {
    let Some(ms) = ms else {
        return NEVER.to_owned();
    };
    let text = request::time(ms);
    let text = text
        .trim_end_matches('Z')
        .trim_end_matches('0')
        .trim_end_matches('.');
    format!("{text}Z")
}

/// As Go's `%e` with as few digits as read back to the same number: `1e+00`.
fn scientific(value: f64) -> String {
    if !value.is_finite() {
        return number(value);
    }
    with_exponent(value)
}

/// Answers `/api/v1/status/buildinfo`.
pub(super) fn build_info() -> Response {
    let info = serde_json::json!({
        "application": "wasmalert",
        "version": env!("CARGO_PKG_VERSION"),
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        // As Grafana reads it: rules may be changed under /config/v1/rules.
        "features": {"ruler_config_api": "true"},
    });
    success(info, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_go_writes_them() {
        for (value, text) in [
            (0.0, "0e+00"),
            (1.0, "1e+00"),
            (-86_461.5, "-8.64615e+04"),
            (1.234e-5, "1.234e-05"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(scientific(value), text);
        }
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        assert_eq!(moment(None), "0001-01-01T00:00:00Z");
        assert_eq!(moment(Some(1_700_000_000_000)), "2023-11-14T22:13:20Z");
        assert_eq!(moment(Some(1_700_000_000_120)), "2023-11-14T22:13:20.12Z");
    }
}
