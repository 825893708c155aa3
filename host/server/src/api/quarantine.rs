//! `/v1/quarantine`: what the operator has stopped. For the operator alone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmalert_core::spec::is_digest;

use super::problem::{Answer, Problem};
use super::request::{self, Body};
use crate::Host;
use crate::quarantine::{self, Subject};

const REASON_BYTES_MAX: usize = 1_024;

/// What is stopped.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Quarantine {
    tenants: Vec<HeldTenant>,
    modules: Vec<HeldModule>,
}

/// A tenant that is stopped.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldTenant {
    name: String,
    reason: String,
    since: String,
}

/// A module that is stopped, whoever has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldModule {
    /// `sha256:` and 64 hexadecimal digits.
    digest: String,
    reason: String,
    since: String,
}

/// Why something is stopped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuarantineSpec {
    /// For people: the tenant reads it in errors and notices. 1 to 1,024 bytes.
    #[schema(
        example = "floods its receivers; write to ops@example.com",
        min_length = 1,
        max_length = 1024
    )]
    reason: String,
}

impl QuarantineSpec {
    fn reason(self) -> Answer<String> {
        let is_empty = self.reason.trim().is_empty();
        if is_empty || self.reason.len() > REASON_BYTES_MAX || self.reason.chars().any(char::is_control) {
            let detail =
                format!("reason: is empty, longer than {REASON_BYTES_MAX} bytes, or has a control character");
            return Err(Problem::invalid(detail, Vec::new()));
        }
        Ok(self.reason)
    }
}

/// Lists what is stopped.
#[utoipa::path(get, path = "/v1/quarantine", tag = "tenants", responses((status = 200, body = Quarantine)))]
pub(super) async fn list(State(host): State<Arc<Host>>) -> Json<Quarantine> {
    let (mut tenants, mut modules) = (Vec::new(), Vec::new());
    for (subject, hold) in host.quarantine.all() {
        let (reason, since) = (hold.reason.clone(), request::time(hold.since_ms));
        match subject {
            Subject::Tenant(tenant) => tenants.push(HeldTenant {
                name: tenant.to_string(),
                reason,
                since,
            }),
            Subject::Module(digest) => modules.push(HeldModule {
                digest,
                reason,
                since,
            }),
        }
    }
    Json(Quarantine { tenants, modules })
}

/// Stops a tenant: from its next slot on nothing of it is evaluated, scraped or delivered, and its
/// keys are refused. Its receivers are told first.
#[utoipa::path(
    put, path = "/v1/quarantine/tenants/{name}", tag = "tenants", params(("name" = String, Path)),
    request_body = QuarantineSpec,
    responses((status = 201), (status = 200, description = "It was stopped already; the reason is changed"),
        (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn hold_tenant(
    State(host): State<Arc<Host>>,
    Path(name): Path<String>,
    Body(spec): Body<QuarantineSpec>,
) -> Answer<StatusCode> {
    let reason = spec.reason()?;
    let tenant = host.tenants.named(&name);
    let tenant = tenant.ok_or_else(|| Problem::not_found(format!("tenant {name}")))?;
    hold(&host, Subject::Tenant(tenant), reason).await
}

/// Lets a tenant go on, with everything as it was left.
#[utoipa::path(
    delete, path = "/v1/quarantine/tenants/{name}", tag = "tenants", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn release_tenant(
    State(host): State<Arc<Host>>,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let gone = match host.tenants.named(&name) {
        Some(tenant) => quarantine::release(&host, &Subject::Tenant(tenant)).await?,
        None => false,
    };
    request::no_content(gone, format!("quarantine of the tenant {name}"))
}

/// Stops a module, whoever has it: it does not run, and is not taken in. Its rules leave their alerts as
/// they are and fail with `quarantined`, which their receivers are told; its notifications wait.
#[utoipa::path(
    put, path = "/v1/quarantine/modules/{digest}", tag = "tenants",
    params(("digest" = String, Path, description = "`sha256:` and 64 hexadecimal digits")), request_body = QuarantineSpec,
    responses((status = 201), (status = 200, description = "It was stopped already; the reason is changed"),
        (status = 422, body = Problem))
)]
pub(super) async fn hold_module(
    State(host): State<Arc<Host>>,
    Path(digest): Path<String>,
    Body(spec): Body<QuarantineSpec>,
) -> Answer<StatusCode> {
    let reason = spec.reason()?;
    if !is_digest(&digest) {
        let detail =
            format!("{digest:?} is no digest: write sha256: and 64 hexadecimal digits in lower case");
        return Err(Problem::invalid(detail, Vec::new()));
    }
    hold(&host, Subject::Module(digest), reason).await
}

/// Lets a module run again.
#[utoipa::path(
    delete, path = "/v1/quarantine/modules/{digest}", tag = "tenants", params(("digest" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn release_module(
    State(host): State<Arc<Host>>,
    Path(digest): Path<String>,
) -> Answer<StatusCode> {
    let gone = quarantine::release(&host, &Subject::Module(digest.clone())).await?;
    request::no_content(gone, format!("quarantine of the module {digest}"))
}

async fn hold(host: &Host, subject: Subject, reason: String) -> Answer<StatusCode> {
    let is_new = quarantine::hold(host, subject, reason).await?;
    Ok(request::put_status(!is_new))
}
