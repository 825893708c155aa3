//! Receivers, and what their notifiers remember.

use std::collections::BTreeMap;

use wasmalert_core::TenantId;
use wasmalert_core::evaluation::State;

use super::row::Fields;
use super::uses::{ModuleUse, check_there};
use super::{Kind, Row, Store, StoreError};

/// A stored receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverRow {
    pub name: String,
    /// A JSON text, as the API took it.
    pub spec: String,
    pub module: ModuleUse,
    /// Greater than any before it in the tenant.
    pub revision: i64,
    pub updated_ms: i64,
}

impl Store {
    /// Every receiver, by name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_receivers(&self, tenant: &TenantId) -> Result<Vec<ReceiverRow>, StoreError> {
        let sql = "SELECT * FROM receivers WHERE tenant = $1 ORDER BY name";
        let rows = self.rows_of(sql, tenant).await?;
        rows.iter().map(receiver).collect()
    }

    /// One receiver.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_receiver(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<ReceiverRow>, StoreError> {
        let sql = "SELECT * FROM receivers WHERE tenant = $1 AND name = $2";
        let row = self.row_named(sql, tenant, name).await?;
        row.as_ref().map(receiver).transpose()
    }

    /// What the receiver's notifier remembers; empty when there is no such receiver.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn receiver_state(&self, tenant: &TenantId, receiver: &str) -> Result<State, StoreError> {
        let rows = sqlx::query(
            "SELECT receiver, name, content FROM receiver_state
             WHERE tenant = $1 AND receiver = $2",
        )
        .bind(tenant.as_str())
        .bind(receiver)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let fields = Fields {
                    table: "receiver_state",
                    key: &["receiver", "name"],
                    row,
                };
                Ok((fields.get("name")?, fields.get("content")?))
            })
            .collect()
    }

    /// Changes what the receiver's notifier remembers; none removes a key.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such receiver; then nothing is written.
    pub async fn write_receiver_state(
        &self,
        tenant: &TenantId,
        receiver: &str,
        changes: &BTreeMap<String, Option<Vec<u8>>>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        check_there(&mut tx, tenant, Kind::Receiver, receiver, 0).await?;
        for (name, change) in changes {
            let query = match change {
                Some(_) => sqlx::query(
                    "INSERT INTO receiver_state (tenant, receiver, name, content)
                     VALUES ($1, $2, $3, $4)
                     ON CONFLICT (tenant, receiver, name)
                         DO UPDATE SET content = excluded.content",
                ),
                None => sqlx::query(
                    "DELETE FROM receiver_state
                     WHERE tenant = $1 AND receiver = $2 AND name = $3",
                ),
            };
            let query = query.bind(tenant.as_str()).bind(receiver).bind(name);
            let query = match change {
                Some(content) => query.bind(content.as_slice()),
                None => query,
            };
            query.execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn receiver(row: &Row) -> Result<ReceiverRow, StoreError> {
    let fields = Fields {
        table: "receivers",
        key: &["tenant", "name"],
        row,
    };
    let version: u32 = fields.number("module_version")?;
    Ok(ReceiverRow {
        name: fields.get("name")?,
        spec: fields.get("spec")?,
        module: ModuleUse {
            name: fields.get("module")?,
            version: (version > 0).then_some(version),
        },
        revision: fields.get("revision")?,
        updated_ms: fields.get("updated_ms")?,
    })
}
