//! Secrets: written through the API, read by the sender of notifications and queries alone.
//!
//! They lie in the database as they are; what keeps them is the mode of the file.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Row, Store, StoreError};

/// A secret as it is listed: never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    pub name: String,
    pub updated_ms: i64,
}

impl Store {
    /// Makes or replaces a secret.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &str,
        value: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let put = sqlx::query(
            "INSERT INTO secrets (tenant, name, content, updated_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, name) DO UPDATE SET content = excluded.content,
                 updated_ms = excluded.updated_ms",
        );
        let put = put.bind(tenant.as_str()).bind(name).bind(value).bind(now_ms);
        self.change(put).await.map(drop)
    }

    /// The names of all secrets, sorted.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_secrets(&self, tenant: &TenantId) -> Result<Vec<SecretRow>, StoreError> {
        let sql = "SELECT name, updated_ms FROM secrets WHERE tenant = $1 ORDER BY name";
        let rows = self.rows_of(sql, tenant).await?;
        let secret = |row| {
            let fields = fields(row);
            Ok(SecretRow {
                name: fields.get("name")?,
                updated_ms: fields.get("updated_ms")?,
            })
        };
        rows.iter().map(secret).collect()
    }

    /// Every secret's name and value.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn secret_values(&self, tenant: &TenantId) -> Result<Vec<(String, String)>, StoreError> {
        let sql = "SELECT name, content FROM secrets WHERE tenant = $1 ORDER BY name";
        let rows = self.rows_of(sql, tenant).await?;
        let pair = |row| {
            let fields = fields(row);
            Ok((fields.get("name")?, fields.get("content")?))
        };
        rows.iter().map(pair).collect()
    }

    /// Deletes a secret; false when there is none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn delete_secret(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM secrets WHERE tenant = $1 AND name = $2");
        self.change(gone.bind(tenant.as_str()).bind(name)).await
    }
}

fn fields(row: &Row) -> Fields<'_> {
    Fields {
        table: "secrets",
        key: &["name"],
        row,
    }
}
