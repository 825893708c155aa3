//! `/v1/scrapes`: what is scraped into the embedded source.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;

use super::problem::{Answer, Problem};
use super::request::{Body, Changed};
use super::{Caller, request};
use crate::Host;
use crate::access::quota;
use crate::scrape::{self, ScrapeSpec, TargetStatus};
use crate::store::{SCRAPES, SpecRow};

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
    responses((status = 201, body = Changed), (status = 200, body = Changed, description = "It was there already"), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
    Body(spec): Body<ScrapeSpec>,
) -> Answer<(StatusCode, Json<Changed>)> {
    request::name(&name)?;
    spec.validate(&name)
        .map_err(|problems| Problem::invalid(format!("the scrape {name} is not valid"), problems))?;
    let targets = spec.targets.len() as u64;
    let spec = serde_json::to_string(&spec).map_err(|error| Problem::bad_request(error.to_string()))?;
    let before = host.store.get_spec(&SCRAPES, &tenant, &name).await?;
    if let Some(row) = before.as_ref().filter(|row| row.spec == spec) {
        return Ok(Changed::not(name, row.revision));
    }
    let _counting = host.counting.lock().await;
    quota::check(&host, &tenant, Quota::Scrapes, u64::from(before.is_none())).await?;
    let had = host.scrapes.targets_of(&tenant, &name);
    quota::check(&host, &tenant, Quota::Targets, targets.saturating_sub(had)).await?;
    let now_ms = host.clock.now_ms();
    let revision = host
        .store
        .put_spec(&SCRAPES, &tenant, &name, &spec, now_ms)
        .await?;
    scrape::reload(&host, &tenant).await?;
    Ok(Changed::now(name, revision, before.is_some()))
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
) -> Answer<Json<Scrape>> {
    let row = host.store.get_spec(&SCRAPES, &tenant, &name).await?;
    request::shown(row, |row| shown(&host, &tenant, row), format!("scrape {name}"))
}

/// Deletes a scrape; its series end.
#[utoipa::path(
    delete, path = "/v1/scrapes/{name}", tag = "scrapes", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let gone = host.store.delete_scrape(&tenant, &name).await?;
    scrape::reload(&host, &tenant).await?;
    request::no_content(gone, format!("scrape {name}"))
}
