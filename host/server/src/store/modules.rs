//! Modules: versions of a name, and their bytes once per digest.

use wasmalert_core::TenantId;

use super::row::{Fields, signed};
use super::uses::{Versions, check_unused};
use super::{Connection, Kind, Row, Store, StoreError};

/// A module to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewModule {
    pub name: String,
    /// `sha256:` and 64 hex digits, of `wasm`.
    pub digest: String,
    /// `rule` or `notifier`.
    pub world: String,
    /// What the component says of itself, a JSON text.
    pub description: String,
    /// Where it comes from, a JSON text.
    pub provenance: String,
    pub wasm: Vec<u8>,
    pub compile_ms: u64,
    pub created_ms: i64,
}

/// A stored version of a module, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleRow {
    pub name: String,
    /// Counts from 1 within the name; the number of a deleted version is not given again
    /// while the name has any.
    pub version: u32,
    pub digest: String,
    pub world: String,
    pub description: String,
    pub provenance: String,
    /// Length of the wasm.
    pub bytes: u64,
    pub compile_ms: u64,
    pub created_ms: i64,
    /// Whether it is the version of whoever names none.
    pub promoted: bool,
}

/// The version that holds the bytes now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutModule {
    pub module: ModuleRow,
    /// False when the name already had a version with this digest.
    pub created: bool,
}

/// Versions, with whether they are promoted.
macro_rules! modules {
    ($rest:literal) => {
        concat!(
            "SELECT m.*, n.promoted FROM modules AS m
             JOIN module_names AS n ON n.tenant = m.tenant AND n.name = m.name ",
            $rest
        )
    };
}

impl Store {
    /// Stores a module as the next version of its name, or finds the version it already is. The first one
    /// is promoted.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_module(&self, tenant: &TenantId, new: &NewModule) -> Result<PutModule, StoreError> {
        let mut tx = self.begin_write().await?;
        let known = sqlx::query(modules!("WHERE m.tenant = $1 AND m.name = $2 AND m.digest = $3"))
            .bind(tenant.as_str())
            .bind(&new.name)
            .bind(&new.digest)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(row) = known {
            let module = module(&row)?;
            return Ok(PutModule {
                module,
                created: false,
            });
        }
        let (version, promoted) = insert(&mut tx, tenant, new).await?;
        tx.commit().await?;
        let module = ModuleRow {
            name: new.name.clone(),
            version,
            digest: new.digest.clone(),
            world: new.world.clone(),
            description: new.description.clone(),
            provenance: new.provenance.clone(),
            bytes: new.wasm.len() as u64,
            compile_ms: new.compile_ms,
            created_ms: new.created_ms,
            promoted,
        };
        Ok(PutModule {
            module,
            created: true,
        })
    }

    /// Replaces what is known of where a version comes from; false when there is no such version.
    ///
    /// # Errors
    /// As the database does.
    pub async fn set_provenance(
        &self,
        tenant: &TenantId,
        name: &str,
        version: u32,
        provenance: &str,
    ) -> Result<bool, StoreError> {
        let set = sqlx::query(
            "UPDATE modules SET provenance = $4 WHERE tenant = $1 AND name = $2 AND version = $3",
        );
        let set = set.bind(tenant.as_str()).bind(name).bind(i64::from(version));
        self.change(set.bind(provenance)).await
    }

    /// Makes a version that of whoever names none; false when there is no such version.
    ///
    /// # Errors
    /// As the database does.
    pub async fn promote_module(
        &self,
        tenant: &TenantId,
        name: &str,
        version: u32,
    ) -> Result<bool, StoreError> {
        let set = sqlx::query(
            "UPDATE module_names SET promoted = $3 WHERE tenant = $1 AND name = $2 AND EXISTS
                 (SELECT 1 FROM modules WHERE tenant = $1 AND name = $2 AND version = $3)",
        );
        let set = set.bind(tenant.as_str()).bind(name);
        self.change(set.bind(i64::from(version))).await
    }

    /// The promoted version of every module, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_modules(&self, tenant: &TenantId) -> Result<Vec<ModuleRow>, StoreError> {
        let sql = modules!("WHERE m.tenant = $1 AND m.version = n.promoted ORDER BY m.name");
        self.rows_of(sql, tenant).await?.iter().map(module).collect()
    }

    /// Every version of every module.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn all_module_versions(&self, tenant: &TenantId) -> Result<Vec<ModuleRow>, StoreError> {
        let sql = modules!("WHERE m.tenant = $1 ORDER BY m.name, m.version");
        self.rows_of(sql, tenant).await?.iter().map(module).collect()
    }

    /// One version of a module.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_module(
        &self,
        tenant: &TenantId,
        name: &str,
        version: u32,
    ) -> Result<Option<ModuleRow>, StoreError> {
        let sql = modules!("WHERE m.tenant = $1 AND m.name = $2 AND m.version = $3");
        let row = sqlx::query(sql).bind(tenant.as_str()).bind(name);
        let row = row.bind(i64::from(version)).fetch_optional(&self.read).await?;
        row.as_ref().map(module).transpose()
    }

    /// Every version of a module, the newest first; empty when there is none.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn module_versions(&self, tenant: &TenantId, name: &str) -> Result<Vec<ModuleRow>, StoreError> {
        let rows = sqlx::query(modules!(
            "WHERE m.tenant = $1 AND m.name = $2 ORDER BY m.version DESC"
        ))
        .bind(tenant.as_str())
        .bind(name)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(module).collect()
    }

    /// The bytes of one version.
    ///
    /// # Errors
    /// As the database does.
    pub async fn module_wasm(
        &self,
        tenant: &TenantId,
        name: &str,
        version: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query(
            "SELECT c.digest, c.wasm FROM modules AS m
             JOIN module_code AS c ON c.tenant = m.tenant AND c.digest = m.digest
             WHERE m.tenant = $1 AND m.name = $2 AND m.version = $3",
        )
        .bind(tenant.as_str())
        .bind(name)
        .bind(i64::from(version))
        .fetch_optional(&self.read)
        .await?;
        row.as_ref().map(wasm).transpose()
    }

    /// The bytes with this digest, when the tenant has a module of it.
    ///
    /// # Errors
    /// As the database does.
    pub async fn wasm_by_digest(
        &self,
        tenant: &TenantId,
        digest: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT digest, wasm FROM module_code WHERE tenant = $1 AND digest = $2";
        let row = self.row_named(sql, tenant, digest).await?;
        row.as_ref().map(wasm).transpose()
    }

    /// Deletes one version of a module; false when there is none.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a rule or a receiver names this version, or names none
    /// and this is the promoted one.
    pub async fn delete_module_version(
        &self,
        tenant: &TenantId,
        name: &str,
        version: u32,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let promoted: Option<i64> =
            sqlx::query_scalar("SELECT promoted FROM module_names WHERE tenant = $1 AND name = $2")
                .bind(tenant.as_str())
                .bind(name)
                .fetch_optional(&mut *tx)
                .await?;
        let promoted = promoted == Some(i64::from(version));
        let which = Versions::One { version, promoted };
        check_unused(&mut tx, tenant, Kind::Module, name, which).await?;
        let gone = sqlx::query("DELETE FROM modules WHERE tenant = $1 AND name = $2 AND version = $3")
            .bind(tenant.as_str())
            .bind(name)
            .bind(i64::from(version))
            .execute(&mut *tx)
            .await?;
        sweep(&mut tx, tenant, name).await?;
        if promoted {
            // Nobody runs it; whoever is to come gets the newest that is left.
            sqlx::query(
                "UPDATE module_names SET promoted = (SELECT MAX(version) FROM modules
                     WHERE tenant = $1 AND name = $2) WHERE tenant = $1 AND name = $2",
            )
            .bind(tenant.as_str())
            .bind(name)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(gone.rows_affected() > 0)
    }

    /// Deletes every version of a module; false when there is none.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a rule or a receiver names the module.
    pub async fn delete_module(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        check_unused(&mut tx, tenant, Kind::Module, name, Versions::All).await?;
        let gone = sqlx::query("DELETE FROM modules WHERE tenant = $1 AND name = $2")
            .bind(tenant.as_str())
            .bind(name)
            .execute(&mut *tx)
            .await?;
        sweep(&mut tx, tenant, name).await?;
        tx.commit().await?;
        Ok(gone.rows_affected() > 0)
    }
}

