//! `/v1/…/evaluations`: what rules read, answered and did.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::evaluation::{Context, Cost as Spent, Effects, Journal, LogLine, Outcome};
use wasmalert_core::fault::Fault;
use wasmalert_core::units::format_duration_ms;
use wasmalert_core::{GroupKey, RuleKey};

use super::problem::{Answer, Problem};
use super::request::Page;
use super::{Caller, request};
use crate::Host;
use crate::record::{
    self, Budget, CodeMessage, EffectsRecord, Inputs, LabelMap, LogRecord, MetricRecord, NotifyRecord,
    OutcomeRecord, QueryRecord, SeriesRecord, TimerRecord, TransitionRecord, decode,
};
use crate::store::{ErrorRow, EvaluationSummary};

/// How much of what was read, answered and done is shown of an evaluation that no server keeps.
const UNKEPT_BYTES_MAX: usize = 8 << 20;

/// An evaluation in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Summary {
    id: String,
    slot_at: String,
    /// `interval`, or `timer` and its name.
    trigger: String,
    /// `ok` or `err`.
    status: &'static str,
    error: Option<CodeMessage>,
    /// Instructions of the last run.
    fuel: u64,
    /// Time in the sandbox, all rounds together.
    wall_seconds: f64,
    /// Runs until every query result was there.
    rounds: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Evaluations {
    evaluations: Vec<Summary>,
    /// `before` of the next page; null on the last one.
    next: Option<String>,
}

/// An evaluation with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Evaluation {
    id: String,
    namespace: String,
    group: String,
    rule: String,
    module: String,
    /// Null when there was no such module.
    version: Option<u32>,
    digest: Option<String>,
    slot_at: String,
    trigger: Trigger,
    /// `ok` or `err`.
    status: &'static str,
    error: Option<CodeMessage>,
    inputs: InputsView,
    outcome: OutcomeRecord,
    effects: EffectsView,
    /// What became of alerts.
    transitions: Vec<TransitionRecord>,
    /// What was put into the outbox.
    notifications: Vec<NotifyRecord>,
    cost: Cost,
    /// Runs until every query result was there.
    rounds: u32,
}

/// Why an evaluation happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Trigger {
    /// `interval` or `timer`.
    kind: String,
    timer: Option<String>,
    due_at: Option<String>,
}

/// What an evaluation read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InputsView {
    interval: String,
    query_offset: String,
    /// The rule's configuration.
    #[schema(value_type = Object)]
    config: serde_json::Value,
    /// The labels the host put on every alert.
    labels: LabelMap,
    /// The source of queries that name none.
    source: String,
    /// What else the component was told: templates of labels and annotations, and what they may refer to.
    #[serde(skip_serializing_if = "LabelMap::is_empty")]
    extras: LabelMap,
    queries: Vec<QueryView>,
    /// The component's state before the run, values in base64.
    state: LabelMap,
    timers: Vec<TimerView>,
}

/// A query and its result. An instant query has `at`, a range `start`, `end` and
/// `step_ms`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueryView {
    source: String,
    expr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_ms: Option<i64>,
    /// Number of series, those left out included.
    series_count: u64,
    series: Vec<SeriesRecord>,
    /// Whether series were left out since the record got too large.
    truncated: bool,
    error: Option<CodeMessage>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TimerView {
    name: String,
    due_at: String,
    /// In base64.
    payload: String,
}

/// What an evaluation did besides answering.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EffectsView {
    /// Writes to the state in base64; null removes a key.
    state: BTreeMap<String, Option<String>>,
    /// Due times of timers set; null cancels one.
    timers: BTreeMap<String, Option<String>>,
    log: Vec<LogRecord>,
    metrics: Vec<MetricRecord>,
}

/// What an evaluation used.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cost {
    /// Instructions of the last run.
    fuel: u64,
    /// Time in the sandbox, all rounds together.
    wall_seconds: f64,
    /// The most memory an instance had.
    memory_bytes: u64,
    host_calls: u64,
    boundary_bytes: u64,
}

