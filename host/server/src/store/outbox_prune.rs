//! Forgetting notifications that are done.

use super::row::Fields;
use super::{OutboxStatus, Store, StoreError};

/// Tenants that one pruning by count looks at.
const TENANTS_PRUNED_MAX: i64 = 1_000;

impl Store {
    /// Removes finished notifications that are too old or too many, and says how many.
    ///
    /// Of `status` (pending ones are never removed): those that ended before `before_ms`,
    /// and in each tenant all but the newest `keep`; about `limit` of them in one call, so
    /// call again while it gives `limit` or more.
    ///
    /// # Errors
    /// As the database does.
    pub async fn prune_outbox_of_all_tenants(
        &self,
        status: OutboxStatus,
        before_ms: i64,
        keep: u32,
        limit: u32,
    ) -> Result<u64, StoreError> {
        if status == OutboxStatus::Pending {
            return Ok(0);
        }
        let mut tx = self.begin_write().await?;
        let mut removed = sqlx::query(
            "DELETE FROM outbox WHERE (tenant, id) IN (SELECT tenant, id FROM outbox
                 WHERE status = $1 AND finished_ms < $2 ORDER BY finished_ms LIMIT $3)",
        )
        .bind(status.as_str())
        .bind(before_ms)
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        let rows = sqlx::query(
            "SELECT tenant FROM outbox WHERE status = $1 AND finished_ms IS NOT NULL
             GROUP BY tenant HAVING COUNT(*) > $2 LIMIT $3",
        )
        .bind(status.as_str())
        .bind(i64::from(keep))
        .bind(TENANTS_PRUNED_MAX)
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            let fields = Fields {
                table: "outbox",
                key: &["tenant"],
                row,
            };
            let left = u64::from(limit).saturating_sub(removed);
            removed += sqlx::query(
                "DELETE FROM outbox WHERE tenant = $1 AND id IN (SELECT id FROM outbox
                     WHERE tenant = $1 AND status = $2 ORDER BY id DESC LIMIT $3 OFFSET $4)",
            )
            .bind(fields.get::<&str>("tenant")?)
            .bind(status.as_str())
            .bind(i64::try_from(left).unwrap_or(i64::MAX))
            .bind(i64::from(keep))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        }
        tx.commit().await?;
        Ok(removed)
    }
}
