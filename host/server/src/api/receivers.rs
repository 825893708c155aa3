//! `/v1/receivers`: where notifications go.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Answer, Problem};
use super::request::{Body, Changed, ETag};
use super::{By, Caller, config, request};
use crate::Host;
use crate::catalog::ReceiverSpec;
use crate::configure::Wanted;
use crate::store::{ItemKey, ItemKind, ReceiverRow};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Receiver {
    name: String,
    revision: i64,
    updated_at: String,
    spec: ReceiverSpec,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Receivers {
    receivers: Vec<Receiver>,
}

fn receiver(row: ReceiverRow) -> Option<Receiver> {
    Some(Receiver {
        name: row.name,
        revision: row.revision,
        updated_at: request::time(row.updated_ms),
        spec: serde_json::from_str(&row.spec).ok()?,
    })
}

/// Lists the receivers.
#[utoipa::path(get, path = "/v1/receivers", tag = "receivers", responses((status = 200, body = Receivers)))]
pub(super) async fn list(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
) -> Answer<Json<Receivers>> {
    let receivers = host
        .store
        .list_receivers(&tenant)
        .await?
        .into_iter()
        .filter_map(receiver)
        .collect();
    Ok(Json(Receivers { receivers }))
}

/// Makes or changes a receiver.
#[utoipa::path(
    put, path = "/v1/receivers/{name}", tag = "receivers", params(("name" = String, Path)),
    request_body = ReceiverSpec, responses((status = 201, body = Changed), (status = 200, body = Changed, description = "It was there already"), (status = 412, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(spec): Body<ReceiverSpec>,
) -> Answer<(StatusCode, ETag, Json<Changed>)> {
    let key = ItemKey::new(ItemKind::Receiver, &name);
    config::put_named(&host, (&tenant, &origin), key, Wanted::Receiver(spec), &headers).await
}

/// Shows a receiver.
#[utoipa::path(
    get, path = "/v1/receivers/{name}", tag = "receivers", params(("name" = String, Path)),
    responses((status = 200, body = Receiver), (status = 404, body = Problem))
)]
pub(super) async fn get(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<(ETag, Json<Receiver>)> {
    let row = host.store.get_receiver(&tenant, &name).await?;
    let etag = request::etag(row.as_ref().map_or(0, |row| row.revision));
    Ok((etag, request::shown(row, receiver, format!("receiver {name}"))?))
}

/// Deletes a receiver; refused while a rule uses it.
#[utoipa::path(
    delete, path = "/v1/receivers/{name}", tag = "receivers", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let key = ItemKey::new(ItemKind::Receiver, &name);
    config::delete(&host, (&tenant, &origin), key, &headers).await
}
