//! Which modules came with the program.

use wasmalert_core::TenantId;

use super::row::Fields;
use super::{Row, Store, StoreError};

/// A module that once came with the program; its version may be deleted since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRow {
    pub name: String,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// Version of the program that brought it first, such as `0.1.0`.
    pub program: String,
}

impl Store {
    /// Notes that a module came with the program; what is noted already stays as it is.
    ///
    /// # Errors
    /// As the database does.
    pub async fn put_stock(&self, tenant: &TenantId, stock: &StockRow) -> Result<(), StoreError> {
        let put = sqlx::query(
            "INSERT INTO stock_modules (tenant, name, digest, program) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, name, digest) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(&stock.name)
        .bind(&stock.digest)
        .bind(&stock.program);
        self.change(put).await.map(drop)
    }

    /// Every module that ever came with the program, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_stock(&self, tenant: &TenantId) -> Result<Vec<StockRow>, StoreError> {
        let sql = "SELECT * FROM stock_modules WHERE tenant = $1 ORDER BY name, digest";
        self.rows_of(sql, tenant).await?.iter().map(stock).collect()
    }
}

fn stock(row: &Row) -> Result<StockRow, StoreError> {
    let fields = Fields {
        table: "stock_modules",
        key: &["tenant", "name", "digest"],
        row,
    };
    Ok(StockRow {
        name: fields.get("name")?,
        digest: fields.get("digest")?,
        program: fields.get("program")?,
    })
}
