//! `/v1/modules`: compiled rules and notifiers.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;

use super::problem::{Answer, Problem};
use super::request::Body;
use super::{By, Caller, request};
use crate::Host;
use crate::catalog::{DescriptionBody, ModuleRef, TenantCatalog, Trusted};
use crate::configure::{self, Change, Wanted};
use crate::fair::Turn;
use crate::provenance::{ModuleSource, Provenance};
use crate::registry::{Taken, UPLOADS_WAITING_OF_TENANT_MAX, Upload, UploadError, discard, upload};
use crate::signing::SIGNATURE_BYTES_MAX;
use crate::store::ModuleRow;
use crate::store::{ItemKey, ItemKind, Terms};

/// Carries the signature of an upload.
const SIGNATURE_HEADER: &str = "wasmalert-signature";

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
    /// 0 for one that came with the program: that is compiled when it is first used.
    compile_ms: u64,
    created_at: String,
    /// Whether rules and receivers that name no version run this one.
    promoted: bool,
    /// Whether somebody vouches for it as of now.
    trust: Trusted,
    provenance: Provenance,
    /// What whoever uploaded it should know; in the answer to an upload alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Module {
    fn new(row: ModuleRow, catalog: &TenantCatalog) -> Self {
        let provenance = Provenance::parse(&row.provenance);
        let signed_by = provenance.signature.as_ref();
        let signed_by = signed_by.map(|signature| signature.public_key.as_str());
        Self {
            trust: catalog.trust.of(&row.digest, signed_by),
            provenance,
            warnings: Vec::new(),
            name: row.name,
            version: row.version,
            digest: row.digest,
            world: row.world,
            description: serde_json::from_str(&row.description).unwrap_or_default(),
            bytes: row.bytes,
            compile_ms: row.compile_ms,
            created_at: request::time(row.created_ms),
            promoted: row.promoted,
        }
    }
}

/// The promoted version of every module.
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

/// Lists the promoted version of every module.
#[utoipa::path(get, path = "/v1/modules", tag = "modules", responses((status = 200, body = Modules)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Modules>> {
    let catalog = host.catalog.of(&tenant);
    let modules = host
        .store
        .list_modules(&tenant)
        .await?
        .into_iter()
        .map(|row| Module::new(row, &catalog))
        .collect();
    Ok(Json(Modules { modules }))
}

/// How a module is uploaded.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadQuery {
    /// Makes the version that of the rules and receivers that name none, as `/v1/modules/{name}/promoted`
    /// does later. The first version is promoted in any case.
    #[serde(default)]
    promote: bool,
}

