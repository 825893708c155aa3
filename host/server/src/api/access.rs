//! `/v1/whoami`: who calls.

use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::access::{self, Scope};

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Whoami {
    tenant: String,
    /// `operator`, `key` and its id, `oidc` and a subject, or `proxy`.
    actor: String,
    /// What the caller may do.
    scopes: Vec<&'static str>,
}

/// Tells who calls, and what they may do.
#[utoipa::path(get, path = "/v1/whoami", tag = "access", responses((status = 200, body = Whoami), (status = 401, body = Problem)))]
pub(super) async fn whoami(Extension(caller): Extension<access::Caller>) -> Json<Whoami> {
    Json(Whoami {
        tenant: caller.tenant.to_string(),
        actor: caller.actor.to_string(),
        scopes: caller.scopes.iter().map(Scope::as_str).collect(),
    })
}
