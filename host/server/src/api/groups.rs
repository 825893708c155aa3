//! `/v1/groups`: rules and when they are evaluated.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::quota::Quota;
use wasmalert_core::spec::GroupSpec;
use wasmalert_core::{GroupKey, RuleKey, TenantId};

use super::problem::{Answer, Problem};
use super::request::Body;
use super::{Caller, request};
use crate::Host;
use crate::access::quota;
use crate::catalog::TenantCatalog;
use crate::groups::{GroupBody, check_references, configured, start};
use crate::scheduler::News;
use crate::store::{GroupRow, RuleUses, StoreError};

/// A group as it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Group {
    namespace: String,
    group: String,
    revision: i64,
    updated_at: String,
    #[serde(flatten)]
    spec: GroupBody,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Groups {
    groups: Vec<Group>,
}

/// Answer to a change of a group.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GroupChanged {
    namespace: String,
    group: String,
    revision: i64,
    /// False when it was like this already; it goes on running untouched.
    changed: bool,
}

fn group(row: GroupRow) -> Option<Group> {
    Some(Group {
        namespace: row.key.namespace.to_string(),
        group: row.key.group.to_string(),
        revision: row.revision,
        updated_at: request::time(row.updated_ms),
        spec: serde_json::from_str(&row.spec).ok()?,
    })
}

fn key(tenant: TenantId, namespace: &str, group: &str) -> GroupKey {
    GroupKey {
        tenant,
        namespace: namespace.into(),
        group: group.into(),
    }
}

/// Lists the groups.
#[utoipa::path(get, path = "/v1/groups", tag = "groups", responses((status = 200, body = Groups)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Groups>> {
    let groups = host
        .store
        .list_groups(&tenant)
        .await?
        .into_iter()
        .filter_map(group)
        .collect();
    Ok(Json(Groups { groups }))
}

/// Makes or changes a group. Rules that keep their name keep their alerts and
/// their state; the alerts of rules that are gone are dropped.
#[utoipa::path(
    put, path = "/v1/groups/{namespace}/{group}", tag = "groups",
    params(("namespace" = String, Path), ("group" = String, Path)), request_body = GroupBody,
    responses((status = 201, body = GroupChanged), (status = 200, body = GroupChanged, description = "It was there already"), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((namespace, group)): Path<(String, String)>,
    Body(body): Body<GroupBody>,
) -> Answer<(StatusCode, Json<GroupChanged>)> {
    request::title(&namespace)?;
    request::title(&group)?;
    let invalid =
        |problems| Problem::invalid(format!("the group {namespace}/{group} is not valid"), problems);
    let spec = body.to_spec(&host.tenants.of(&tenant).limits).map_err(invalid)?;
    quota::check_interval(&host.tenants.of(&tenant), spec.interval_ms)?;
    let text = serde_json::to_string(&body).map_err(|error| Problem::bad_request(error.to_string()))?;
    let key = key(tenant, &namespace, &group);

    let catalog = host.catalog.of(&key.tenant);
    let problems = check_references(&spec, &catalog);
    if !problems.is_empty() {
        return Err(invalid(problems));
    }
    let stored = host.store.get_group(&key).await?;
    if let Some(row) = stored.as_ref().filter(|row| row.spec == text) {
        let unchanged = GroupChanged {
            namespace,
            group,
            revision: row.revision,
            changed: false,
        };
        return Ok((StatusCode::OK, Json(unchanged)));
    }
    // Before the lock: a schema may take its time, and others have groups too.
    let claim = host.tenants.of(&key.tenant).claim(Quota::UploadsAtOnce);
    host.schemas.check(&claim, &configured(&spec, &catalog)).await?;
    let _one_at_a_time = host.changing_groups.lock().await;
    if !host.tenants.is_there(&key.tenant) {
        return Err(Problem::not_found(format!(
            "tenant {}: it was deleted meanwhile",
            key.tenant
        )));
    }
    let had = host.groups.get(&key).map_or(0, |group| group.rules.len());
    let more = spec.rules.len().saturating_sub(had) as u64;
    quota::check(&host, &key.tenant, Quota::Groups, u64::from(stored.is_none())).await?;
    quota::check(&host, &key.tenant, Quota::Rules, more).await?;
    let put = host
        .store
        .put_group(&key, &text, &uses(&spec, &key, &catalog), host.clock.now_ms())
        .await;
    let revision = put.map_err(|error| match error {
        // It was deleted since it was checked.
        StoreError::Missing { .. } => invalid(vec![error.to_string()]),
        error => error.into(),
    })?;
    let before = host.groups.get(&key);
    start(&host, &key, spec, revision).await?;
    if let (Some(before), Some(now)) = (before, host.groups.get(&key)) {
        let gone = before
            .rules
            .iter()
            .filter(|rule| !now.rules.iter().any(|kept| kept.key == rule.key));
        gone.for_each(|rule| forget(&host, &rule.key));
    }
    let answer = GroupChanged {
        namespace,
        group,
        revision,
        changed: true,
    };
    Ok((request::put_status(stored.is_some()), Json(answer)))
}

/// What each rule of a group refers to, so that nothing in use is deleted.
fn uses(spec: &GroupSpec, key: &GroupKey, catalog: &TenantCatalog) -> Vec<RuleUses> {
    let rules = spec.rule_keys(key).into_iter().zip(&spec.rules);
    rules
        .map(|(rule_key, rule)| RuleUses {
            rule: rule_key.rule.to_string(),
            modules: vec![catalog.used((&**rule).into())],
            sources: rule.source.iter().cloned().collect(),
            receivers: rule.receivers.clone(),
        })
        .collect()
}

/// Shows a group.
#[utoipa::path(
    get, path = "/v1/groups/{namespace}/{group}", tag = "groups",
    params(("namespace" = String, Path), ("group" = String, Path)),
    responses((status = 200, body = Group), (status = 404, body = Problem))
)]
pub(super) async fn get(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((namespace, name)): Path<(String, String)>,
) -> Answer<Json<Group>> {
    let row = host.store.get_group(&key(tenant, &namespace, &name)).await?;
    request::shown(row, group, format!("group {namespace}/{name}"))
}

/// Deletes a group with its alerts and the state of its rules.
#[utoipa::path(
    delete, path = "/v1/groups/{namespace}/{group}", tag = "groups",
    params(("namespace" = String, Path), ("group" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((namespace, group)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let key = key(tenant, &namespace, &group);
    let _one_at_a_time = host.changing_groups.lock().await;
    if !host.store.delete_group(&key).await? {
        return Err(Problem::not_found(format!("group {namespace}/{group}")));
    }
    if let Some(live) = host.groups.remove(&key) {
        live.rules.iter().for_each(|rule| forget(&host, &rule.key));
    }
    host.tell_scheduler(News::Removed(key));
    Ok(StatusCode::NO_CONTENT)
}

/// Drops what is counted of a rule that is gone.
fn forget(host: &Host, rule: &RuleKey) {
    host.tenant_metrics.forget_rule(rule);
    host.ledger.of(rule.tenant()).forget_rule(rule);
}
