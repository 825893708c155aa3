//! `/v1/rules`: how rules are doing.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wasmalert_core::alert::AlertState;
use wasmalert_core::units::format_duration_ms;

use super::pauses::Pause;
use super::problem::Answer;
use super::{Caller, request};
use crate::Host;
use crate::live::{LiveGroup, LiveRule};
use crate::pauses::OfTenant;
use crate::record::CodeMessage;
use crate::store::Health;

/// How a rule is doing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rule {
    namespace: String,
    group: String,
    rule: String,
    module: String,
    /// None follows the promoted one.
    version: Option<u32>,
    /// Null for a rule that is not pinned to the bytes of its module.
    digest: Option<String>,
    #[schema(example = "15s")]
    interval: String,
    /// `unknown` (never evaluated), `inactive`, `pending` or `firing`.
    state: String,
    /// `unknown`, `ok` or `err`.
    health: String,
    /// Why the last evaluation failed; null when it did not.
    error: Option<CodeMessage>,
    /// Until when it is not evaluated, since it went over its limits again and again; null while it is.
    paused_until: Option<String>,
    /// Why it is not evaluated, where somebody has paused it; null otherwise.
    paused: Option<Pause>,
    last_evaluation_at: Option<String>,
    /// How long the last evaluation took, its queries included.
    evaluation_seconds: Option<f64>,
    /// Slots that passed without an evaluation since another was under way, or the server had too much to do.
    missed: i64,
    /// The same while it was paused, by people or since it went over its limits, or its tenant was stopped.
    missed_paused: i64,
    /// The same while the server was stopped.
    missed_stopped: i64,
    /// Evaluations so far.
    evaluations: i64,
    alerts: AlertCounts,
}

/// Number of alerts in each state.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertCounts {
    pending: usize,
    firing: usize,
    resolved: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RuleFilter {
    namespace: Option<String>,
    group: Option<String>,
}

impl RuleFilter {
    fn takes(&self, group: &LiveGroup) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        is(&self.namespace, &group.key.namespace) && is(&self.group, &group.key.group)
    }
}

/// Lists the rules with their state and health.
#[utoipa::path(
    get, path = "/v1/rules", tag = "rules", params(RuleFilter), responses((status = 200, body = Rules))
)]
pub(super) async fn list(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Query(filter): Query<RuleFilter>,
) -> Answer<Json<Rules>> {
    let groups = host.groups.of_tenant(&tenant);
    let groups = groups.iter().filter(|group| filter.takes(group));
    let now_ms = host.clock.now_ms();
    let pauses = host.pauses.of(&tenant);
    let shown = |group: &Arc<LiveGroup>| -> Vec<Rule> {
        let rules = group.rules.iter();
        rules.map(|live| rule(group, live, &pauses, now_ms)).collect()
    };
    let rules = groups.flat_map(shown);
    Ok(Json(Rules {
        rules: rules.collect(),
    }))
}

fn rule(group: &LiveGroup, live: &LiveRule, pauses: &OfTenant, now_ms: i64) -> Rule {
    let now = live.now();
    let health = &now.health;
    let state = match health.health {
        Health::Unknown => "unknown",
        _ => now.alerts.worst_state().as_str(),
    };
    Rule {
        namespace: group.key.namespace.to_string(),
        group: group.key.group.to_string(),
        rule: live.key.rule.to_string(),
        module: live.spec.module.clone(),
        version: live.spec.version,
        digest: live.spec.digest.clone(),
        interval: format_duration_ms(group.spec.interval_ms),
        state: state.to_owned(),
        health: health.health.as_str().to_owned(),
        error: health.error.as_ref().map(|error| CodeMessage {
            code: error.code.clone(),
            message: error.message.clone(),
        }),
        paused_until: now.paused_until_ms(now_ms).map(request::time),
        paused: pauses.of_rule(&live.key).map(Pause::of),
        last_evaluation_at: health.last_evaluation_ms.map(request::time),
        evaluation_seconds: health.last_duration_ns.map(|ns| ns as f64 / 1e9),
        missed: health.missed,
        missed_paused: health.missed_paused,
        missed_stopped: health.missed_stopped,
        evaluations: health.seq,
        alerts: AlertCounts {
            pending: now.alerts.count(AlertState::Pending),
            firing: now.alerts.count(AlertState::Firing),
            resolved: now.alerts.count(AlertState::Inactive),
        },
    }
}
