//! `/v1/keys`: the keys of a tenant.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;
use wasmalert_core::units::parse_duration_ms;

use super::problem::{Answer, Problem};
use super::request::Body;
use super::{Caller, request};
use crate::Host;
use crate::access::{Key, Scope, Scopes, quota};
use crate::store::KeyRow;

const TITLE_BYTES_MAX: usize = 256;

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyBody {
    id: String,
    title: String,
    /// Of `read`, `write`, `deploy` and `admin`.
    scopes: Vec<String>,
    created_at: String,
    /// Null for one that does not end by itself.
    expires_at: Option<String>,
    /// Exact to a minute after a crash; null if never.
    last_used_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyList {
    keys: Vec<KeyBody>,
}

/// A key that was just made: the only time that it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewKey {
    #[serde(flatten)]
    of: KeyBody,
    /// To be sent as `Authorization: Bearer KEY`.
    key: String,
}

/// What a new key is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRequest {
    /// What it is for; at most 256 bytes.
    #[serde(default)]
    title: String,
    /// Of `read`, `write`, `deploy` and `admin`; `write` and `deploy` include `read`, `admin` all.
    #[schema(example = json!(["write"]))]
    scopes: Vec<String>,
    /// A Prometheus duration, such as `90d`; without it the key does not end by itself.
    expires_in: Option<String>,
}

/// How a key is exchanged for a new one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateRequest {
    /// How long the old key is good for yet, a Prometheus duration; default `0s`.
    overlap: Option<String>,
}

fn shown(host: &Host, row: KeyRow) -> KeyBody {
    let last_used_ms = host.access.keys().last_used_ms(&row.id).or(row.last_used_ms);
    KeyBody {
        scopes: row.scopes.split(',').map(str::to_owned).collect(),
        created_at: request::time(row.created_ms),
        expires_at: row.expires_ms.map(request::time),
        last_used_at: last_used_ms.map(request::time),
        id: row.id,
        title: row.title,
    }
}

fn duration_ms(field: &str, text: Option<&str>) -> Answer<Option<i64>> {
    let parsed = text.map(parse_duration_ms).transpose();
    parsed.map_err(|error| Problem::invalid("the key is not valid", vec![format!("{field}: {error}")]))
}

/// Lists the keys.
#[utoipa::path(get, path = "/v1/keys", tag = "access", responses((status = 200, body = KeyList)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<KeyList>> {
    let rows = host.store.list_keys(&tenant).await?;
    Ok(Json(KeyList {
        keys: rows.into_iter().map(|row| shown(&host, row)).collect(),
    }))
}

/// Makes a key. It is shown in the answer and never again.
#[utoipa::path(
    post, path = "/v1/keys", tag = "access", request_body = KeyRequest,
    responses((status = 201, body = NewKey), (status = 422, body = Problem), (status = 429, body = Problem))
)]
pub(super) async fn create(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Body(wanted): Body<KeyRequest>,
) -> Answer<(StatusCode, Json<NewKey>)> {
    let mut problems = Vec::new();
    let scopes = Scopes::parse(wanted.scopes.iter().map(String::as_str));
    if let Err(name) = scopes {
        let names = Scope::OF_KEYS.map(Scope::as_str).join(", ");
        problems.push(format!("scopes: {name:?} is none of {names}"));
    } else if scopes.is_ok_and(Scopes::is_empty) {
        problems.push("scopes: give at least one".to_owned());
    }
    if wanted.title.len() > TITLE_BYTES_MAX || wanted.title.chars().any(char::is_control) {
        problems.push(format!(
            "title: is longer than {TITLE_BYTES_MAX} bytes, or has a control character"
        ));
    }
    if !problems.is_empty() {
        return Err(Problem::invalid("the key is not valid", problems));
    }
    let expires_in_ms = duration_ms("expires_in", wanted.expires_in.as_deref())?;
    add(
        &host,
        tenant,
        wanted.title,
        wanted.scopes.join(","),
        expires_in_ms,
    )
    .await
}

async fn add(
    host: &Host,
    tenant: TenantId,
    title: String,
    scopes: String,
    expires_in_ms: Option<i64>,
) -> Answer<(StatusCode, Json<NewKey>)> {
    let _counting = host.counting.lock().await;
    quota::check(host, &tenant, Quota::Keys, 1).await?;
    let key = Key::make().map_err(|error| {
        tracing::error!(%error, "no chance for a key");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "host_error",
            "no key could be made",
        )
    })?;
    let now_ms = host.clock.now_ms();
    let row = KeyRow {
        tenant,
        id: key.id.clone(),
        title,
        digest: key.digest(),
        scopes,
        created_ms: now_ms,
        expires_ms: expires_in_ms.map(|ms| now_ms.saturating_add(ms)),
        last_used_ms: None,
    };
    host.store.add_key(&row).await?;
    // It may have been asked for before it was there.
    host.access.keys().forget(&row.id);
    let answer = NewKey {
        of: shown(host, row),
        key: key.text(),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Makes a key with the title and the scopes of another, which ends at once or after a while.
#[utoipa::path(
    post, path = "/v1/keys/{id}/rotate", tag = "access", params(("id" = String, Path)), request_body = RotateRequest,
    responses((status = 201, body = NewKey), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn rotate(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(id): Path<String>,
    Body(wanted): Body<RotateRequest>,
) -> Answer<(StatusCode, Json<NewKey>)> {
    let overlap_ms = duration_ms("overlap", wanted.overlap.as_deref())?.unwrap_or(0);
    let old = host.store.get_key(&tenant, &id).await?;
    let old = old.ok_or_else(|| Problem::not_found(format!("key {id}")))?;
    let lasts_ms = old.expires_ms.map(|end_ms| end_ms.saturating_sub(old.created_ms));
    let made = add(&host, tenant.clone(), old.title, old.scopes, lasts_ms).await?;
    let until_ms = host.clock.now_ms().saturating_add(overlap_ms);
    let until_ms = old.expires_ms.map_or(until_ms, |end_ms| end_ms.min(until_ms));
    host.store.expire_key(&tenant, &id, until_ms).await?;
    host.access.keys().forget(&id);
    Ok(made)
}

/// Deletes a key: it is good for nothing any more.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "access", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let gone = host.store.delete_key(&tenant, &id).await?;
    host.access.keys().forget(&id);
    request::no_content(gone, format!("key {id}"))
}
