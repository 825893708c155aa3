//! What sources, receivers and secrets have in common: rows of a tenant, by name.

use sqlx::query::Query;
use wasmalert_core::TenantId;

use super::uses::{Versions, check_unused};
use super::{Db, Kind, Row, Store, StoreError};

type Arguments = <Db as sqlx::Database>::Arguments;

impl Store {
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

    /// Deletes the row of a tenant and a name, the query's `$1` and `$2`; false when there is none.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a rule or a receiver names it.
    pub(super) async fn delete_unused(
        &self,
        sql: &'static str,
        kind: Kind,
        tenant: &TenantId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        check_unused(&mut tx, tenant, kind, name, Versions::All).await?;
        let gone = sqlx::query(sql).bind(tenant.as_str()).bind(name);
        let gone = gone.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(gone.rows_affected() > 0)
    }

    /// Runs one statement in a transaction of its own; false when it changed no row.
    pub(super) async fn change(&self, statement: Query<'_, Db, Arguments>) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let changed = statement.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(changed.rows_affected() > 0)
    }
}
