//! Groups: taken in, checked, stored, and set to run.

mod batches;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmalert_core::GroupKey;
use wasmalert_core::alert::{Alert, AlertState, Alerts, Policy};
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::query::{Query, QueryTime};
use wasmalert_core::schedule::TimerGate;
use wasmalert_core::spec::{GroupSpec, Quorum, RuleOptions, RuleSpec};
use wasmalert_core::units::parse_duration_ms;
use wasmalert_promql::{Limits as PromQlLimits, Query as PromQl};
use wasmalert_sandbox::World;

use crate::Host;
use crate::catalog::TenantCatalog;
use crate::live::{LiveGroup, LiveRule, RuleNow};
use crate::scheduler::News;
use crate::schema::Configured;
use crate::store::{RuleRuntime, StoreError};

pub(crate) use batches::batches;

/// Time between two evaluations of a group that gives none, as in Prometheus.
const INTERVAL_DEFAULT: &str = "1m";
/// Module of a rule that names none.
pub(crate) const MODULE_DEFAULT: &str = "prometheus";

/// A group of rules, evaluated in order at the same slots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupBody {
    /// Time between evaluations, such as `15s` or `1m30s`; 1m without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "15s")]
    pub interval: Option<String>,
    /// How far before the slot queries look; 0 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_offset: Option<String>,
    /// Alerts, or recorded series, of each rule at most; without it or with 0 as many as the limits of its
    /// evaluation allow. What a rule does that has more is its `over_limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Labels under those of the rules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// For a group taken over from a Prometheus: at its first evaluation each rule with a `for` asks its source for
    /// `ALERTS_FOR_STATE`, and alerts of the same labels are active since then. Once; false without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restore_for_state: bool,
    /// At most 10,000.
    pub rules: Vec<RuleBody>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleBody {
    /// Name of the alert; becomes its label `alertname`.
    #[serde(alias = "name")]
    #[schema(example = "Down")]
    pub alert: String,
    /// Module that evaluates it; `prometheus` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Version of the module; without it the promoted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Pins the module: `sha256:` and 64 hexadecimal digits that its bytes must have. Without a
    /// version, the one that has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Short for the entry `expr` of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "up == 0")]
    pub expr: Option<String>,
    /// The module's own configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub config: Option<serde_json::Map<String, serde_json::Value>>,
    /// How long a finding is pending before it fires; 0 without it.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[schema(example = "1m")]
    pub for_: Option<String>,
    /// How long an alert goes on firing when its finding is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_firing_for: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Source of queries that name none; `default` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Receivers of its notifications; without any the receiver called `default`, where there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<String>,
    /// Limits below those of the server, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// When there are more alerts than the group's `limit`: `fail` (the default) fails the evaluation and leaves
    /// alerts as they were, `keep` keeps those that are there and drops as many of the new ones as have no room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_limit: Option<String>,
    /// When none of the queries find anything: `resolve` (the default) says that nothing is wrong, `keep` leaves
    /// alerts as they were, `alert` resolves them and tells receivers that there is no data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_data: Option<String>,
    /// Evaluations that fail in a row until receivers are told; 0 (the default) never tells them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_after_errors: Option<u32>,
    /// From when on the time until a firing alert is told again counts: `sent` (the default) since it was told,
    /// `accepted` since a receiver has last taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend: Option<String>,
    /// How often a finding has to come for its alert to fire, and to go on firing; 1 of 1 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<QuorumBody>,
}

/// N of the last M evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuorumBody {
    /// 1 to `of`.
    pub at_least: u32,
    /// 1 to 64.
    pub of: u32,
}

/// Collects what is wrong, each with its place.
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, place: &str, what: impl std::fmt::Display) {
        self.0.push(format!("{place}: {what}"));
    }

    /// What a text names; the default without one.
    fn named<T: FromStr<Err: std::fmt::Display> + Default>(&mut self, place: &str, text: Option<&str>) -> T {
        let named = text.map(str::parse::<T>).transpose();
        named
            .unwrap_or_else(|wrong| {
                self.add(place, wrong);
                None
            })
            .unwrap_or_default()
    }

    fn duration(&mut self, place: &str, text: Option<&str>) -> i64 {
        let Some(text) = text else { return 0 };
        parse_duration_ms(text).unwrap_or_else(|error| {
            self.add(place, error);
            0
        })
    }
}

impl GroupBody {
    /// The group as the core knows it.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub(crate) fn to_spec(&self, limits: &Limits) -> Result<GroupSpec, Vec<String>> {
        let mut problems = Problems(Vec::new());
        let interval = self.interval.as_deref().unwrap_or(INTERVAL_DEFAULT);
        let spec = GroupSpec {
            interval_ms: problems.duration("interval", Some(interval)),
            query_offset_ms: problems.duration("query_offset", self.query_offset.as_deref()),
            limit: self.limit.unwrap_or(0),
            labels: self.labels.clone(),
            restore_for_state: self.restore_for_state,
            rules: self
                .rules
                .iter()
                .enumerate()
                .map(|(at, rule)| Arc::new(rule.to_spec(&format!("rules[{at}]"), limits, &mut problems)))
                .collect(),
        };
        let mut problems = problems.0;
        problems.extend(spec.validate().iter().map(ToString::to_string));
        if problems.is_empty() {
            Ok(spec)
        } else {
            Err(problems)
        }
    }
}

