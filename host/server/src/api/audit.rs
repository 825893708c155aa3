//! `/v1/audit`: who has changed what, and who was turned away; of all tenants for the
//! operator, also as an export.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wasmalert_core::TenantId;

use super::Caller;
use super::problem::{Answer, Problem};
use super::request::{self, Page, moment};
use crate::Host;
use crate::store::{AUDIT_LISTED_MAX, AuditPlace, AuditRow, StoreError};

/// A call that changed something or was not allowed to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    id: String,
    at: String,
    /// `operator`, `key` and its id, `oidc` and a subject, `proxy`, or `nobody`.
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

/// An entry of the log of all tenants.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntryOfAll {
    /// Null for a call that was turned away.
    tenant: Option<String>,
    #[serde(flatten)]
    entry: AuditEntry,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditLogOfAll {
    entries: Vec<AuditEntryOfAll>,
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

fn shown_of_all(row: AuditRow) -> AuditEntryOfAll {
    AuditEntryOfAll {
        tenant: row.tenant.as_ref().map(TenantId::to_string),
        entry: shown(row),
    }
}

/// Lists the changes that were made and those that were refused, the newest first.
#[utoipa::path(
    get, path = "/v1/audit", tag = "access", params(Page),
    responses((status = 200, body = AuditLog), (status = 403, body = Problem))
)]
pub(super) async fn own(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Query(page): Query<Page>,
) -> Answer<Json<AuditLog>> {
    let limit = page.limit()?;
    let rows = host
        .store
        .list_audit(Some(&tenant), page.before.as_deref(), limit)
        .await?;
    let next = request::next_page(&rows, limit, |row| &row.id);
    Ok(Json(AuditLog {
        entries: rows.into_iter().map(shown).collect(),
        next,
    }))
}

/// A part of the log of all tenants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageOfAll {
    /// Rows at most, 1 to 1,000; 100 without it.
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<String>,
    /// Only calls that were turned away, which belong to no tenant; false without it.
    turned_away: Option<bool>,
}

/// Lists the audit log of all tenants, and the calls that were turned away; the newest first.
#[utoipa::path(
    get, path = "/v1/audit/all", tag = "access", params(PageOfAll),
    responses((status = 200, body = AuditLogOfAll), (status = 403, body = Problem))
)]
pub(super) async fn all(
    State(host): State<Arc<Host>>,
    Query(page): Query<PageOfAll>,
) -> Answer<Json<AuditLogOfAll>> {
    let limit = request::page_limit(page.limit)?;
    let before = page.before.as_deref();
    let rows = if page.turned_away == Some(true) {
        host.store.list_audit(None, before, limit).await?
    } else {
        host.store.list_audit_of_all_tenants(before, limit).await?
    };
    let next = request::next_page(&rows, limit, |row| &row.id);
    Ok(Json(AuditLogOfAll {
        entries: rows.into_iter().map(shown_of_all).collect(),
        next,
    }))
}

/// A range of times.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Times {
    /// The first time, in RFC 3339, or a duration back from now such as `7d`; all there is
    /// without it.
    since: Option<String>,
    /// The time before which it ends, in the same forms; now without it.
    until: Option<String>,
}

/// Exports the audit log of all tenants, and the calls that were turned away, as JSON
/// lines; the oldest first. An export that could not be read to its end breaks off
/// without the end of its body.
#[utoipa::path(
    get, path = "/v1/audit/export", tag = "access", params(Times),
    responses(
        (status = 200, body = AuditEntryOfAll, content_type = "application/x-ndjson"),
        (status = 400, body = Problem), (status = 403, body = Problem),
    )
)]
pub(super) async fn export(State(host): State<Arc<Host>>, Query(times): Query<Times>) -> Answer<Response> {
    let now_ms = host.clock.now_ms();
    let time = |name, text: &Option<String>, without| match text {
        Some(text) => moment(name, text, now_ms),
        None => Ok(without),
    };
    let since_ms = time("since", &times.since, 0)?;
    let until_ms = time("until", &times.until, now_ms)?;
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(lines(host, since_ms, until_ms))).into_response())
}

/// Pages of the log, each with an entry on a line. One page is in memory at a time.
fn lines(host: Arc<Host>, since_ms: i64, until_ms: i64) -> impl Stream<Item = Result<Bytes, StoreError>> {
    // No id is empty: what is of that very time comes after it.
    let first: AuditPlace = (since_ms, String::new());
    stream::try_unfold(Some(first), move |place| {
        let host = host.clone();
        async move {
            let Some(place) = place else { return Ok(None) };
            let rows = host.store.audit_between_of_all_tenants(&place, until_ms).await;
            let rows =
                rows.inspect_err(|error| tracing::error!(%error, "an export of the audit log breaks off"))?;
            let is_full = rows.len() == AUDIT_LISTED_MAX as usize;
            let last = rows.last().map(|row| (row.time_ms, row.id.clone()));
            let Some(last) = last else { return Ok(None) };
            let page: String = rows.into_iter().map(line).collect();
            Ok(Some((Bytes::from(page), is_full.then_some(last))))
        }
    })
}

fn line(row: AuditRow) -> String {
    // Texts and numbers can always be written.
    serde_json::to_string(&shown_of_all(row)).unwrap_or_default() + "\n"
}
