//! `/v1/usage`: what the tenant has used, by the hour or the day.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wasmalert_core::usage::{HOUR_MS, Usage};

use super::problem::{Answer, Problem};
use super::prometheus::parse_time;
use super::{Caller, request};
use crate::Host;
use crate::store::{USAGE_LISTED_MAX, UsageRow};

const DAY_MS: i64 = 24 * HOUR_MS;
/// What is shown where no start is given.
const SHOWN_MS: i64 = DAY_MS;

/// Over what time sums are made; days are those of UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    #[default]
    Hour,
    Day,
}

/// What sums are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum By {
    /// All that the tenant has used.
    #[default]
    Tenant,
    /// Each rule, and what no rule has used.
    Rule,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// RFC 3339 or seconds since the epoch; a day before `to` without it. Its whole hour is shown.
    from: Option<String>,
    /// What began before is shown; now without it.
    to: Option<String>,
    #[serde(default)]
    #[param(inline)]
    step: Step,
    #[serde(default)]
    #[param(inline)]
    by: By,
}

/// What was used over a time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Used {
    /// When the hour or day began.
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// None for what no rule has used, such as queries through the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// By the names of what is metered.
    #[schema(example = json!({"evaluations": 60, "fuel": 600_000, "cpu_ns": 1_200_000}))]
    used: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsageList {
    usage: Vec<Used>,
}

/// Shows what the tenant has used, the oldest first.
#[utoipa::path(
    get, path = "/v1/usage", tag = "access", params(Asked),
    responses((status = 200, body = UsageList), (status = 400, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn list(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<UsageList>> {
    let to_ms = time(asked.to.as_deref(), "to")?.unwrap_or_else(|| host.clock.now_ms());
    let from_ms = time(asked.from.as_deref(), "from")?.unwrap_or(to_ms.saturating_sub(SHOWN_MS));
    let by_rule = asked.by == By::Rule;
    let rows = host
        .store
        .list_usage(&tenant, (from_ms, to_ms), by_rule, USAGE_LISTED_MAX)
        .await?;
    if rows.len() >= USAGE_LISTED_MAX as usize {
        let detail = format!("there are {USAGE_LISTED_MAX} rows or more: ask for a shorter time");
        return Err(Problem::invalid(detail, Vec::new()));
    }
    let step_ms = match asked.step {
        Step::Hour => HOUR_MS,
        Step::Day => DAY_MS,
    };
    let mut sums: BTreeMap<_, Usage> = BTreeMap::new();
    for UsageRow { hour_ms, rule, used } in rows {
        let at_ms = hour_ms - hour_ms.rem_euclid(step_ms);
        sums.entry((at_ms, rule)).or_default().add(&used);
    }
    let usage = sums.into_iter().map(|((at_ms, rule), used)| Used {
        at: request::time(at_ms),
        namespace: rule.as_ref().map(|rule| rule.group.namespace.to_string()),
        group: rule.as_ref().map(|rule| rule.group.group.to_string()),
        rule: rule.as_ref().map(|rule| rule.rule.to_string()),
        used: Usage::TABLE
            .iter()
            .map(|info| (info.name, used.get(info.resource)))
            .collect(),
    });
    Ok(Json(UsageList {
        usage: usage.collect(),
    }))
}

fn time(text: Option<&str>, name: &str) -> Answer<Option<i64>> {
    let parsed = text.map(|text| {
        let wrong = || Problem::bad_request(format!("{name}: {text:?} is neither RFC 3339 nor seconds"));
        parse_time(text).ok_or_else(wrong)
    });
    parsed.transpose()
}
