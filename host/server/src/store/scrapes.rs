//! What is scraped.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::uses::next_revision;
use super::{Row, Store, StoreError};

/// A stored scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapeRow {
    pub name: String,
    /// A JSON text, as the API took it.
    pub spec: String,
    /// Greater than any before it in the tenant.
    pub revision: i64,
    pub updated_ms: i64,
}

impl Store {
    /// Makes or replaces a scrape and gives its revision.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_scrape(
        &self,
        tenant: &TenantId,
        name: &str,
        spec: &str,
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin_write().await?;
        let revision = next_revision(&mut tx, tenant).await?;
        sqlx::query(
            "INSERT INTO scrapes (tenant, name, spec, revision, updated_ms)
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

    /// Every scrape, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_scrapes(&self, tenant: &TenantId) -> Result<Vec<ScrapeRow>, StoreError> {
        let sql = "SELECT * FROM scrapes WHERE tenant = $1 ORDER BY name";
        let rows = self.rows_of(sql, tenant).await?;
        rows.iter().map(scrape).collect()
    }

    /// One scrape.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_scrape(&self, tenant: &TenantId, name: &str) -> Result<Option<ScrapeRow>, StoreError> {
        let sql = "SELECT * FROM scrapes WHERE tenant = $1 AND name = $2";
        let row = self.row_named(sql, tenant, name).await?;
        row.as_ref().map(scrape).transpose()
    }

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

fn scrape(row: &Row) -> Result<ScrapeRow, StoreError> {
    let fields = Fields {
        table: "scrapes",
        key: &["tenant", "name"],
        row,
    };
    Ok(ScrapeRow {
        name: fields.get("name")?,
        spec: fields.get("spec")?,
        revision: fields.get("revision")?,
        updated_ms: fields.get("updated_ms")?,
    })
}
