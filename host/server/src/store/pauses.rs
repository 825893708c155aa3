//! What people have paused.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Row, Store, StoreError};

/// Something that is paused; an empty name stands for all there are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PauseRow {
    pub tenant: TenantId,
    pub namespace: String,
    pub group: String,
    /// The rule's key within its group.
    pub rule: String,
    /// For people.
    pub reason: String,
    /// As the audit log names callers.
    pub actor: String,
    pub since_ms: i64,
}

impl Store {
    /// Pauses something, or changes the reason; since when it is paused stays.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_pause(&self, row: &PauseRow) -> Result<(), StoreError> {
        let put = sqlx::query(
            "INSERT INTO pauses (tenant, namespace, group_name, rule, reason, actor, since_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (tenant, namespace, group_name, rule) DO UPDATE SET
                 reason = excluded.reason, actor = excluded.actor",
        );
        let put = put
            .bind(row.tenant.as_str())
            .bind(&row.namespace)
            .bind(&row.group);
        let put = put.bind(&row.rule).bind(&row.reason).bind(&row.actor);
        self.change(put.bind(row.since_ms)).await.map(drop)
    }

    /// Ends a pause; false when there is none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn delete_pause(
        &self,
        tenant: &TenantId,
        (namespace, group, rule): (&str, &str, &str),
    ) -> Result<bool, StoreError> {
        let gone = sqlx::query(
            "DELETE FROM pauses WHERE tenant = $1 AND namespace = $2 AND group_name = $3 AND rule = $4",
        );
        let gone = gone.bind(tenant.as_str()).bind(namespace).bind(group).bind(rule);
        self.change(gone).await
    }

    /// What a tenant has paused, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_pauses(&self, tenant: &TenantId) -> Result<Vec<PauseRow>, StoreError> {
        let sql = "SELECT * FROM pauses WHERE tenant = $1 ORDER BY namespace, group_name, rule";
        self.rows_of(sql, tenant).await?.iter().map(pause).collect()
    }
}

fn pause(row: &Row) -> Result<PauseRow, StoreError> {
    let fields = Fields {
        table: "pauses",
        key: &["tenant", "namespace", "group_name", "rule"],
        row,
    };
    Ok(PauseRow {
        tenant: fields.tenant()?,
        namespace: fields.get("namespace")?,
        group: fields.get("group_name")?,
        rule: fields.get("rule")?,
        reason: fields.get("reason")?,
        actor: fields.get("actor")?,
        since_ms: fields.get("since_ms")?,
    })
}
