//! Tenants' own policies for requests.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Store, StoreError};

impl Store {
    /// Makes or replaces a tenant's policy, a JSON text; false when there is no such tenant.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_egress(&self, tenant: &TenantId, policy: &str) -> Result<bool, StoreError> {
        let put = sqlx::query(
            "INSERT INTO egress_policies (tenant, policy)
             SELECT tenant, $2 FROM tenants WHERE tenant = $1
             ON CONFLICT (tenant) DO UPDATE SET policy = excluded.policy",
        );
        self.change(put.bind(tenant.as_str()).bind(policy)).await
    }

    /// Every tenant's own policy.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn egress_of_all_tenants(&self) -> Result<Vec<(TenantId, String)>, StoreError> {
        let rows = sqlx::query("SELECT tenant, policy FROM egress_policies ORDER BY tenant");
        let rows = rows.fetch_all(&self.read).await?;
        let pair = |row| {
            let fields = Fields {
                table: "egress_policies",
                key: &["tenant"],
                row,
            };
            Ok((fields.tenant()?, fields.get("policy")?))
        };
        rows.iter().map(pair).collect()
    }

    /// Deletes a tenant's policy; false when there is none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn delete_egress(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM egress_policies WHERE tenant = $1");
        self.change(gone.bind(tenant.as_str())).await
    }
}