impl RuleBody {
    fn to_spec(&self, place: &str, limits: &Limits, problems: &mut Problems) -> RuleSpec {
        RuleSpec {
            name: self.alert.clone(),
            module: self.module.clone().unwrap_or_else(|| MODULE_DEFAULT.to_owned()),
            version: self.version,
            digest: self.digest.clone(),
            config: self.config_text(place, problems).into(),
            for_ms: problems.duration(&format!("{place}.for"), self.for_.as_deref()),
            keep_firing_for_ms: problems.duration(
                &format!("{place}.keep_firing_for"),
                self.keep_firing_for.as_deref(),
            ),
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            source: self.source.clone(),
            receivers: self.receivers.clone(),
            limits: self.limits(place, limits, problems),
            options: self.options(place, problems),
        }
    }

    fn options(&self, place: &str, problems: &mut Problems) -> RuleOptions {
        let quorum = self
            .quorum
            .map(|QuorumBody { at_least, of }| Quorum { at_least, of });
        RuleOptions {
            over_limit: problems.named(&format!("{place}.over_limit"), self.over_limit.as_deref()),
            no_data: problems.named(&format!("{place}.no_data"), self.no_data.as_deref()),
            alert_after_errors: self.alert_after_errors.unwrap_or(0),
            quorum: quorum.unwrap_or_default(),
            resend: problems.named(&format!("{place}.resend"), self.resend.as_deref()),
        }
    }

    fn config_text(&self, place: &str, problems: &mut Problems) -> String {
        let mut config = self.config.clone().unwrap_or_default();
        if let Some(expr) = &self.expr
            && config.insert("expr".to_owned(), expr.as_str().into()).is_some()
        {
            problems.add(
                &format!("{place}.expr"),
                "is given here and in config; give it once",
            );
        }
        serde_json::Value::Object(config).to_string()
    }

    fn limits(&self, place: &str, ceilings: &Limits, problems: &mut Problems) -> BTreeMap<Limit, u64> {
        let mut limits = BTreeMap::new();
        for (name, &value) in &self.limits {
            match lower_limit(name, value, ceilings) {
                Ok(limit) => drop(limits.insert(limit, value)),
                Err(why) => problems.add(&format!("{place}.limits.{name}"), why),
            }
        }
        limits
    }
}

/// The limit of that name, if it may be set to that value under the ceilings.
///
/// # Errors
/// Says why it may not.
pub(crate) fn lower_limit(name: &str, value: u64, ceilings: &Limits) -> Result<Limit, String> {
    match Limit::parse(name) {
        None => Err("no limit has this name; see docs/limits.md".to_owned()),
        Some(Limit::StackBytes) => Err("is set for the whole server".to_owned()),
        Some(limit) if value == 0 || value > ceilings.get(limit) => Err(format!(
            "{value} is not from 1 to {}, which is allowed",
            ceilings.get(limit)
        )),
        Some(limit) => Ok(limit),
    }
}

/// What a group names that is not there.
#[must_use]
pub(crate) fn check_references(spec: &GroupSpec, catalog: &TenantCatalog) -> Vec<String> {
    let mut problems = Problems(Vec::new());
    for (at, rule) in spec.rules.iter().enumerate() {
        if let Err(problem) = check_module(rule, catalog) {
            problems.add(&format!("rules[{at}].module"), problem);
        }
        if let Some(source) = rule
            .source
            .as_ref()
            .filter(|source| catalog.sources.get(source).is_none())
        {
            problems.add(
                &format!("rules[{at}].source"),
                format!("there is no source {source}"),
            );
        }
        for receiver in rule
            .receivers
            .iter()
            .filter(|name| !catalog.receivers.contains_key(*name))
        {
            problems.add(
                &format!("rules[{at}].receivers"),
                format!("there is no receiver {receiver}"),
            );
        }
    }
    problems.0
}

fn check_module(rule: &RuleSpec, catalog: &TenantCatalog) -> Result<(), String> {
    let module = catalog.find(rule.into()).map_err(|missing| missing.to_string())?;
    if module.world != World::Rule {
        return Err(format!(
            "{} is a {}, not a rule",
            rule.module,
            module.world.as_str()
        ));
    }
    catalog.check_trust(&rule.module, &module)
}

/// The configurations of the rules whose modules are there.
#[must_use]
pub(crate) fn configured<'a>(spec: &'a GroupSpec, catalog: &TenantCatalog) -> Vec<Configured<'a>> {
    let rules = spec.rules.iter().enumerate().filter_map(|(at, rule)| {
        Some(Configured {
            place: format!("rules[{at}].config"),
            config: &rule.config,
            name: &rule.module,
            module: catalog.find((&**rule).into()).ok()?,
        })
    });
    rules.collect()
}

