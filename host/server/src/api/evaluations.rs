//! `/v1/…/evaluations`: what rules read, answered and did.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::{GroupKey, RuleKey};

use super::problem::{Answer, Problem};
use super::request::Page;
use super::{Caller, request};
use crate::Host;
use crate::record::{CodeMessage, EffectsRecord, Inputs, OutcomeRecord, decode};
use crate::store::EvaluationSummary;

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
    namespace: String,
    group: String,
    rule: String,
    #[serde(flatten)]
    summary: Summary,
    inputs: Inputs,
    outcome: OutcomeRecord,
    effects: EffectsRecord,
}

fn summary(row: EvaluationSummary) -> Summary {
    Summary {
        id: row.id,
        slot_at: request::time(row.slot_ms),
        trigger: row.trigger,
        status: if row.error.is_none() { "ok" } else { "err" },
        error: row.error.map(|error| CodeMessage { code: error.code, message: error.message }),
        fuel: row.fuel,
        wall_seconds: row.wall_ns as f64 / 1e9,
        rounds: row.rounds,
    }
}

/// Lists the evaluations of a rule that are kept, the newest first.
#[utoipa::path(
    get, path = "/v1/rules/{namespace}/{group}/{rule}/evaluations", tag = "rules",
    params(("namespace" = String, Path), ("group" = String, Path), ("rule" = String, Path), Page),
    responses((status = 200, body = Evaluations))
)]
pub(super) async fn list(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((namespace, group, rule)): Path<(String, String, String)>,
    Query(page): Query<Page>,
) -> Answer<Json<Evaluations>> {
    let group = GroupKey { tenant, namespace: namespace.into(), group: group.into() };
    let key = RuleKey { group, rule: rule.into() };
    let limit = page.limit()?;
    let rows = host.store.list_evaluations(&key, limit, page.before.as_deref()).await?;
    let next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| row.id.clone());
    Ok(Json(Evaluations { evaluations: rows.into_iter().map(summary).collect(), next }))
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
    let (key, row) = found.ok_or_else(|| Problem::not_found(format!("evaluation {id}; older ones are removed")))?;
    let damaged = |error: serde_json::Error| {
        tracing::error!(id, %error, "a stored evaluation cannot be read");
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "store_failed", "the stored evaluation is damaged")
    };
    Ok(Json(Evaluation {
        namespace: key.group.namespace.to_string(),
        group: key.group.group.to_string(),
        rule: key.rule.to_string(),
        inputs: decode(&row.inputs).map_err(damaged)?,
        outcome: read(row.outcome.as_deref()).map_err(damaged)?,
        effects: read(row.effects.as_deref()).map_err(damaged)?,
        summary: summary(row.summary),
    }))
}

fn read<T: serde::de::DeserializeOwned + Default>(text: Option<&str>) -> Result<T, serde_json::Error> {
    text.map_or_else(|| Ok(T::default()), serde_json::from_str)
}
