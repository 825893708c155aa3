//! `/v1/whoami` and `/v1/audit`: who calls, and who has changed what.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Answer, Problem};
use super::request::{self, Page};
use crate::Host;
use crate::access::{self, Scope};
use crate::store::AuditRow;

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Whoami {
    tenant: String,
    /// `operator`, or `key` and its id.
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

/// A call that changed something or was not allowed to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    id: String,
    at: String,
    /// `operator`, or `key` and its id.
    actor: String,
    /// Where the call came from.
    address: String,
    method: String,
    path: String,
    /// The status of the answer.
    status: u16,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditLog {
    entries: Vec<AuditEntry>,
    /// `before` of the next page; null on the last one.
    next: Option<String>,
}

fn shown(row: AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: request::time(row.time_ms),
        actor: row.actor,
        address: row.address,
        method: row.method,
        path: row.path,
        status: row.status,
    }
}

/// Lists the changes that were made and those that were refused, the newest first.
#[utoipa::path(
    get, path = "/v1/audit", tag = "access", params(Page),
    responses((status = 200, body = AuditLog), (status = 403, body = Problem))
)]
pub(super) async fn audit(
    State(host): State<Arc<Host>>,
    Extension(caller): Extension<access::Caller>,
    Query(page): Query<Page>,
) -> Answer<Json<AuditLog>> {
    let limit = page.limit()?;
    let tenant = Some(&caller.tenant);
    let rows = host
        .store
        .list_audit(tenant, page.before.as_deref(), limit)
        .await?;
    let next = request::next_page(&rows, limit, |row| &row.id);
    Ok(Json(AuditLog {
        entries: rows.into_iter().map(shown).collect(),
        next,
    }))
}