/// Uploads a module: a component, or a core module with its component-type section.
///
/// It is checked against the worlds `rule` and `notifier`, and compiled in a
/// process of its own. The same bytes under the same name give the same version.
/// Under the policy `require` it needs a signature of one of `/v1/signers`; a signature
/// that is not good is refused under every policy.
#[utoipa::path(
    post, path = "/v1/modules/{name}", tag = "modules",
    params(
        ("name" = String, Path),
        UploadQuery,
        ("wasmalert-signature" = Option<String>, Header,
            description = "The `.minisig` file that `minisign -Sm` makes, in base64."),
    ),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 201, body = Module), (status = 200, body = Module, description = "It was there already"),
        (status = 413, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem),
    )
)]
pub(super) async fn upload_module(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Answer<(StatusCode, Json<Module>)> {
    request::name(&name)?;
    let signature = signature(request.headers())?;
    // The bodies of uploads are large: only so many are held at a time.
    let _turn = upload_turn(&host, &tenant).await?;
    let bytes_max = usize::try_from(host.config.module_bytes).unwrap_or(usize::MAX);
    let wasm = to_bytes(request.into_body(), bytes_max).await.map_err(|_| {
        let detail = format!(
            "the body is over {bytes_max} bytes, or broke off; the limit is the setting module_bytes"
        );
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    })?;
    let brought = Upload {
        name: &name,
        wasm: wasm.into(),
        by: &origin,
        source: ModuleSource::Upload,
        signature,
        promote: query.promote,
    };
    take(&host, &tenant, brought).await
}

/// Waits until the tenant may bring a module.
pub(super) async fn upload_turn(host: &Host, tenant: &TenantId) -> Answer<Turn> {
    let mut claim = host.tenants.of(tenant).claim(Quota::UploadsAtOnce);
    claim.share.waiting = UPLOADS_WAITING_OF_TENANT_MAX;
    let turn = host.registry.uploads().take(&claim).await;
    turn.map_err(|_| refusal(UploadError::Busy))
}

/// Takes a module in, and answers with the version that it is.
pub(super) async fn take(
    host: &Arc<Host>,
    tenant: &TenantId,
    brought: Upload<'_>,
) -> Answer<(StatusCode, Json<Module>)> {
    let Taken { put, warnings } = upload(host, tenant, brought).await.map_err(refusal)?;
    let status = request::put_status(!put.created);
    let module = Module {
        warnings,
        ..Module::new(put.module, &host.catalog.of(tenant))
    };
    Ok((status, Json(module)))
}

/// The signature that comes with an upload.
fn signature(headers: &HeaderMap) -> Answer<Option<String>> {
    let Some(value) = headers.get(SIGNATURE_HEADER) else {
        return Ok(None);
    };
    let text = Some(value).filter(|value| value.len() <= SIGNATURE_BYTES_MAX / 3 * 4 + 4);
    let text = text.and_then(|value| BASE64.decode(value.as_bytes().trim_ascii()).ok());
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    let detail =
        "the header `Wasmalert-Signature` is not a .minisig file in base64 (`base64 -w0 FILE.wasm.minisig`)";
    let wrong = || Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "signature_invalid", detail);
    text.map(Some).ok_or_else(wrong)
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
        UploadError::Quarantined(fault) => {
            Problem::new(StatusCode::FORBIDDEN, fault.code.as_str(), fault.message)
        }
        UploadError::Signature(error) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.code(), error.to_string())
        }
        UploadError::Schema(error) => error.into(),
        UploadError::Quota(error) => error.into(),
        error @ UploadError::SchemaJson(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_outcome", error.to_string())
        }
        error @ UploadError::Busy => Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", error.to_string()),
        UploadError::Store(error) => error.into(),
        UploadError::Promotion(refused) => Problem::refused("the promotion", refused),
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
    let catalog = host.catalog.of(&tenant);
    let versions: Vec<Module> = host
        .store
        .module_versions(&tenant, &name)
        .await?
        .into_iter()
        .map(|row| Module::new(row, &catalog))
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
    let row = host.store.get_module(&tenant, &name, version).await?;
    let catalog = host.catalog.of(&tenant);
    let shown = |row| Some(Module::new(row, &catalog));
    request::shown(row, shown, format!("module {name} version {version}"))
}

/// Which version to promote.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Promotion {
    #[schema(example = 2)]
    version: u32,
}

/// Promotes a version: rules and receivers that name none run it from their next slot on.
///
/// A version that was promoted before may be promoted again, which undoes what came after it.
/// Rules keep their alerts, state and timers.
#[utoipa::path(
    put, path = "/v1/modules/{name}/promoted", tag = "modules", params(("name" = String, Path)),
    request_body = Promotion,
    responses((status = 200, body = Module), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn put_promoted(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    Body(Promotion { version }): Body<Promotion>,
) -> Answer<Json<Module>> {
    let missing = || Problem::not_found(format!("module {name} version {version}"));
    let wanted = ModuleRef {
        name: &name,
        version: Some(version),
        digest: None,
    };
    let catalog = host.catalog.of(&tenant);
    let module = catalog.find(wanted).map_err(|_| missing())?;
    let untrusted = |why| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "signature_missing", why);
    catalog.check_trust(&name, &module).map_err(untrusted)?;
    let promotion = Change::put(ItemKey::new(ItemKind::Module, &name), Wanted::Promoted(version));
    let changed = configure::change(&host, &tenant, &origin, vec![promotion], Terms::default()).await;
    changed.map_err(|refused| Problem::refused("the promotion", refused))?;
    let row = host.store.get_module(&tenant, &name, version).await?;
    let row = row.ok_or_else(missing)?;
    Ok(Json(Module::new(row, &catalog)))
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
    let row = host.store.get_module(&tenant, &name, version).await?;
    let gone = host.store.delete_module_version(&tenant, &name, version).await?;
    let what = format!("module {name} version {version}");
    host.catalog.reload(&host.store, &tenant).await?;
    let answer = request::no_content(gone, what)?;
    if let Some(row) = row {
        discard(&host, &tenant, &row.digest).await;
    }
    Ok(answer)
}
