//! `/v1/sources`: where rules get their data.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::quota::Quota;

use super::problem::{Answer, Problem};
use super::request::{Body, Changed};
use super::{Caller, request};
use crate::Host;
use crate::access::quota;
use crate::query::SourceSpec;
use crate::store::{SOURCES, SpecRow};

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
    responses((status = 201, body = Changed), (status = 200, body = Changed, description = "It was there already"), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
    Body(spec): Body<SourceSpec>,
) -> Answer<(StatusCode, Json<Changed>)> {
    request::name(&name)?;
    spec.validate()
        .map_err(|problems| Problem::invalid(format!("the source {name} is not valid"), problems))?;
    let spec = serde_json::to_string(&spec).map_err(|error| Problem::bad_request(error.to_string()))?;
    let before = host.store.get_spec(&SOURCES, &tenant, &name).await?;
    if let Some(row) = before.as_ref().filter(|row| row.spec == spec) {
        return Ok(Changed::not(name, row.revision));
    }
    let _counting = host.counting.lock().await;
    quota::check(&host, &tenant, Quota::Sources, u64::from(before.is_none())).await?;
    let revision = host
        .store
        .put_spec(&SOURCES, &tenant, &name, &spec, host.clock.now_ms())
        .await?;
    host.catalog.reload(&host.store, &tenant).await?;
    Ok(Changed::now(name, revision, before.is_some()))
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
) -> Answer<Json<Source>> {
    let row = host.store.get_spec(&SOURCES, &tenant, &name).await?;
    request::shown(row, source, format!("source {name}"))
}

/// Deletes a source; refused while a rule uses it.
#[utoipa::path(
    delete, path = "/v1/sources/{name}", tag = "sources", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let gone = host.store.delete_source(&tenant, &name).await?;
    host.catalog.reload(&host.store, &tenant).await?;
    request::no_content(gone, format!("source {name}"))
}
