//! `/v1/modules`: compiled rules and notifiers.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::quota::Quota;

use super::problem::{Answer, Problem};
use super::{Caller, request};
use crate::Host;
use crate::catalog::DescriptionBody;
use crate::registry::{UPLOADS_WAITING_OF_TENANT_MAX, UploadError, discard, upload};
use crate::store::ModuleRow;

/// One version of a module.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Module {
    #[schema(example = "prometheus")]
    name: String,
    version: u32,
    /// `sha256:` and 64 hexadecimal digits, of the bytes that were uploaded.
    digest: String,
    /// `rule` or `notifier`.
    world: String,
    description: DescriptionBody,
    /// Size of what was uploaded.
    bytes: u64,
    compile_ms: u64,
    created_at: String,
}

impl From<ModuleRow> for Module {
    fn from(row: ModuleRow) -> Self {
        Self {
            name: row.name,
            version: row.version,
            digest: row.digest,
            world: row.world,
            description: serde_json::from_str(&row.description).unwrap_or_default(),
            bytes: row.bytes,
            compile_ms: row.compile_ms,
            created_at: request::time(row.created_ms),
        }
    }
}

/// The newest version of every module.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Modules {
    modules: Vec<Module>,
}

/// Every version of one module, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Versions {
    name: String,
    versions: Vec<Module>,
}

/// Lists the newest version of every module.
#[utoipa::path(get, path = "/v1/modules", tag = "modules", responses((status = 200, body = Modules)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Modules>> {
    let modules = host
        .store
        .list_modules(&tenant)
        .await?
        .into_iter()
        .map(Module::from)
        .collect();
    Ok(Json(Modules { modules }))
}

/// Uploads a module: a component, or a core module with its component-type section.
///
/// It is checked against the worlds `rule` and `notifier`, and compiled in a
/// process of its own. The same bytes under the same name give the same version.
#[utoipa::path(
    post, path = "/v1/modules/{name}", tag = "modules", params(("name" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 201, body = Module), (status = 200, body = Module, description = "It was there already"),
        (status = 413, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem),
    )
)]
pub(super) async fn upload_module(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
    request: Request,
) -> Answer<(StatusCode, Json<Module>)> {
    request::name(&name)?;
    // The bodies of uploads are large: only so many are held at a time.
    let mut claim = host.tenants.of(&tenant).claim(Quota::UploadsAtOnce);
    claim.share.waiting = UPLOADS_WAITING_OF_TENANT_MAX;
    let Ok(_turn) = host.registry.uploads().take(&claim).await else {
        return Err(refusal(UploadError::Busy));
    };
    let bytes_max = usize::try_from(host.config.module_bytes).unwrap_or(usize::MAX);
    let wasm = to_bytes(request.into_body(), bytes_max).await.map_err(|_| {
        let detail = format!(
            "the body is over {bytes_max} bytes, or broke off; the limit is the setting module_bytes"
        );
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    })?;
    let put = upload(&host, &tenant, &name, wasm.into())
        .await
        .map_err(refusal)?;
    let status = if put.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(put.module.into())))
}

fn refusal(error: UploadError) -> Problem {
    match error {
        UploadError::Compile(error) if !error.is_host() => {
            let status = match error.code {
                "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            Problem::new(status, error.code, error.message).with(error.problems)
        }
        UploadError::Describe(fault) if !fault.code.is_host() => {
            let detail = format!("describe() failed: {}", fault.message);
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, fault.code.as_str(), detail)
        }
        UploadError::Schema(error) => error.into(),
        UploadError::Quota(error) => error.into(),
        error @ UploadError::SchemaJson(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_outcome", error.to_string())
        }
        error @ UploadError::Busy => Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", error.to_string()),
        UploadError::Store(error) => error.into(),
        error => {
            tracing::error!(%error, "an upload failed");
            let detail = "the server could not compile or keep the module; see its log";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "host_error", detail)
        }
    }
}

/// Lists every version of a module.
#[utoipa::path(
    get, path = "/v1/modules/{name}", tag = "modules", params(("name" = String, Path)),
    responses((status = 200, body = Versions), (status = 404, body = Problem))
)]
pub(super) async fn versions(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<Json<Versions>> {
    let versions: Vec<Module> = host
        .store
        .module_versions(&tenant, &name)
        .await?
        .into_iter()
        .map(Module::from)
        .collect();
    if versions.is_empty() {
        return Err(Problem::not_found(format!("module {name}")));
    }
    Ok(Json(Versions { name, versions }))
}

/// Shows one version of a module.
#[utoipa::path(
    get, path = "/v1/modules/{name}/versions/{version}", tag = "modules",
    params(("name" = String, Path), ("version" = u32, Path)),
    responses((status = 200, body = Module), (status = 404, body = Problem))
)]
pub(super) async fn version(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((name, version)): Path<(String, u32)>,
) -> Answer<Json<Module>> {
    let row = host.store.get_module(&tenant, &name, Some(version)).await?;
    // The store takes version 0 for the newest.
    let row = row.filter(|row| row.version == version);
    let shown = |row: ModuleRow| Some(row.into());
    request::shown(row, shown, format!("module {name} version {version}"))
}

/// The bytes of one version, as they were uploaded.
#[utoipa::path(
    get, path = "/v1/modules/{name}/versions/{version}/wasm", tag = "modules",
    params(("name" = String, Path), ("version" = u32, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/wasm"), (status = 404, body = Problem),
    )
)]
pub(super) async fn wasm(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((name, version)): Path<(String, u32)>,
) -> Answer<impl IntoResponse> {
    let wasm = host.store.module_wasm(&tenant, &name, version).await?;
    let wasm = wasm.ok_or_else(|| Problem::not_found(format!("module {name} version {version}")))?;
    Ok(([(header::CONTENT_TYPE, "application/wasm")], wasm))
}

/// Deletes a module with all its versions; refused while one is in use.
#[utoipa::path(
    delete, path = "/v1/modules/{name}", tag = "modules", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(super) async fn delete_all(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let versions = host.store.module_versions(&tenant, &name).await?;
    let gone = host.store.delete_module(&tenant, &name).await?;
    host.catalog.reload(&host.store, &tenant).await?;
    let answer = request::no_content(gone, format!("module {name}"))?;
    for version in versions {
        discard(&host, &tenant, &version.digest).await;
    }
    Ok(answer)
}

/// Deletes one version of a module; refused while it is in use.
#[utoipa::path(
    delete, path = "/v1/modules/{name}/versions/{version}", tag = "modules",
    params(("name" = String, Path), ("version" = u32, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(super) async fn delete_version(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path((name, version)): Path<(String, u32)>,
) -> Answer<StatusCode> {
    let row = host.store.get_module(&tenant, &name, Some(version)).await?;
    let gone = host.store.delete_module_version(&tenant, &name, version).await?;
    let what = format!("module {name} version {version}");
    host.catalog.reload(&host.store, &tenant).await?;
    let answer = request::no_content(gone, what)?;
    if let Some(row) = row {
        discard(&host, &tenant, &row.digest).await;
    }
    Ok(answer)
}