/// The version that it is, and whether that is promoted.
async fn insert(
    connection: &mut Connection,
    tenant: &TenantId,
    new: &NewModule,
) -> Result<(u32, bool), StoreError> {
    sqlx::query("INSERT INTO module_code (tenant, digest, wasm) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(tenant.as_str())
        .bind(&new.digest)
        .bind(new.wasm.as_slice())
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query(
        "INSERT INTO module_names (tenant, name, last_version, promoted) VALUES ($1, $2, 1, 1)
         ON CONFLICT (tenant, name)
             DO UPDATE SET last_version = module_names.last_version + 1
         RETURNING name, last_version, promoted",
    )
    .bind(tenant.as_str())
    .bind(&new.name)
    .fetch_one(&mut *connection)
    .await?;
    let fields = Fields {
        table: "module_names",
        key: &["name"],
        row: &row,
    };
    let version: u32 = fields.number("last_version")?;
    let promoted: u32 = fields.number("promoted")?;
    sqlx::query(
        "INSERT INTO modules (tenant, name, version, digest, world, description,
             provenance, size_bytes, compile_ms, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(tenant.as_str())
    .bind(&new.name)
    .bind(i64::from(version))
    .bind(&new.digest)
    .bind(&new.world)
    .bind(&new.description)
    .bind(&new.provenance)
    .bind(signed(new.wasm.len() as u64))
    .bind(signed(new.compile_ms))
    .bind(new.created_ms)
    .execute(connection)
    .await?;
    Ok((version, version == promoted))
}

/// Removes what a deleted version has left: bytes and name that nothing refers to.
async fn sweep(connection: &mut Connection, tenant: &TenantId, name: &str) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM module_code WHERE tenant = $1 AND NOT EXISTS (SELECT 1 FROM modules AS m
             WHERE m.tenant = module_code.tenant AND m.digest = module_code.digest)",
    )
    .bind(tenant.as_str())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM module_names WHERE tenant = $1 AND name = $2 AND NOT EXISTS
             (SELECT 1 FROM modules AS m WHERE m.tenant = $1 AND m.name = $2)",
    )
    .bind(tenant.as_str())
    .bind(name)
    .execute(connection)
    .await?;
    Ok(())
}

fn wasm(row: &Row) -> Result<Vec<u8>, StoreError> {
    let fields = Fields {
        table: "module_code",
        key: &["digest"],
        row,
    };
    fields.get("wasm")
}

fn module(row: &Row) -> Result<ModuleRow, StoreError> {
    let fields = Fields {
        table: "modules",
        key: &["tenant", "name", "digest"],
        row,
    };
    let version: u32 = fields.number("version")?;
    let promoted: u32 = fields.number("promoted")?;
    Ok(ModuleRow {
        name: fields.get("name")?,
        version,
        promoted: version == promoted,
        digest: fields.get("digest")?,
        world: fields.get("world")?,
        description: fields.get("description")?,
        provenance: fields.get("provenance")?,
        bytes: fields.number("size_bytes")?,
        compile_ms: fields.number("compile_ms")?,
        created_ms: fields.get("created_ms")?,
    })
}
