//! The outbox: notifications on their way, in lanes.

use std::collections::BTreeMap;

use wasmalert_core::{GroupKey, RuleKey, TenantId};

use super::row::Fields;
use super::script::Script;
use super::{Row, Store, StoreError};

/// The most rows one listing gives.
pub const OUTBOX_LISTED_MAX: u32 = 1_000;

/// Why a notification is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxKind {
    Fired,
    Resolved,
    /// Says again what the receiver should know; a newer row of the lane replaces it.
    Resend,
}

impl OutboxKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Resolved => "resolved",
            Self::Resend => "resend",
        }
    }

    #[must_use]
    pub fn parse(kind: &str) -> Option<Self> {
        [Self::Fired, Self::Resolved, Self::Resend]
            .into_iter()
            .find(|k| k.as_str() == kind)
    }
}

/// How far a notification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxStatus {
    Pending,
    Delivered,
    /// Given up; it can be retried by hand.
    Dead,
}

impl OutboxStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    #[must_use]
    pub fn parse(status: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead]
            .into_iter()
            .find(|s| s.as_str() == status)
    }
}

/// A notification to send; the rule is that of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutboxRow {
    /// From [`Store::new_id`]: the order within the lane.
    pub id: String,
    pub receiver: String,
    pub kind: OutboxKind,
    /// A JSON text, opaque here.
    pub payload: String,
    pub idempotency_key: String,
    pub created_ms: i64,
    pub next_attempt_ms: i64,
}

/// A notification in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    pub id: String,
    pub rule: RuleKey,
    pub receiver: String,
    pub kind: OutboxKind,
    pub payload: String,
    pub idempotency_key: String,
    pub created_ms: i64,
    pub next_attempt_ms: i64,
    pub attempts: u32,
    /// Requests of it that the receiver has taken; the next attempt begins after them.
    pub requests_done: u32,
    pub status: OutboxStatus,
    pub last_error: Option<String>,
    /// When it was delivered or given up.
    pub finished_ms: Option<i64>,
}

/// What waits in a tenant's outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    pub tenant: TenantId,
    pub pending: u64,
    pub dead: u64,
    /// When the oldest pending notification was made.
    pub oldest_pending_ms: Option<i64>,
}

