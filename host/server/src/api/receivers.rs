//! `/v1/receivers`: where notifications go.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;
use wasmalert_core::spec::{DIGEST_WANTED, is_digest};
use wasmalert_sandbox::World;

use super::problem::{Answer, Problem};
use super::request::{Body, Changed};
use super::{Caller, request};
use crate::Host;
use crate::access::quota;
use crate::catalog::{ModuleInfo, ReceiverSpec};
use crate::schema::Configured;
use crate::store::ReceiverRow;

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
    request_body = ReceiverSpec, responses((status = 201, body = Changed), (status = 200, body = Changed, description = "It was there already"), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
    Body(spec): Body<ReceiverSpec>,
) -> Answer<(StatusCode, Json<Changed>)> {
    request::name(&name)?;
    let notifier = check(&host, &tenant, &spec)
        .map_err(|problem| Problem::invalid(format!("the receiver {name} is not valid"), vec![problem]))?;
    let module = host.catalog.of(&tenant).used((&spec).into());
    let config = spec.config_text();
    let spec = serde_json::to_string(&spec).map_err(|error| Problem::bad_request(error.to_string()))?;
    let before = host.store.get_receiver(&tenant, &name).await?;
    if let Some(row) = before.as_ref().filter(|row| row.spec == spec) {
        return Ok(Changed::not(name, row.revision));
    }
    let configured = Configured {
        place: "config".into(),
        config: &config,
        name: &module.name,
        module: notifier,
    };
    let claim = host.tenants.of(&tenant).claim(Quota::UploadsAtOnce);
    host.schemas.check(&claim, &[configured]).await?;
    let _counting = host.counting.lock().await;
    quota::check(&host, &tenant, Quota::Receivers, u64::from(before.is_none())).await?;
    let revision = host
        .store
        .put_receiver(&tenant, &name, &spec, &module, host.clock.now_ms())
        .await?;
    host.catalog.reload(&host.store, &tenant).await?;
    Ok(Changed::now(name, revision, before.is_some()))
}

/// The notifier of a receiver.
fn check(host: &Host, tenant: &TenantId, spec: &ReceiverSpec) -> Result<Arc<ModuleInfo>, String> {
    if spec.config.as_ref().is_some_and(|config| !config.is_object()) {
        return Err("config: is not an object".into());
    }
    if spec.digest.as_ref().is_some_and(|digest| !is_digest(digest)) {
        return Err(format!("digest: {DIGEST_WANTED}"));
    }
    let catalog = host.catalog.of(tenant);
    let module = catalog
        .notifier(spec)
        .map_err(|missing| format!("module: {missing}"))?;
    if module.world != World::Notifier {
        let world = module.world.as_str();
        return Err(format!("module: {} is a {world}, not a notifier", spec.module));
    }
    catalog
        .check_trust(&spec.module, &module)
        .map_err(|problem| format!("module: {problem}"))?;
    Ok(module)
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
) -> Answer<Json<Receiver>> {
    let row = host.store.get_receiver(&tenant, &name).await?;
    request::shown(row, receiver, format!("receiver {name}"))
}

/// Deletes a receiver; refused while a rule uses it.
#[utoipa::path(
    delete, path = "/v1/receivers/{name}", tag = "receivers", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(super) async fn delete(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let gone = host.store.delete_receiver(&tenant, &name).await?;
    host.catalog.reload(&host.store, &tenant).await?;
    request::no_content(gone, format!("receiver {name}"))
}
