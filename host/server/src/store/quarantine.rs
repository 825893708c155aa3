//! What the operator has stopped.

use wasmalert_core::RuleKey;

use super::row::Fields;
use super::script::Script;
use super::{Connection, NewOutboxRow, Row, Store, StoreError, outbox};

/// Something that is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// `tenant` or `module`.
    pub kind: String,
    /// The tenant's name, or the module's digest.
    pub name: String,
    /// For people.
    pub reason: String,
    pub since_ms: i64,
}

/// What receivers are told, and under which rule's name.
pub type Notices = (RuleKey, Vec<NewOutboxRow>);

impl Store {
    /// Stops something, or changes the reason; and tells of it.
    ///
    /// # Errors
    /// As the database does; nothing is written then.
    pub async fn put_quarantine(
        &self,
        row: &QuarantineRow,
        notices: Option<&Notices>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let put = sqlx::query(
            "INSERT INTO quarantine (kind, name, reason, since_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (kind, name) DO UPDATE SET reason = excluded.reason, since_ms = excluded.since_ms",
        );
        put.bind(&row.kind)
            .bind(&row.name)
            .bind(&row.reason)
            .bind(row.since_ms)
            .execute(&mut *tx)
            .await?;
        enqueue(&mut tx, notices).await?;
        tx.commit().await
    }

    /// Lets something go on, and tells of it.
    ///
    /// # Errors
    /// As the database does; nothing is written then.
    pub async fn delete_quarantine(
        &self,
        (kind, name): (&str, &str),
        notices: Option<&Notices>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let delete = sqlx::query("DELETE FROM quarantine WHERE kind = $1 AND name = $2");
        delete.bind(kind).bind(name).execute(&mut *tx).await?;
        enqueue(&mut tx, notices).await?;
        tx.commit().await
    }

    /// Everything that is stopped, by kind and name.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_quarantine_of_all_tenants(&self) -> Result<Vec<QuarantineRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM quarantine ORDER BY kind, name");
        rows.fetch_all(&self.read).await?.iter().map(quarantine).collect()
    }
}

async fn enqueue(connection: &mut Connection, notices: Option<&Notices>) -> Result<(), StoreError> {
    let mut script = Script::default();
    if let Some((of, rows)) = notices {
        outbox::enqueue(&mut script, of, rows);
    }
    script.run(connection).await
}

fn quarantine(row: &Row) -> Result<QuarantineRow, StoreError> {
    let fields = Fields {
        table: "quarantine",
        key: &["kind", "name"],
        row,
    };
    Ok(QuarantineRow {
        kind: fields.get("kind")?,
        name: fields.get("name")?,
        reason: fields.get("reason")?,
        since_ms: fields.get("since_ms")?,
    })
}
