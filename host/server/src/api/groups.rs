//! `/v1/groups`: rules and when they are evaluated.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::{GroupKey, TenantId};

use super::problem::{Answer, Problem};
use super::request::{Body, ETag};
use super::{By, Caller, config, request};
use crate::Host;
use crate::configure::Wanted;
use crate::groups::GroupBody;
use crate::store::{GroupRow, ItemKey};

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
    responses((status = 201, body = GroupChanged), (status = 200, body = GroupChanged, description = "It was there already"), (status = 412, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path((namespace, group)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<GroupBody>,
) -> Answer<(StatusCode, ETag, Json<GroupChanged>)> {
    let key = ItemKey::group(&namespace, &group);
    let done = config::put(&host, (&tenant, &origin), key, Wanted::Group(body), &headers).await?;
    let answer = GroupChanged {
        namespace,
        group,
        revision: done.revision,
        changed: done.changed,
    };
    Ok((
        request::put_status(done.was_there),
        request::etag(done.revision),
        Json(answer),
    ))
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
) -> Answer<(ETag, Json<Group>)> {
    let row = host.store.get_group(&key(tenant, &namespace, &name)).await?;
    let etag = request::etag(row.as_ref().map_or(0, |row| row.revision));
    Ok((
        etag,
        request::shown(row, group, format!("group {namespace}/{name}"))?,
    ))
}

/// Deletes a group with its alerts and the state of its rules.
#[utoipa::path(
    delete, path = "/v1/groups/{namespace}/{group}", tag = "groups",
    params(("namespace" = String, Path), ("group" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path((namespace, group)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    config::delete(
        &host,
        (&tenant, &origin),
        ItemKey::group(&namespace, &group),
        &headers,
    )
    .await
}