impl Store {
    /// The notifications of a tenant, or of one of its groups, to send now, those waiting
    /// longest first: the first pending one of each lane, when its time has come. A row that does not parse is an
    /// error in its place, so that it holds up only its lane.
    ///
    /// # Errors
    /// As the database does.
    pub async fn due(
        &self,
        tenant: &TenantId,
        of: Option<&GroupKey>,
        now_ms: i64,
        limit: u32,
    ) -> Result<Vec<Result<OutboxRow, StoreError>>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM outbox AS o WHERE tenant = $1 AND status = 'pending'
                 AND next_attempt_ms <= $2
                 AND ($4 IS NULL OR (namespace = $4 AND group_name = $5))
                 AND NOT EXISTS (SELECT 1 FROM outbox AS e
                     WHERE e.tenant = o.tenant AND e.receiver = o.receiver
                       AND e.namespace = o.namespace AND e.group_name = o.group_name
                       AND e.rule = o.rule AND e.status = 'pending' AND e.id < o.id)
             ORDER BY next_attempt_ms, id LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(now_ms)
        .bind(i64::from(limit))
        .bind(of.map(|group| &*group.namespace))
        .bind(of.map(|group| &*group.group))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.iter().map(outbox).collect())
    }

    /// When the next notification of a tenant is to be sent; it may be in the past.
    ///
    /// # Errors
    /// As the database does.
    pub async fn next_due_ms(&self, tenant: &TenantId) -> Result<Option<i64>, StoreError> {
        let next = sqlx::query_scalar(
            "SELECT next_attempt_ms FROM outbox AS o WHERE tenant = $1 AND status = 'pending'
                 AND NOT EXISTS (SELECT 1 FROM outbox AS e
                     WHERE e.tenant = o.tenant AND e.receiver = o.receiver
                       AND e.namespace = o.namespace AND e.group_name = o.group_name
                       AND e.rule = o.rule AND e.status = 'pending' AND e.id < o.id)
             ORDER BY next_attempt_ms LIMIT 1",
        )
        .bind(tenant.as_str())
        .fetch_optional(&self.read)
        .await?;
        Ok(next)
    }

    /// A notification, if it is still to be sent now.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn pending_now(
        &self,
        tenant: &TenantId,
        id: &str,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM outbox WHERE tenant = $1 AND id = $2 AND status = 'pending' AND next_attempt_ms <= $3",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(now_ms)
        .fetch_optional(&self.read)
        .await?;
        row.as_ref().map(outbox).transpose()
    }

    /// The tenants for whom something waits.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn pending_of_all_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT tenant FROM outbox WHERE status = 'pending'");
        let rows = rows.fetch_all(&self.read).await?;
        let tenant = |row| {
            Fields {
                table: "outbox",
                key: &["tenant"],
                row,
            }
            .tenant()
        };
        rows.iter().map(tenant).collect()
    }

    /// Notes how many requests of a notification are done; false when it is not pending
    /// any more.
    ///
    /// # Errors
    /// As the database does.
    pub async fn record_progress(
        &self,
        tenant: &TenantId,
        id: &str,
        requests_done: u32,
    ) -> Result<bool, StoreError> {
        let update = sqlx::query(
            "UPDATE outbox SET requests_done = $3
             WHERE tenant = $1 AND id = $2 AND status = 'pending'",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(i64::from(requests_done));
        self.change(update).await
    }

    /// Notes a failed attempt and when to try again; false when it is not pending any more.
    ///
    /// # Errors
    /// As the database does.
    pub async fn record_attempt(
        &self,
        tenant: &TenantId,
        id: &str,
        next_attempt_ms: i64,
        error: &str,
    ) -> Result<bool, StoreError> {
        let update = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, next_attempt_ms = $3, last_error = $4
             WHERE tenant = $1 AND id = $2 AND status = 'pending'",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(next_attempt_ms)
        .bind(error);
        self.change(update).await
    }

    /// Notes that the receiver has taken it; false when it is not pending any more.
    ///
    /// # Errors
    /// As the database does.
    pub async fn record_delivered(
        &self,
        tenant: &TenantId,
        id: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.finish(tenant, id, OutboxStatus::Delivered, now_ms, None)
            .await
    }

    /// Gives it up, so that its lane goes on; false when it is not pending any more.
    ///
    /// # Errors
    /// As the database does.
    pub async fn record_dead(
        &self,
        tenant: &TenantId,
        id: &str,
        now_ms: i64,
        error: &str,
    ) -> Result<bool, StoreError> {
        self.finish(tenant, id, OutboxStatus::Dead, now_ms, Some(error))
            .await
    }

    async fn finish(
        &self,
        tenant: &TenantId,
        id: &str,
        status: OutboxStatus,
        now_ms: i64,
        error: Option<&str>,
    ) -> Result<bool, StoreError> {
        let update = sqlx::query(
            "UPDATE outbox SET status = $3, finished_ms = $4, last_error = $5,
                 attempts = attempts + 1
             WHERE tenant = $1 AND id = $2 AND status = 'pending'",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(status.as_str())
        .bind(now_ms)
        .bind(error);
        self.change(update).await
    }

    /// Makes a dead notification pending again, due now and with its attempts counted
    /// anew; false when it is not dead.
    ///
    /// It goes before the later ones of its lane, and after the requests already done.
    ///
    /// # Errors
    /// As the database does.
    pub async fn retry_dead(&self, tenant: &TenantId, id: &str, now_ms: i64) -> Result<bool, StoreError> {
        let update = sqlx::query(
            "UPDATE outbox SET status = 'pending', attempts = 0, next_attempt_ms = $3,
                 finished_ms = NULL
             WHERE tenant = $1 AND id = $2 AND status = 'dead'",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(now_ms);
        self.change(update).await
    }

    /// A tenant's notifications, the newest first.
    ///
    /// `before` is the last id of the page before; `limit` is at most [`OUTBOX_LISTED_MAX`].
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_outbox(
        &self,
        tenant: &TenantId,
        status: Option<OutboxStatus>,
        limit: u32,
        before: Option<&str>,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM outbox WHERE tenant = $1
                 AND (CAST($2 AS TEXT) IS NULL OR status = $2)
                 AND (CAST($3 AS TEXT) IS NULL OR id < $3)
             ORDER BY id DESC LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(status.map(OutboxStatus::as_str))
        .bind(before)
        .bind(i64::from(limit.min(OUTBOX_LISTED_MAX)))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(outbox).collect()
    }

    /// What waits and what was given up, per tenant that has either.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn backlogs_of_all_tenants(&self) -> Result<Vec<Backlog>, StoreError> {
        let rows = sqlx::query(
            "SELECT tenant, SUM(is_pending) AS pending, SUM(is_dead) AS dead,
                 MIN(created_ms) AS oldest
             FROM (SELECT tenant, 1 AS is_pending, 0 AS is_dead, created_ms
                   FROM outbox WHERE status = 'pending'
                   UNION ALL
                   SELECT tenant, 0 AS is_pending, 1 AS is_dead,
                       CAST(NULL AS BIGINT) AS created_ms
                   FROM outbox WHERE status = 'dead' AND finished_ms IS NOT NULL) AS waiting
             GROUP BY tenant ORDER BY tenant",
        )
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let fields = Fields {
                    table: "outbox",
                    key: &["tenant"],
                    row,
                };
                Ok(Backlog {
                    tenant: fields.tenant()?,
                    pending: fields.number("pending")?,
                    dead: fields.number("dead")?,
                    oldest_pending_ms: fields.get("oldest")?,
                })
            })
            .collect()
    }
}

