//! `/v1/modules/{name}/pull`: modules out of OCI registries.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::modules::{Module, take, upload_turn};
use super::problem::{Answer, Problem};
use super::request::Body;
use super::{By, Caller, request};
use crate::Host;
use crate::http_client::auth::{BasicAuth, is_placeholder};
use crate::oci::{Access, PullError, Pulled, Wanted, pull};
use crate::provenance::ModuleSource;
use crate::registry::Upload;

/// The longest user of a registry.
const USERNAME_BYTES_MAX: usize = 1_024;

/// Where a module is, and how to get it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PullRequest {
    /// Registry, repository, and a tag or the digest of a manifest.
    #[schema(example = "registry.example.com/rules/slack:1.2")]
    reference: String,
    /// Of the manifest, where the reference has none: `sha256:` and 64 hexadecimal digits.
    #[serde(default)]
    digest: Option<String>,
    /// Talks http to the registry, which the policy of egress has to allow; https without it.
    #[serde(default)]
    plain_http: bool,
    /// The password is `{{secret:NAME}}`, a secret that is bound to the registry's hosts.
    #[serde(default)]
    basic_auth: Option<BasicAuth>,
    /// The text of the module's `.minisig` file.
    #[serde(default)]
    signature: Option<String>,
    /// Makes the version that of the rules and receivers that name none.
    #[serde(default)]
    promote: bool,
}

/// Pulls a module from an OCI registry, and takes it in like an upload.
///
/// All requests go where the tenant's policy of egress allows. The manifest has one layer
/// of `application/wasm`; its digest and the module's are verified. A tenant pulls one
/// module at a time.
#[utoipa::path(
    post, path = "/v1/modules/{name}/pull", tag = "modules", params(("name" = String, Path)),
    request_body = PullRequest,
    responses(
        (status = 201, body = Module), (status = 200, body = Module, description = "It was there already"),
        (status = 403, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 502, body = Problem, description = "The registry failed"),
    )
)]
pub(super) async fn pull_module(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Extension(origin): By,
    Path(name): Path<String>,
    Body(wanted): Body<PullRequest>,
) -> Answer<(StatusCode, Json<Module>)> {
    request::name(&name)?;
    let reference = Wanted::parse(&wanted.reference, wanted.digest.as_deref()).map_err(refusal)?;
    check_credentials(wanted.basic_auth.as_ref())?;
    let _turn = upload_turn(&host, &tenant).await?;
    let client = host.http.without_redirects(&tenant).map_err(|error| {
        tracing::error!(%error, "no client for a pull");
        let detail = "the server could not set up a request; see its log";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "host_error", detail)
    })?;
    let catalog = host.catalog.of(&tenant);
    let access = Access {
        client: &client,
        secrets: &catalog.secrets,
        basic_auth: wanted.basic_auth.as_ref(),
        plain_http: wanted.plain_http,
    };
    let pulled = pull(access, &reference, host.config.module_bytes).await;
    let Pulled {
        wasm,
        reference,
        digest,
    } = pulled.map_err(refusal)?;
    let brought = Upload {
        name: &name,
        wasm,
        by: &origin,
        source: ModuleSource::Oci { reference, digest },
        signature: wanted.signature,
        promote: wanted.promote,
    };
    take(&host, &tenant, brought).await
}

fn check_credentials(auth: Option<&BasicAuth>) -> Answer<()> {
    let Some(auth) = auth else { return Ok(()) };
    let detail = if auth.username.len() > USERNAME_BYTES_MAX {
        format!("basic_auth.username: is longer than {USERNAME_BYTES_MAX} bytes")
    } else if !is_placeholder(&auth.password) {
        "basic_auth.password: give {{secret:NAME}}, a secret that is bound to the registry's hosts".to_owned()
    } else {
        return Ok(());
    };
    Err(Problem::invalid(detail, Vec::new()))
}

fn refusal(error: PullError) -> Problem {
    let status = match &error {
        PullError::Denied(_) => StatusCode::FORBIDDEN,
        PullError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        PullError::Unauthorized(_) | PullError::Registry(_) | PullError::Timeout => StatusCode::BAD_GATEWAY,
        PullError::Reference(_)
        | PullError::Secret(_)
        | PullError::NotFound(_)
        | PullError::Manifest(_)
        | PullError::Digest { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, error.code(), error.to_string())
}