/// Starts a stored group, or starts it anew after a change, with what its rules
/// were last like.
///
/// # Errors
/// The store failed.
pub(crate) async fn start(
    host: &Host,
    key: &GroupKey,
    spec: GroupSpec,
    revision: i64,
) -> Result<(), StoreError> {
    let runtime = host.store.load_group_runtime(key).await?;
    let mut runtime: BTreeMap<String, RuleRuntime> = runtime
        .into_iter()
        .map(|rule| (rule.rule.clone(), rule))
        .collect();
    let rules = spec
        .rule_keys(key)
        .into_iter()
        .zip(&spec.rules)
        .map(|(rule_key, rule)| {
            let now = runtime.remove(&*rule_key.rule).map(rule_now).unwrap_or_default();
            Arc::new(LiveRule::new(
                rule_key,
                rule.clone(),
                policy(host, &spec, rule),
                now,
            ))
        });
    let rules: Vec<Arc<LiveRule>> = rules.collect();
    if host.groups.get(key).is_some() {
        // It has changed; at the start of the server it has not.
        rules.iter().for_each(|rule| rule.resume());
    }
    let mut group = LiveGroup::new(key.clone(), Arc::new(spec), revision, rules);
    if let Some(before) = host.groups.get(key) {
        group.succeed(&before);
        group.since_ms = host.clock.now_ms();
    }
    let group = Arc::new(group);
    host.groups.put(group.clone());
    host.tell_scheduler(News::Put(group));
    Ok(())
}

fn policy(host: &Host, group: &GroupSpec, rule: &RuleSpec) -> Policy {
    Policy {
        resend_delay_ms: host.config.resend_delay_ms,
        resolved_retention_ms: host.config.resolved_retention_ms,
        ..Policy::of(group, rule)
    }
}

/// A rule as it was when it was last committed.
fn rule_now(runtime: RuleRuntime) -> RuleNow {
    let alerts: Alerts = runtime
        .alerts
        .into_iter()
        .map(|row| Alert {
            labels: Arc::new(row.labels),
            annotations: Arc::new(row.annotations.into_iter().collect()),
            value: row.value,
            state: AlertState::parse(&row.state).unwrap_or(AlertState::Inactive),
            active_at_ms: row.active_at_ms.unwrap_or_default(),
            fired_at_ms: row.fired_at_ms,
            resolved_at_ms: row.resolved_at_ms,
            last_sent_at_ms: row.last_sent_at_ms,
            keep_firing_since_ms: row.keep_firing_since_ms,
            seen: row.seen,
        })
        .collect();
    let asked: Remembered = runtime
        .queries
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    RuleNow {
        alerts,
        state: Arc::new(runtime.state),
        timers: Arc::new(runtime.timers),
        asked: asked.queries.iter().map(RememberedQuery::query).collect(),
        asked_at_ms: asked.at_ms,
        health: runtime.health,
        timer_gate: TimerGate::default(),
        recorded: Vec::new(),
    }
}

/// The queries of the last evaluation, as they are kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    at_ms: i64,
    queries: Vec<RememberedQuery>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RememberedQuery {
    source: String,
    expr: String,
    /// One time for an instant query; start, end and step for a range.
    times_ms: Vec<i64>,
}

impl RememberedQuery {
    fn query(&self) -> Query {
        let time = match *self.times_ms.as_slice() {
            [start_ms, end_ms, step_ms] => QueryTime::Range {
                start_ms,
                end_ms,
                step_ms,
            },
            [at_ms, ..] => QueryTime::Instant { at_ms },
            [] => QueryTime::Instant { at_ms: 0 },
        };
        Query {
            source: self.source.as_str().into(),
            expr: self.expr.as_str().into(),
            time,
        }
    }
}

/// The queries of an evaluation as a text to keep.
#[must_use]
pub(crate) fn remember(at_ms: i64, asked: &[Query]) -> String {
    let queries = asked.iter().map(|query| RememberedQuery {
        source: query.source.to_string(),
        expr: query.expr.to_string(),
        times_ms: match query.time {
            QueryTime::Instant { at_ms } => vec![at_ms],
            QueryTime::Range {
                start_ms,
                end_ms,
                step_ms,
            } => vec![start_ms, end_ms, step_ms],
        },
    });
    let remembered = Remembered {
        at_ms,
        queries: queries.collect(),
    };
    serde_json::to_string(&remembered).unwrap_or_default()
}

/// The entry `expr` of a rule's configuration: of a rule of Prometheus' as its parser writes it, of others as it is.
#[must_use]
pub(crate) fn expr_of(rule: &RuleSpec) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct WithExpr {
        expr: Box<str>,
    }
    let WithExpr { expr } = serde_json::from_str(&rule.config).ok()?;
    let is_promql = rule.module == MODULE_DEFAULT;
    let parsed = is_promql.then(|| PromQl::parse(&expr, &PromQlLimits::default()).ok());
    Some(parsed.flatten().map_or(expr, |query| query.to_string().into()))
}

/// The state of an alert as the API names it: `resolved` for one that no longer
/// fires and is still shown.
#[must_use]
pub(crate) fn state_name(state: AlertState) -> &'static str {
    match state {
        AlertState::Inactive => "resolved",
        state => state.as_str(),
    }
}

#[cfg(test)]
mod tests;