/// Puts the notifications of one commit into their lanes, in place of the resends
/// of earlier commits that wait there.
pub(super) fn enqueue(script: &mut Script, rule: &RuleKey, rows: &[NewOutboxRow]) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for row in rows {
        let id = first.entry(&row.receiver).or_insert(&row.id);
        *id = (*id).min(&row.id);
    }
    for (receiver, id) in first {
        let superseded = "DELETE FROM outbox WHERE tenant = ? AND namespace = ? AND group_name = ?
            AND rule = ? AND receiver = ? AND status = 'pending' AND kind = 'resend' AND id < ?";
        script.add_for(rule, superseded).bind(receiver).bind(id);
    }
    for new in rows {
        script
            .add_for(
                rule,
                "INSERT INTO outbox (tenant, namespace, group_name, rule, receiver, id, kind,
                    payload, idempotency_key, created_ms, next_attempt_ms,
                    attempts, requests_done, status)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 'pending')
                 ON CONFLICT (tenant, id) DO NOTHING",
            )
            .bind(&new.receiver)
            .bind(&new.id)
            .bind(new.kind.as_str())
            .bind(&new.payload)
            .bind(&new.idempotency_key)
            .bind(new.created_ms)
            .bind(new.next_attempt_ms);
    }
}

fn outbox(row: &Row) -> Result<OutboxRow, StoreError> {
    let fields = Fields {
        table: "outbox",
        key: &["tenant", "id"],
        row,
    };
    Ok(OutboxRow {
        id: fields.get("id")?,
        rule: fields.rule()?,
        receiver: fields.get("receiver")?,
        kind: fields.code("kind", OutboxKind::parse)?,
        payload: fields.get("payload")?,
        idempotency_key: fields.get("idempotency_key")?,
        created_ms: fields.get("created_ms")?,
        next_attempt_ms: fields.get("next_attempt_ms")?,
        attempts: fields.number("attempts")?,
        requests_done: fields.number("requests_done")?,
        status: fields.code("status", OutboxStatus::parse)?,
        last_error: fields.get("last_error")?,
        finished_ms: fields.get("finished_ms")?,
    })
}
