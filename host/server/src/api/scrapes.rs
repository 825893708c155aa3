//! `/v1/scrapes`: what is scraped into the embedded source.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::TenantId;

use super::problem::{Answer, Problem};
use super::request::{Body, Changed, ETag};
use super::{By, Caller, config, request};
use crate::Host;
use crate::configure::Wanted;
use crate::scrape::{ScrapeSpec, TargetStatus};
use crate::store::{ItemKey, ItemKind, SCRAPES, SpecRow};

/// A scrape, and how its targets are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Scrape {
    name: String,
    revision: i64,
    updated_at: String,
    spec: ScrapeSpec,
    /// What is wrong with it as a whole, such as a target file that cannot be read.
    errors: Vec<String>,
    targets: Vec<TargetStatus>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Scrapes {
    scrapes: Vec<Scrape>,
}

fn shown(host: &Host, tenant: &TenantId, row: SpecRow) -> Option<Scrape> {
    let spec: ScrapeSpec = serde_json::from_str(&row.spec).ok()?;
    let status = host.scrapes.status(tenant, &row.name);
    Some(Scrape {
        spec: spec.redacted(),
        errors: status.errors,
        targets: status.targets,
        name: row.name,
        revision: row.revision,
        updated_at: request::time(row.updated_ms),
    })
}

/// Lists the scrapes.
#[utoipa::path(get, path = "/v1/scrapes", tag = "scrapes", responses((status = 200, body = Scrapes)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Scrapes>> {
    let rows = host.store.list_specs(&SCRAPES, &tenant).await?;
    let scrapes = rows.into_iter().filter_map(|row| shown(&host, &tenant, row));
    Ok(Json(Scrapes {
        scrapes: scrapes.collect(),
    }))
}

/// Makes or changes a scrape.
#[utoipa::path(
    put, path = "/v1/scrapes/{name}", tag = "scrapes", params(("name" = String, Path)), request_body = ScrapeSpec,
    responses((status = 201, body = Changed), (status = 200, body = Changed, description = "It was there already"), (status = 412, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(spec): Body<ScrapeSpec>,
) -> Answer<(StatusCode, ETag, Json<Changed>)> {
    let key = ItemKey::new(ItemKind::Scrape, &name);
    config::put_named(&host, (&tenant, &origin), key, Wanted::Scrape(spec), &headers).await
}

/// Shows a scrape.
#[utoipa::path(
    get, path = "/v1/scrapes/{name}", tag = "scrapes", params(("name" = String, Path)),
    responses((status = 200, body = Scrape), (status = 404, body = Problem))
)]
pub(super) async fn get(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<(ETag, Json<Scrape>)> {
    let row = host.store.get_spec(&SCRAPES, &tenant, &name).await?;
    let etag = request::etag(row.as_ref().map_or(0, |row| row.revision));
    Ok((
        etag,
        request::shown(row, |row| shown(&host, &tenant, row), format!("scrape {name}"))?,
    ))
}

/// Deletes a scrape; its series end.
#[utoipa::path(
    delete, path = "/v1/scrapes/{name}", tag = "scrapes", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let key = ItemKey::new(ItemKind::Scrape, &name);
    config::delete(&host, (&tenant, &origin), key, &headers).await
}
