//! What is scraped.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Store, StoreError};

impl Store {
    /// Deletes a scrape; false when there is none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn delete_scrape(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM scrapes WHERE tenant = $1 AND name = $2");
        self.change(gone.bind(tenant.as_str()).bind(name)).await
    }

    /// Tenants that scrape.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn scraping_tenants_of_all_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT tenant FROM scrapes ORDER BY tenant");
        let rows = rows.fetch_all(&self.read).await?;
        let table = "scrapes";
        let key = &["tenant"];
        rows.iter()
            .map(|row| Fields { table, key, row }.tenant())
            .collect()
    }
}