impl QueryView {
    fn new(query: QueryRecord) -> Self {
        Self {
            at: query.at_ms.map(request::time),
            start: query.range.as_ref().map(|range| request::time(range.start_ms)),
            end: query.range.as_ref().map(|range| request::time(range.end_ms)),
            step_ms: query.range.as_ref().map(|range| range.step_ms),
            source: query.source,
            expr: query.expr,
            series_count: query.series_count,
            series: query.series,
            truncated: query.truncated,
            error: query.error,
        }
    }
}

impl TimerView {
    fn new(timer: TimerRecord) -> Self {
        Self {
            due_at: request::time(timer.due_ms),
            name: timer.name,
            payload: timer.payload,
        }
    }
}

impl Evaluation {
    fn new(
        key: &RuleKey,
        row: EvaluationSummary,
        inputs: Inputs,
        outcome: OutcomeRecord,
        effects: EffectsRecord,
    ) -> Self {
        let timer = inputs.trigger.timer.as_ref();
        let due = |due_ms: Option<i64>| due_ms.map(request::time);
        Self {
            namespace: key.group.namespace.to_string(),
            group: key.group.group.to_string(),
            rule: key.rule.to_string(),
            module: inputs.module,
            version: inputs.version,
            digest: inputs.digest,
            slot_at: request::time(row.slot_ms),
            trigger: Trigger {
                kind: inputs.trigger.kind.clone(),
                timer: timer.map(|timer| timer.name.clone()),
                due_at: timer.map(|timer| request::time(timer.due_ms)),
            },
            status: status(&row),
            inputs: InputsView {
                interval: format_duration_ms(inputs.interval_ms),
                query_offset: format_duration_ms(inputs.query_offset_ms),
                config: serde_json::from_str(&inputs.config).unwrap_or_default(),
                labels: inputs.labels,
                source: inputs.source,
                extras: inputs.extras,
                queries: inputs.queries.into_iter().map(QueryView::new).collect(),
                state: inputs.state,
                timers: inputs.timers.into_iter().map(TimerView::new).collect(),
            },
            outcome,
            effects: EffectsView {
                state: effects.state,
                timers: effects
                    .timers
                    .into_iter()
                    .map(|(name, due_ms)| (name, due(due_ms)))
                    .collect(),
                log: effects.log,
                metrics: effects.metrics,
            },
            transitions: effects.transitions,
            notifications: effects.notifications,
            cost: Cost {
                fuel: row.fuel,
                wall_seconds: row.wall_ns as f64 / 1e9,
                memory_bytes: effects.memory_bytes,
                host_calls: effects.host_calls,
                boundary_bytes: effects.boundary_bytes,
            },
            rounds: row.rounds,
            error: error(row.error),
            id: row.id,
        }
    }
}

/// An evaluation that no server keeps.
pub struct Unkept<'a> {
    pub context: &'a Context,
    /// What was read.
    pub journal: &'a Journal,
    /// Of one that failed also what it had logged.
    pub result: Result<(&'a Outcome, &'a Effects), (&'a Fault, &'a [LogLine])>,
    pub cost: &'a Spent,
    /// Runs until every query result was there.
    pub rounds: u32,
}

impl Unkept<'_> {
    /// It in the shape of `GET /v1/evaluations/{id}`, without what only a server knows.
    ///
    /// # Errors
    /// A value that JSON cannot hold; there is none.
    pub fn document(&self) -> Result<serde_json::Value, serde_json::Error> {
        const OF_A_SERVER: [&str; 8] = [
            "id",
            "namespace",
            "group",
            "module",
            "version",
            "digest",
            "transitions",
            "notifications",
        ];
        let mut budget = Budget::new(UNKEPT_BYTES_MAX);
        let inputs = record::inputs(self.context, self.journal, &mut budget);
        let (outcome, mut effects) = match self.result {
            Ok((outcome, effects)) => (
                record::outcome(outcome, &mut budget),
                record::effects(effects, &[], &mut budget),
            ),
            Err((fault, log)) => record::failed(fault, log),
        };
        effects.cost(self.cost);
        let row = EvaluationSummary {
            id: String::new(),
            seq: 0,
            slot_ms: self.context.now_ms,
            trigger: String::new(),
            error: outcome.error.as_ref().map(|error| ErrorRow {
                code: error.code.clone(),
                message: error.message.clone(),
            }),
            fuel: self.cost.fuel,
            wall_ns: self.cost.wall_ns,
            rounds: self.rounds,
            bytes: 0,
        };
        let evaluation = Evaluation::new(&self.context.rule, row, inputs, outcome, effects);
        let mut document = serde_json::to_value(evaluation)?;
        if let Some(fields) = document.as_object_mut() {
            fields.retain(|name, _| !OF_A_SERVER.contains(&name.as_str()));
        }
        Ok(document)
    }
}

