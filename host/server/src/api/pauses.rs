//! `/v1/pauses`: what people have paused.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wasmalert_core::TenantId;

use super::problem::{Answer, Problem};
use super::request::Body;
use super::{By, Caller, request};
use crate::Host;
use crate::store::PauseRow;

/// Pauses of a tenant.
const PAUSES_MAX: usize = 1_000;
/// The longest reason.
const REASON_BYTES_MAX: usize = 1_024;

/// What is paused: all rules of the tenant, or those of a namespace, of a group, or one rule.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Scope {
    namespace: Option<String>,
    /// With a namespace.
    group: Option<String>,
    /// With a group: as `/v1/rules` names it.
    rule: Option<String>,
}

/// Something to be paused.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewPause {
    namespace: Option<String>,
    /// With a namespace.
    group: Option<String>,
    /// With a group: as `/v1/rules` names it.
    rule: Option<String>,
    /// For people; at most 1,024 bytes.
    reason: String,
}

/// Something that is paused; null stands for all there are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pause {
    namespace: Option<String>,
    group: Option<String>,
    rule: Option<String>,
    reason: String,
    /// As the audit log names callers.
    by: String,
    since: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pauses {
    pauses: Vec<Pause>,
}

impl Pause {
    pub(super) fn of(row: &PauseRow) -> Self {
        let named = |name: &String| (!name.is_empty()).then(|| name.clone());
        Self {
            namespace: named(&row.namespace),
            group: named(&row.group),
            rule: named(&row.rule),
            reason: row.reason.clone(),
            by: row.actor.clone(),
            since: request::time(row.since_ms),
        }
    }
}

impl Scope {
    /// Namespace, group and rule, empty where all are meant.
    fn names(&self) -> Answer<(&str, &str, &str)> {
        let names = (
            self.namespace.as_deref().unwrap_or_default(),
            self.group.as_deref().unwrap_or_default(),
            self.rule.as_deref().unwrap_or_default(),
        );
        match names {
            (_, "", "") => Ok(names),
            (namespace, group, _) if !namespace.is_empty() && !group.is_empty() => Ok(names),
            _ => Err(Problem::bad_request(
                "a rule is named with its group, and a group with its namespace",
            )),
        }
    }
}

/// Lists what is paused.
#[utoipa::path(get, path = "/v1/pauses", tag = "rules", responses((status = 200, body = Pauses)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Pauses>> {
    let rows = host.store.list_pauses(&tenant).await?;
    let pauses = rows.iter().map(Pause::of).collect();
    Ok(Json(Pauses { pauses }))
}

/// Pauses rules: they are not evaluated, and their alerts, state and timers stay as they are.
///
/// Receivers hear nothing meanwhile: one that forgets what it does not hear again, such as Alertmanager, takes firing
/// alerts for resolved after a while. The pause goes when what is paused is deleted.
#[utoipa::path(
    put, path = "/v1/pauses", tag = "rules", request_body = NewPause,
    responses((status = 204), (status = 404, body = Problem), (status = 429, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Body(wanted): Body<NewPause>,
) -> Answer<StatusCode> {
    if wanted.reason.len() > REASON_BYTES_MAX {
        let detail = format!("reason: is longer than {REASON_BYTES_MAX} bytes");
        return Err(Problem::bad_request(detail));
    }
    let scope = Scope {
        namespace: wanted.namespace,
        group: wanted.group,
        rule: wanted.rule,
    };
    let (namespace, group, rule) = scope.names()?;
    let _one_at_a_time = host.configuring.lock().await;
    if !is_there(&host, &tenant, (namespace, group, rule)) {
        let what = [namespace, group, rule].join("/");
        return Err(Problem::not_found(format!(
            "rule under {}",
            what.trim_end_matches('/')
        )));
    }
    if !host.tenants.is_there(&tenant) || host.pauses.of(&tenant).len() >= PAUSES_MAX {
        let detail = format!("{PAUSES_MAX} pauses are the most: pause whole groups or namespaces");
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_pauses",
            detail,
        ));
    }
    let row = PauseRow {
        tenant,
        namespace: namespace.to_owned(),
        group: group.to_owned(),
        rule: rule.to_owned(),
        reason: wanted.reason,
        actor: origin.actor,
        since_ms: host.clock.now_ms(),
    };
    host.store.put_pause(&row).await?;
    host.pauses.reload(&host.store, &row.tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn is_there(host: &Host, tenant: &TenantId, (namespace, group, rule): (&str, &str, &str)) -> bool {
    let is = |wanted: &str, name: &str| wanted.is_empty() || wanted == name;
    let everything = namespace.is_empty();
    everything
        || host.groups.of_tenant(tenant).iter().any(|live| {
            let is_group = is(namespace, &live.key.namespace) && is(group, &live.key.group);
            is_group && (rule.is_empty() || live.rules.iter().any(|live| *live.key.rule == *rule))
        })
}

/// Ends a pause: rules that are under no other are evaluated again from their next slot on.
#[utoipa::path(
    delete, path = "/v1/pauses", tag = "rules", params(Scope),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Query(scope): Query<Scope>,
) -> Answer<StatusCode> {
    let names = scope.names()?;
    let _one_at_a_time = host.configuring.lock().await;
    let gone = host.store.delete_pause(&tenant, names).await?;
    host.pauses.reload(&host.store, &tenant).await?;
    request::no_content(gone, "such pause; see GET /v1/pauses")
}
