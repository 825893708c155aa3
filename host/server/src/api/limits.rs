//! `/v1/limits`: what the tenant may have, and has.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use wasmalert_core::quota::Quotas;

use super::Caller;
use super::problem::Answer;
use crate::Host;
use crate::access::quota;

/// Something of which a tenant may have so much.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Usage {
    #[schema(example = "rules")]
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    used: u64,
    allowed: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Limits {
    limits: Vec<Usage>,
}

/// Shows what the tenant may have, and how much of it there is.
#[utoipa::path(get, path = "/v1/limits", tag = "access", responses((status = 200, body = Limits)))]
pub(super) async fn list(State(host): State<Arc<Host>>, Extension(tenant): Caller) -> Answer<Json<Limits>> {
    let allowed = host.tenants.of(&tenant).quotas.clone();
    let mut limits = Vec::new();
    for info in Quotas::TABLE {
        limits.push(Usage {
            name: info.name,
            unit: info.unit,
            about: info.doc.trim(),
            used: quota::used(&host, &tenant, info.quota).await?,
            allowed: allowed.get(info.quota),
        });
    }
    Ok(Json(Limits { limits }))
}
