//! Query sources.

use wasmalert_core::TenantId;

use super::named::{SOURCES, SpecRow};
use super::{Kind, Store, StoreError};

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
        self.put_spec(&SOURCES, (tenant, name), spec, now_ms).await
    }

    /// Every source, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_sources(&self, tenant: &TenantId) -> Result<Vec<SpecRow>, StoreError> {
        self.list_specs(&SOURCES, tenant).await
    }

    /// One source.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_source(&self, tenant: &TenantId, name: &str) -> Result<Option<SpecRow>, StoreError> {
        self.get_spec(&SOURCES, tenant, name).await
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
