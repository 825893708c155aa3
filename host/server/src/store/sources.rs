//! Query sources.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::uses::next_revision;
use super::{Kind, Row, Store, StoreError};

/// A stored source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    pub name: String,
    /// A JSON text, as the API took it.
    pub spec: String,
    /// Greater than any before it in the tenant.
    pub revision: i64,
    pub updated_ms: i64,
}

impl Store {
    /// Makes or replaces a source and gives its revision.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_source(
        &self,
        tenant: &TenantId,
        name: &str,
        spec: &str,
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin_write().await?;
        let revision = next_revision(&mut tx, tenant).await?;
        sqlx::query(
            "INSERT INTO sources (tenant, name, spec, revision, updated_ms)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant, name) DO UPDATE SET spec = excluded.spec,
                 revision = excluded.revision, updated_ms = excluded.updated_ms",
        )
        .bind(tenant.as_str())
        .bind(name)
        .bind(spec)
        .bind(revision)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(revision)
    }

    /// Every source, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_sources(&self, tenant: &TenantId) -> Result<Vec<SourceRow>, StoreError> {
        let sql = "SELECT * FROM sources WHERE tenant = $1 ORDER BY name";
        let rows = self.rows_of(sql, tenant).await?;
        rows.iter().map(source).collect()
    }

    /// One source.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_source(&self, tenant: &TenantId, name: &str) -> Result<Option<SourceRow>, StoreError> {
        let sql = "SELECT * FROM sources WHERE tenant = $1 AND name = $2";
        let row = self.row_named(sql, tenant, name).await?;
        row.as_ref().map(source).transpose()
    }

    /// Deletes a source; false when there is none.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a rule names it.
    pub async fn delete_source(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM sources WHERE tenant = $1 AND name = $2";
        self.delete_unused(sql, Kind::Source, tenant, name).await
    }
}

fn source(row: &Row) -> Result<SourceRow, StoreError> {
    let fields = Fields {
        table: "sources",
        key: &["tenant", "name"],
        row,
    };
    Ok(SourceRow {
        name: fields.get("name")?,
        spec: fields.get("spec")?,
        revision: fields.get("revision")?,
        updated_ms: fields.get("updated_ms")?,
    })
}
