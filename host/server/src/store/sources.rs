//! Query sources.

use wasmalert_core::TenantId;

use super::{Kind, Store, StoreError};

impl Store {
    /// Deletes a source; false when there is none.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a rule names it.
    pub async fn delete_source(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM sources WHERE tenant = $1 AND name = $2";
        self.delete_unused(sql, Kind::Source, tenant, name).await
    }
}
