//! What sources, receivers and secrets have in common: rows of a tenant, by name.

use sqlx::query::Query;
use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Arguments, Db, Row, Store, StoreError};

/// A stored source or scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecRow {
    pub name: String,
    /// A JSON text, as the API took it.
    pub spec: String,
    /// Greater than any before it in the tenant.
    pub revision: i64,
    pub updated_ms: i64,
}

/// A table of [`SpecRow`]s and its statements.
pub struct SpecTable {
    name: &'static str,
    list: &'static str,
    get: &'static str,
}

macro_rules! spec_table {
    ($name:literal) => {
        SpecTable {
            name: $name,
            list: concat!("SELECT * FROM ", $name, " WHERE tenant = $1 ORDER BY name"),
            get: concat!("SELECT * FROM ", $name, " WHERE tenant = $1 AND name = $2"),
        }
    };
}

pub const SOURCES: SpecTable = spec_table!("sources");
pub const SCRAPES: SpecTable = spec_table!("scrapes");

impl SpecTable {
    fn row(&self, row: &Row) -> Result<SpecRow, StoreError> {
        let fields = Fields {
            table: self.name,
            key: &["tenant", "name"],
            row,
        };
        Ok(SpecRow {
            name: fields.get("name")?,
            spec: fields.get("spec")?,
            revision: fields.get("revision")?,
            updated_ms: fields.get("updated_ms")?,
        })
    }
}

impl Store {
    /// Every row, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_specs(&self, table: &SpecTable, tenant: &TenantId) -> Result<Vec<SpecRow>, StoreError> {
        let rows = self.rows_of(table.list, tenant).await?;
        rows.iter().map(|row| table.row(row)).collect()
    }

    /// One row.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_spec(
        &self,
        table: &SpecTable,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<SpecRow>, StoreError> {
        let row = self.row_named(table.get, tenant, name).await?;
        row.as_ref().map(|row| table.row(row)).transpose()
    }

    /// The rows that a query gives for a tenant, its `$1`.
    pub(super) async fn rows_of(&self, sql: &'static str, tenant: &TenantId) -> Result<Vec<Row>, StoreError> {
        let query = sqlx::query(sql).bind(tenant.as_str());
        Ok(query.fetch_all(&self.read).await?)
    }

    /// The row that a query gives for a tenant and a name or other key, its `$1` and `$2`.
    pub(super) async fn row_named(
        &self,
        sql: &'static str,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<Row>, StoreError> {
        let query = sqlx::query(sql).bind(tenant.as_str()).bind(name);
        Ok(query.fetch_optional(&self.read).await?)
    }

    /// Runs one statement in a transaction of its own; false when it changed no row.
    pub(super) async fn change(&self, statement: Query<'_, Db, Arguments>) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let changed = statement.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(changed.rows_affected() > 0)
    }
}
