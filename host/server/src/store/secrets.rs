//! Secrets: written through the API, read by the sender of notifications and queries alone.
//!
//! They lie in the database as they are; what keeps them is the mode of the file.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Store, StoreError};

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
        let mut tx = self.begin_write().await?;
        sqlx::query(
            "INSERT INTO secrets (tenant, name, content, updated_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, name) DO UPDATE SET content = excluded.content,
                 updated_ms = excluded.updated_ms",
        )
        .bind(tenant.as_str())
        .bind(name)
        .bind(value)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// The names of all secrets, sorted.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_secrets(&self, tenant: &TenantId) -> Result<Vec<SecretRow>, StoreError> {
        let rows = sqlx::query("SELECT name, updated_ms FROM secrets WHERE tenant = $1 ORDER BY name")
            .bind(tenant.as_str())
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .map(|row| {
                let fields = Fields {
                    table: "secrets",
                    key: &["name"],
                    row,
                };
                Ok(SecretRow {
                    name: fields.get("name")?,
                    updated_ms: fields.get("updated_ms")?,
                })
            })
            .collect()
    }

    /// The value of a secret.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn secret_value(&self, tenant: &TenantId, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT name, content FROM secrets WHERE tenant = $1 AND name = $2")
            .bind(tenant.as_str())
            .bind(name)
            .fetch_optional(&self.read)
            .await?;
        row.as_ref()
            .map(|row| {
                let fields = Fields {
                    table: "secrets",
                    key: &["name"],
                    row,
                };
                fields.get("content")
            })
            .transpose()
    }

    /// Deletes a secret; false when there is none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn delete_secret(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let gone = sqlx::query("DELETE FROM secrets WHERE tenant = $1 AND name = $2")
            .bind(tenant.as_str())
            .bind(name)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(gone.rows_affected() > 0)
    }
}
