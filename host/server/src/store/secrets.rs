//! Secrets: written through the API, read by the sender of notifications and queries alone.
//!
//! The store knows no key: values come sealed and go sealed.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Row, Store, StoreError};

/// The chore of taking the plain text of older versions out of the file.
const SCRUB: &str = "scrub_plain_secrets";

/// A secret as it is listed: never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    pub name: String,
    /// A JSON text.
    pub hosts: String,
    pub updated_ms: i64,
}

/// A secret with its value, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    pub name: String,
    /// A JSON text, to which the value is sealed.
    pub hosts: String,
    /// Empty where an older version left plain text.
    pub key_id: String,
    pub content: String,
}

impl SealedSecret {
    /// Whether the content is the value itself, as versions before sealing left it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.key_id.is_empty()
    }
}

impl Store {
    /// Makes or replaces a secret.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_secret(
        &self,
        tenant: &TenantId,
        secret: &SealedSecret,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let put = sqlx::query(
            "INSERT INTO secrets (tenant, name, content, key_id, hosts, updated_ms) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant, name) DO UPDATE SET content = excluded.content, key_id = excluded.key_id,
                 hosts = excluded.hosts, updated_ms = excluded.updated_ms",
        );
        let put = put.bind(tenant.as_str()).bind(&secret.name).bind(&secret.content);
        let put = put.bind(&secret.key_id).bind(&secret.hosts).bind(now_ms);
        self.change(put).await.map(drop)
    }

    /// The names and hosts of all secrets, sorted by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_secrets(&self, tenant: &TenantId) -> Result<Vec<SecretRow>, StoreError> {
        let sql = "SELECT name, hosts, updated_ms FROM secrets WHERE tenant = $1 ORDER BY name";
        let rows = self.rows_of(sql, tenant).await?;
        let secret = |row| {
            let fields = fields(row);
            Ok(SecretRow {
                name: fields.get("name")?,
                hosts: fields.get("hosts")?,
                updated_ms: fields.get("updated_ms")?,
            })
        };
        rows.iter().map(secret).collect()
    }

    /// Every secret with its sealed value.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn sealed_secrets(&self, tenant: &TenantId) -> Result<Vec<SealedSecret>, StoreError> {
        let sql = "SELECT name, hosts, key_id, content FROM secrets WHERE tenant = $1 ORDER BY name";
        let rows = self.rows_of(sql, tenant).await?;
        rows.iter().map(sealed).collect()
    }

    /// Every secret of every tenant, for sealing them anew at the start.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn sealed_secrets_of_all_tenants(&self) -> Result<Vec<(TenantId, SealedSecret)>, StoreError> {
        let sql = "SELECT tenant, name, hosts, key_id, content FROM secrets ORDER BY tenant, name";
        let rows = sqlx::query(sql).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| Ok((fields(row).tenant()?, sealed(row)?)))
            .collect()
    }

    /// Puts other sealed values in place of those that are there, all or none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn replace_sealed_secrets(&self, rows: &[(TenantId, SealedSecret)]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        for (tenant, row) in rows {
            let sql =
                "UPDATE secrets SET content = $1, key_id = $2, hosts = $3 WHERE tenant = $4 AND name = $5";
            let update = sqlx::query(sql)
                .bind(&row.content)
                .bind(&row.key_id)
                .bind(&row.hosts);
            let update = update.bind(tenant.as_str()).bind(&row.name);
            update.execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    /// Writes the file anew, once, after an update from a version that kept plain text:
    /// free pages and the log may hold it still. Takes as long as copying the file.
    ///
    /// # Errors
    /// As the database does; it is tried again at the next start.
    pub async fn scrub_plain_secrets(&self) -> Result<(), StoreError> {
        let waits = sqlx::query("SELECT name FROM chores WHERE name = $1").bind(SCRUB);
        if waits.fetch_optional(&self.read).await?.is_none() {
            return Ok(());
        }
        sqlx::query("VACUUM").execute(&self.write).await?;
        let emptied: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&self.write)
            .await?;
        if emptied != 0 {
            tracing::warn!("the write-ahead log is in use; it is emptied at the next start");
            return Ok(());
        }
        let done = sqlx::query("DELETE FROM chores WHERE name = $1").bind(SCRUB);
        done.execute(&self.write).await?;
        Ok(())
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

fn sealed(row: &Row) -> Result<SealedSecret, StoreError> {
    let fields = fields(row);
    Ok(SealedSecret {
        name: fields.get("name")?,
        hosts: fields.get("hosts")?,
        key_id: fields.get("key_id")?,
        content: fields.get("content")?,
    })
}

fn fields(row: &Row) -> Fields<'_> {
    Fields {
        table: "secrets",
        key: &["tenant", "name"],
        row,
    }
}
