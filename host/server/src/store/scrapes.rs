//! What is scraped.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Store, StoreError};

impl Store {
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
