//! Keys that tenants trust, and what they ask of uploads.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Row, Store, StoreError};

/// A key that a tenant trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerRow {
    pub name: String,
    /// Base64, as minisign has it.
    pub public_key: String,
    pub updated_ms: i64,
}

impl Store {
    /// Makes or replaces a signer.
    ///
    /// # Errors
    /// As the database does, also where another signer has the key.
    pub async fn put_signer(&self, tenant: &TenantId, signer: &SignerRow) -> Result<(), StoreError> {
        let put = sqlx::query(
            "INSERT INTO signers (tenant, name, public_key, updated_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, name) DO UPDATE SET public_key = excluded.public_key,
                 updated_ms = excluded.updated_ms",
        );
        let put = put.bind(tenant.as_str()).bind(&signer.name);
        self.change(put.bind(&signer.public_key).bind(signer.updated_ms))
            .await
            .map(drop)
    }

    /// Every signer, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_signers(&self, tenant: &TenantId) -> Result<Vec<SignerRow>, StoreError> {
        let sql = "SELECT * FROM signers WHERE tenant = $1 ORDER BY name";
        self.rows_of(sql, tenant).await?.iter().map(signer).collect()
    }

    /// Deletes a signer; false when there is none.
    ///
    /// # Errors
    /// As the database does.
    pub async fn delete_signer(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM signers WHERE tenant = $1 AND name = $2");
        self.change(gone.bind(tenant.as_str()).bind(name)).await
    }

    /// Sets what a tenant asks of uploads.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_signature_policy(&self, tenant: &TenantId, policy: &str) -> Result<(), StoreError> {
        let put = sqlx::query(
            "INSERT INTO signature_policies (tenant, policy) VALUES ($1, $2)
             ON CONFLICT (tenant) DO UPDATE SET policy = excluded.policy",
        );
        self.change(put.bind(tenant.as_str()).bind(policy))
            .await
            .map(drop)
    }

    /// What a tenant asks of uploads, if it has said so.
    ///
    /// # Errors
    /// As the database does.
    pub async fn signature_policy(&self, tenant: &TenantId) -> Result<Option<String>, StoreError> {
        let policy = sqlx::query_scalar("SELECT policy FROM signature_policies WHERE tenant = $1");
        Ok(policy.bind(tenant.as_str()).fetch_optional(&self.read).await?)
    }
}

fn signer(row: &Row) -> Result<SignerRow, StoreError> {
    let fields = Fields {
        table: "signers",
        key: &["tenant", "name"],
        row,
    };
    Ok(SignerRow {
        name: fields.get("name")?,
        public_key: fields.get("public_key")?,
        updated_ms: fields.get("updated_ms")?,
    })
}
