//! The audit log: who changed what, and who was turned away.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Row, Store, StoreError};

/// Rows that one call lists.
pub const AUDIT_LISTED_MAX: u32 = 1_000;

/// What SQLite itself holds the log to: entries are added, never changed, and removed
/// only from before `audit_kept`. Without the second trigger `INSERT OR REPLACE` would
/// change one.
pub(super) const GUARDS: &str = "
    CREATE TRIGGER IF NOT EXISTS audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'entries of the audit log are not changed'); END;
    CREATE TRIGGER IF NOT EXISTS audit_is_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE tenant = NEW.tenant AND id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'entries of the audit log are not replaced'); END;
    CREATE TRIGGER IF NOT EXISTS audit_is_kept BEFORE DELETE ON audit
    WHEN OLD.time_ms >= (SELECT since_ms FROM audit_kept)
    BEGIN SELECT RAISE(ABORT, 'entries of the audit log are kept'); END;";

/// A place in the log of all tenants by time: a time in ms, and an id.
pub type AuditPlace = (i64, String);

/// A call of the API that changed something or was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// None for a call that belongs to no tenant.
    pub tenant: Option<TenantId>,
    /// Sorts after every id before it.
    pub id: String,
    pub time_ms: i64,
    /// Who it was, such as `key 0123456789abcdef`; `nobody` if that is not known.
    pub actor: String,
    /// Where the call came from.
    pub address: String,
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
}

impl Store {
    /// Adds rows to the log.
    ///
    /// # Errors
    /// As the database does; none is added then.
    pub async fn add_audit(&self, rows: &[AuditRow]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        for row in rows {
            let add = sqlx::query(
                "INSERT INTO audit (tenant, id, time_ms, actor, address, method, path, status)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            );
            add.bind(row.tenant.as_ref().map_or("", TenantId::as_str))
                .bind(&row.id)
                .bind(row.time_ms)
                .bind(&row.actor)
                .bind(&row.address)
                .bind(&row.method)
                .bind(&row.path)
                .bind(i64::from(row.status))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await
    }

    /// A tenant's rows, the newest first, at most `limit` and [`AUDIT_LISTED_MAX`];
    /// before an id if one is given. Those of no tenant with none.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_audit(
        &self,
        tenant: Option<&TenantId>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM audit WHERE tenant = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        );
        let rows = rows
            .bind(tenant.map_or("", TenantId::as_str))
            .bind(before)
            .bind(i64::from(limit.min(AUDIT_LISTED_MAX)));
        rows.fetch_all(&self.read).await?.iter().map(audit).collect()
    }

    /// As [`Store::list_audit`], of all tenants and of none.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_audit_of_all_tenants(
        &self,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM audit WHERE $1 IS NULL OR id < $1 ORDER BY id DESC LIMIT $2");
        let rows = rows.bind(before).bind(i64::from(limit.min(AUDIT_LISTED_MAX)));
        rows.fetch_all(&self.read).await?.iter().map(audit).collect()
    }

    /// Rows of all tenants and of none after a place and from before a time, the oldest
    /// first, at most [`AUDIT_LISTED_MAX`].
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn audit_between_of_all_tenants(
        &self,
        (after_ms, after_id): &AuditPlace,
        until_ms: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM audit WHERE (time_ms, id) > ($1, $2) AND time_ms < $3
             ORDER BY time_ms, id LIMIT $4",
        );
        let rows = rows
            .bind(after_ms)
            .bind(after_id)
            .bind(until_ms)
            .bind(i64::from(AUDIT_LISTED_MAX));
        rows.fetch_all(&self.read).await?.iter().map(audit).collect()
    }

    /// Removes rows from before a time, at most `rows_max`.
    ///
    /// # Errors
    /// As the database does.
    pub async fn prune_audit_of_all_tenants(&self, before_ms: i64, rows_max: u32) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        // Where nothing is that old nothing is written.
        let keep = sqlx::query(
            "UPDATE audit_kept SET since_ms = $1
             WHERE since_ms < $1 AND EXISTS (SELECT 1 FROM audit WHERE time_ms < $1)",
        );
        keep.bind(before_ms).execute(&mut *tx).await?;
        let prune = sqlx::query(
            "DELETE FROM audit WHERE (tenant, id) IN
                 (SELECT tenant, id FROM audit WHERE time_ms < $1 ORDER BY time_ms LIMIT $2)",
        );
        let prune = prune.bind(before_ms).bind(i64::from(rows_max));
        prune.execute(&mut *tx).await?;
        tx.commit().await
    }
}

fn audit(row: &Row) -> Result<AuditRow, StoreError> {
    let fields = Fields {
        table: "audit",
        key: &["tenant", "id"],
        row,
    };
    let tenant: &str = fields.get("tenant")?;
    Ok(AuditRow {
        tenant: if tenant.is_empty() {
            None
        } else {
            Some(fields.tenant()?)
        },
        id: fields.get("id")?,
        time_ms: fields.get("time_ms")?,
        actor: fields.get("actor")?,
        address: fields.get("address")?,
        method: fields.get("method")?,
        path: fields.get("path")?,
        status: fields.number("status")?,
    })
}
