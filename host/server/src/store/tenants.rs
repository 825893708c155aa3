//! Tenants, and everything of a tenant at once.

use std::collections::BTreeMap;

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Connection, Row, Store, StoreError};

/// Every table of tenant data but the audit log, those that others reference last.
/// The last revision stays, so that none is used twice.
const TABLES: [&str; 25] = [
    "pauses",
    "config_change_items",
    "config_changes",
    "usage",
    "api_keys",
    "evaluations",
    "outbox",
    "rule_timers",
    "rule_state",
    "alerts",
    "rule_health",
    "rule_uses",
    "rule_groups",
    "receiver_state",
    "receivers",
    "sources",
    "scrapes",
    "secrets",
    "egress_policies",
    "signers",
    "signature_policies",
    "stock_modules",
    "modules",
    "module_code",
    "module_names",
];

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRow {
    pub tenant: TenantId,
    /// For people; may be empty.
    pub title: String,
    /// How much more it gets than a tenant of weight 1; at least 1.
    pub weight: u32,
    /// Quotas by their names, where they are not the server's.
    pub quotas: BTreeMap<String, u64>,
    /// Limits of one evaluation by their names, where they are lower than the server's.
    pub limits: BTreeMap<String, u64>,
    pub created_ms: i64,
}

impl TenantRow {
    /// A tenant for which nothing is configured.
    #[must_use]
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            title: String::new(),
            weight: 1,
            quotas: BTreeMap::new(),
            limits: BTreeMap::new(),
            created_ms: 0,
        }
    }
}

impl Store {
    /// Makes a tenant, or changes what is configured of one; true when it is new.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_tenant(&self, row: &TenantRow) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let made = sqlx::query(
            "INSERT INTO tenants (tenant, title, quotas, created_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant) DO NOTHING",
        );
        let json = |map| serde_json::to_string(map).unwrap_or_default();
        let (quotas, limits) = (json(&row.quotas), json(&row.limits));
        let name = row.tenant.as_str();
        let made = made
            .bind(name)
            .bind(&row.title)
            .bind(&quotas)
            .bind(row.created_ms);
        let is_new = made.execute(&mut *tx).await?.rows_affected() > 0;
        if is_new {
            // What a call that was under way has left of an earlier one of that name.
            delete_rows(&mut tx, &row.tenant).await?;
        }
        let changed = sqlx::query(
            "UPDATE tenants SET title = $2, weight = $3, quotas = $4, limits = $5 WHERE tenant = $1",
        );
        changed
            .bind(name)
            .bind(&row.title)
            .bind(i64::from(row.weight))
            .bind(&quotas)
            .bind(&limits)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(is_new)
    }

    /// Makes a tenant of whatever rows there are, if it is not there.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_tenant_if_missing(&self, tenant: &TenantId, now_ms: i64) -> Result<(), StoreError> {
        let made = sqlx::query(
            "INSERT INTO tenants (tenant, title, quotas, created_ms) VALUES ($1, '', '{}', $2)
             ON CONFLICT (tenant) DO NOTHING",
        );
        self.change(made.bind(tenant.as_str()).bind(now_ms))
            .await
            .map(drop)
    }

    /// Every tenant, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_tenants_of_all_tenants(&self) -> Result<Vec<TenantRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM tenants ORDER BY tenant");
        rows.fetch_all(&self.read).await?.iter().map(tenant).collect()
    }

    /// Deletes a tenant with all its rows but the audit log; false when there is none.
    ///
    /// # Errors
    /// As the database does; nothing is deleted then.
    pub async fn delete_tenant(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        delete_rows(&mut tx, tenant).await?;
        let released = sqlx::query("DELETE FROM quarantine WHERE kind = 'tenant' AND name = $1");
        released.bind(tenant.as_str()).execute(&mut *tx).await?;
        let gone = sqlx::query("DELETE FROM tenants WHERE tenant = $1");
        let gone = gone.bind(tenant.as_str()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(gone.rows_affected() > 0)
    }
}

async fn delete_rows(connection: &mut Connection, tenant: &TenantId) -> Result<(), StoreError> {
    for table in TABLES {
        let sql = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE tenant = $1"));
        sqlx::query(sql)
            .bind(tenant.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn tenant(row: &Row) -> Result<TenantRow, StoreError> {
    let fields = Fields {
        table: "tenants",
        key: &["tenant"],
        row,
    };
    Ok(TenantRow {
        tenant: fields.tenant()?,
        title: fields.get("title")?,
        weight: fields.number("weight")?,
        quotas: fields.json("quotas")?,
        limits: fields.json("limits")?,
        created_ms: fields.get("created_ms")?,
    })
}