fn status(row: &EvaluationSummary) -> &'static str {
    if row.error.is_none() { "ok" } else { "err" }
}

fn error(error: Option<ErrorRow>) -> Option<CodeMessage> {
    error.map(|error| CodeMessage {
        code: error.code,
        message: error.message,
    })
}

fn summary(row: EvaluationSummary) -> Summary {
    Summary {
        slot_at: request::time(row.slot_ms),
        status: status(&row),
        id: row.id,
        trigger: row.trigger,
        error: error(row.error),
        fuel: row.fuel,
        wall_seconds: row.wall_ns as f64 / 1e9,
        rounds: row.rounds,
    }
}

/// Lists the evaluations of a rule that are kept, the newest first.
#[utoipa::path(
    get, path = "/v1/rules/{namespace}/{group}/{rule}/evaluations", tag = "rules",
    params(("namespace" = String, Path), ("group" = String, Path), ("rule" = String, Path), Page),
    responses((status = 200, body = Evaluations), (status = 404, body = Problem))
)]
pub(super) async fn list(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((namespace, group, rule)): Path<(String, String, String)>,
    Query(page): Query<Page>,
) -> Answer<Json<Evaluations>> {
    let key = RuleKey {
        group: GroupKey {
            tenant,
            namespace: namespace.as_str().into(),
            group: group.as_str().into(),
        },
        rule: rule.as_str().into(),
    };
    let limit = page.limit()?;
    let rows = host
        .store
        .list_evaluations(&key, limit, page.before.as_deref())
        .await?;
    // Those of a rule that is gone are kept for a while.
    let runs = host.groups.get(&key.group);
    let is_there = runs.is_some_and(|group| group.rules.iter().any(|rule| rule.key == key));
    if rows.is_empty() && !is_there {
        return Err(Problem::not_found(format!("rule {namespace}/{group}/{rule}")));
    }
    let next = request::next_page(&rows, limit, |row| &row.id);
    Ok(Json(Evaluations {
        evaluations: rows.into_iter().map(summary).collect(),
        next,
    }))
}

/// Shows an evaluation: inputs, outcome, effects, fuel, time and rounds.
#[utoipa::path(
    get, path = "/v1/evaluations/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, body = Evaluation), (status = 404, body = Problem))
)]
pub(super) async fn get(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(id): Path<String>,
) -> Answer<Json<Evaluation>> {
    let found = host.store.get_evaluation(&tenant, &id).await?;
    let (key, row) =
        found.ok_or_else(|| Problem::not_found(format!("evaluation {id}; older ones are removed")))?;
    let damaged = |error: serde_json::Error| {
        tracing::error!(id, %error, "a stored evaluation cannot be read");
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "store_failed",
            "the stored evaluation is damaged",
        )
    };
    let inputs: Inputs = decode(&row.inputs).map_err(damaged)?;
    let outcome: OutcomeRecord = read(row.outcome.as_deref()).map_err(damaged)?;
    let effects: EffectsRecord = read(row.effects.as_deref()).map_err(damaged)?;
    Ok(Json(Evaluation::new(&key, row.summary, inputs, outcome, effects)))
}

fn read<T: serde::de::DeserializeOwned + Default>(text: Option<&str>) -> Result<T, serde_json::Error> {
    text.map_or_else(|| Ok(T::default()), serde_json::from_str)
}
