//! How much a tenant has.

use wasmalert_core::TenantId;
use wasmalert_core::quota::Quota;

use super::{Store, StoreError};

impl Store {
    /// How much of something a tenant has in the store; 0 for what is not kept here.
    ///
    /// # Errors
    /// As the database does.
    pub async fn count(&self, tenant: &TenantId, quota: Quota) -> Result<u64, StoreError> {
        let sql = match quota {
            Quota::Modules => "SELECT COUNT(*) FROM modules WHERE tenant = $1",
            Quota::CodeBytes => "SELECT COALESCE(SUM(LENGTH(wasm)), 0) FROM module_code WHERE tenant = $1",
            Quota::Groups => "SELECT COUNT(*) FROM rule_groups WHERE tenant = $1",
            Quota::Sources => "SELECT COUNT(*) FROM sources WHERE tenant = $1",
            Quota::Receivers => "SELECT COUNT(*) FROM receivers WHERE tenant = $1",
            Quota::Secrets => "SELECT COUNT(*) FROM secrets WHERE tenant = $1",
            Quota::Scrapes => "SELECT COUNT(*) FROM scrapes WHERE tenant = $1",
            Quota::Keys => "SELECT COUNT(*) FROM api_keys WHERE tenant = $1",
            _ => return Ok(0),
        };
        let count: i64 = sqlx::query_scalar(sql)
            .bind(tenant.as_str())
            .fetch_one(&self.read)
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
