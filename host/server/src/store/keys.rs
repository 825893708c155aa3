//! Keys of the API.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Row, Store, StoreError};

/// A key, without what would let anybody use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    pub tenant: TenantId,
    /// The public part, the same for no two keys of the server.
    pub id: String,
    pub title: String,
    /// SHA-256 of the secret part.
    pub digest: Vec<u8>,
    /// Names separated by commas.
    pub scopes: String,
    pub created_ms: i64,
    pub expires_ms: Option<i64>,
    pub last_used_ms: Option<i64>,
}

impl Store {
    /// Adds a key.
    ///
    /// # Errors
    /// As the database does, and when the id is taken.
    pub async fn add_key(&self, key: &KeyRow) -> Result<(), StoreError> {
        let add = sqlx::query(
            "INSERT INTO api_keys (tenant, id, title, digest, scopes, created_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        let add = add
            .bind(key.tenant.as_str())
            .bind(&key.id)
            .bind(&key.title)
            .bind(&key.digest)
            .bind(&key.scopes)
            .bind(key.created_ms)
            .bind(key.expires_ms);
        self.change(add).await.map(drop)
    }

    /// A tenant's keys, the oldest first.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_keys(&self, tenant: &TenantId) -> Result<Vec<KeyRow>, StoreError> {
        let sql = "SELECT * FROM api_keys WHERE tenant = $1 ORDER BY created_ms, id";
        self.rows_of(sql, tenant).await?.iter().map(key).collect()
    }

    /// A tenant's key.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_key(&self, tenant: &TenantId, id: &str) -> Result<Option<KeyRow>, StoreError> {
        let sql = "SELECT * FROM api_keys WHERE tenant = $1 AND id = $2";
        self.row_named(sql, tenant, id)
            .await?
            .as_ref()
            .map(key)
            .transpose()
    }

    /// The key with an id, whosever it is.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn key_of_all_tenants(&self, id: &str) -> Result<Option<KeyRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM api_keys WHERE id = $1").bind(id);
        row.fetch_optional(&self.read)
            .await?
            .as_ref()
            .map(key)
            .transpose()
    }

    /// Lets a key end at a time; false when there is none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn expire_key(&self, tenant: &TenantId, id: &str, expires_ms: i64) -> Result<bool, StoreError> {
        let expire = sqlx::query("UPDATE api_keys SET expires_ms = $3 WHERE tenant = $1 AND id = $2");
        self.change(expire.bind(tenant.as_str()).bind(id).bind(expires_ms))
            .await
    }

    /// Deletes a key; false when there is none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn delete_key(&self, tenant: &TenantId, id: &str) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM api_keys WHERE tenant = $1 AND id = $2");
        self.change(gone.bind(tenant.as_str()).bind(id)).await
    }

    /// Notes when keys were used last.
    ///
    /// # Errors
    /// As the database does.
    pub async fn touch_keys_of_all_tenants(&self, used: &[(String, i64)]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        for (id, used_ms) in used {
            let touch = sqlx::query("UPDATE api_keys SET last_used_ms = $2 WHERE id = $1");
            touch.bind(id).bind(used_ms).execute(&mut *tx).await?;
        }
        tx.commit().await
    }
}

fn key(row: &Row) -> Result<KeyRow, StoreError> {
    let fields = Fields {
        table: "api_keys",
        key: &["tenant", "id"],
        row,
    };
    Ok(KeyRow {
        tenant: fields.tenant()?,
        id: fields.get("id")?,
        title: fields.get("title")?,
        digest: fields.get("digest")?,
        scopes: fields.get("scopes")?,
        created_ms: fields.get("created_ms")?,
        expires_ms: fields.get("expires_ms")?,
        last_used_ms: fields.get("last_used_ms")?,
    })
}
