//! `/v1/sources`: where rules get their data.

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
use crate::configure::Wanted;
use crate::query::SourceSpec;
use crate::store::{ItemKey, ItemKind, SOURCES, SpecRow};

/// A source, with what is secret in it left out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Source {
    name: String,
    revision: i64,
    updated_at: String,
    spec: SourceSpec,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sources {
    sources: Vec<Source>,
}

fn source(row: SpecRow) -> Option<Source> {
    let spec: SourceSpec = serde_json::from_str(&row.spec).ok()?;
    Some(Source {
        name: row.name,
        revision: row.revision,
        updated_at: request::time(row.updated_ms),
        spec: spec.redacted(),
    })
}

/// Lists the sources.
#[utoipa::path(get, path = "/v1/sources", tag = "sources", responses((status = 200, body = Sources)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Sources>> {
    let sources = host
        .store
        .list_specs(&SOURCES, &tenant)
        .await?
        .into_iter()
        .filter_map(source)
        .collect();
    Ok(Json(Sources { sources }))
}

/// Makes or changes a source.
#[utoipa::path(
    put, path = "/v1/sources/{name}", tag = "sources", params(("name" = String, Path)), request_body = SourceSpec,
    responses((status = 201, body = Changed), (status = 200, body = Changed, description = "It was there already"), (status = 412, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(spec): Body<SourceSpec>,
) -> Answer<(StatusCode, ETag, Json<Changed>)> {
    let key = ItemKey::new(ItemKind::Source, &name);
    config::put_named(&host, (&tenant, &origin), key, Wanted::Source(spec), &headers).await
}

/// Shows a source.
#[utoipa::path(
    get, path = "/v1/sources/{name}", tag = "sources", params(("name" = String, Path)),
    responses((status = 200, body = Source), (status = 404, body = Problem))
)]
pub(super) async fn get(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<(ETag, Json<Source>)> {
    let row = host.store.get_spec(&SOURCES, &tenant, &name).await?;
    let etag = request::etag(row.as_ref().map_or(0, |row| row.revision));
    Ok((etag, request::shown(row, source, format!("source {name}"))?))
}

/// Deletes a source; refused while a rule uses it.
#[utoipa::path(
    delete, path = "/v1/sources/{name}", tag = "sources", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let key = ItemKey::new(ItemKind::Source, &name);
    config::delete(&host, (&tenant, &origin), key, &headers).await
}
