//! `/v1/tenants/{name}/egress`: where requests for a tenant may go. For the operator alone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::TenantId;

use super::problem::{Answer, Problem};
use super::request::{self, Body};
use crate::Host;
use crate::egress::EgressPolicy;

/// The policy that holds for a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Egress {
    /// Whether it is the tenant's own, and not the server's default.
    own: bool,
    policy: EgressPolicy,
}

/// A tenant that is there.
fn tenant(host: &Host, name: &str) -> Answer<TenantId> {
    let there = host.tenants.named(name);
    there.ok_or_else(|| Problem::not_found(format!("tenant {name}")))
}

/// Shows where requests for a tenant may go.
#[utoipa::path(
    get, path = "/v1/tenants/{name}/egress", tag = "tenants", params(("name" = String, Path)),
    responses((status = 200, body = Egress), (status = 404, body = Problem))
)]
pub(super) async fn get(State(host): State<Arc<Host>>, Path(name): Path<String>) -> Answer<Json<Egress>> {
    let tenant = tenant(&host, &name)?;
    let egress = host.http.egress();
    Ok(Json(Egress {
        own: egress.is_set(&tenant),
        policy: EgressPolicy::clone(&egress.of(&tenant)),
    }))
}

/// Gives a tenant a policy of its own, from its next request on.
#[utoipa::path(
    put, path = "/v1/tenants/{name}/egress", tag = "tenants", params(("name" = String, Path)),
    request_body = EgressPolicy,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub(super) async fn put(
    State(host): State<Arc<Host>>,
    Path(name): Path<String>,
    Body(policy): Body<EgressPolicy>,
) -> Answer<StatusCode> {
    let tenant = tenant(&host, &name)?;
    policy
        .validate()
        .map_err(|errors| Problem::invalid("the policy is not valid", errors))?;
    let text = serde_json::to_string(&policy).map_err(|error| Problem::bad_request(error.to_string()))?;
    let is_there = host.store.put_egress(&tenant, &text).await?;
    if is_there {
        host.http.egress().set(tenant, policy);
    }
    request::no_content(is_there, format!("tenant {name}"))
}

/// Takes a tenant's own policy away: the server's default holds again.
#[utoipa::path(
    delete, path = "/v1/tenants/{name}/egress", tag = "tenants", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(super) async fn delete(State(host): State<Arc<Host>>, Path(name): Path<String>) -> Answer<StatusCode> {
    let tenant = tenant(&host, &name)?;
    let gone = host.store.delete_egress(&tenant).await?;
    host.http.egress().forget(&tenant);
    request::no_content(gone, format!("policy of the tenant {name}"))
}
