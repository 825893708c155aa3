//! `/v1/notifications`: what was told to whom, and what could not be.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Answer, Problem};
use super::{Caller, request};
use crate::Host;
use crate::notify::alerts_in;
use crate::store::{OutboxRow, OutboxStatus};

/// The alerts of one rule for one receiver.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notification {
    id: String,
    receiver: String,
    namespace: String,
    group: String,
    rule: String,
    /// `fired`, `resolved` or `resend`.
    kind: &'static str,
    /// `pending`, `delivered` or `dead`.
    status: &'static str,
    /// Number of alerts.
    alerts: usize,
    attempts: u32,
    created_at: String,
    /// Only while it is pending.
    next_attempt_at: Option<String>,
    /// When it was delivered or given up.
    finished_at: Option<String>,
    last_error: Option<String>,
    /// The same for every attempt; requests carry it with their number behind it.
    idempotency_key: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notifications {
    notifications: Vec<Notification>,
    /// `before` of the next page; null on the last one.
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NotificationFilter {
    /// `pending`, `delivered` or `dead`.
    status: Option<String>,
    /// Rows at most, 1 to 1,000; 100 without it.
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<String>,
}

fn notification(row: OutboxRow) -> Notification {
    Notification {
        namespace: row.rule.group.namespace.to_string(),
        group: row.rule.group.group.to_string(),
        rule: row.rule.rule.to_string(),
        kind: row.kind.as_str(),
        status: row.status.as_str(),
        alerts: alerts_in(&row.payload),
        attempts: row.attempts,
        created_at: request::time(row.created_ms),
        next_attempt_at: (row.status == OutboxStatus::Pending).then(|| request::time(row.next_attempt_ms)),
        finished_at: row.finished_ms.map(request::time),
        last_error: row.last_error,
        idempotency_key: row.idempotency_key,
        id: row.id,
        receiver: row.receiver,
    }
}

/// Lists notifications, the newest first.
#[utoipa::path(
    get, path = "/v1/notifications", tag = "notifications", params(NotificationFilter),
    responses((status = 200, body = Notifications), (status = 400, body = Problem))
)]
pub(super) async fn list(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Query(filter): Query<NotificationFilter>,
) -> Answer<Json<Notifications>> {
    let status = filter.status.as_deref().map(|status| {
        OutboxStatus::parse(status).ok_or_else(|| {
            Problem::bad_request(format!(
                "status is {status:?}, not one of pending, delivered, dead"
            ))
        })
    });
    let limit = request::page_limit(filter.limit)?;
    let rows = host
        .store
        .list_outbox(&tenant, status.transpose()?, limit, filter.before.as_deref())
        .await?;
    let next = request::next_page(&rows, limit, |row| &row.id);
    Ok(Json(Notifications {
        notifications: rows.into_iter().map(notification).collect(),
        next,
    }))
}

/// Tries a dead notification again, now.
#[utoipa::path(
    post, path = "/v1/notifications/{id}/retry", tag = "notifications", params(("id" = String, Path)),
    responses((status = 202), (status = 404, body = Problem))
)]
pub(super) async fn retry(
    State(host): State<Arc<Host>>,
    Extension(tenant): Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    if !host.store.retry_dead(&tenant, &id, host.clock.now_ms()).await? {
        return Err(Problem::not_found(format!("dead notification {id}")));
    }
    host.outboxes.wake(&tenant);
    Ok(StatusCode::ACCEPTED)
}
