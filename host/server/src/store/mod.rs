//! The embedded store: everything the server must still know after a restart.
//!
//! One SQLite file in the data directory, readable by its owner only. The SQL is plain
//! and portable. Words used here: a *commit* is what one evaluation changes, and is
//! written whole or not at all; the *outbox* holds notifications on their way; a *lane*
//! is the notifications of one rule to one receiver, which go in order; a *revision*
//! counts the changes of a tenant's configuration.
//!
//! Durability: write-ahead log with `synchronous = FULL`, so whatever was answered with
//! success is there after a power cut, not only after a crash of the process. Commits
//! that wait share one transaction and so one flush of the disk.
//!
//! Rows are not trusted: one that does not parse is [`StoreError::Corrupt`].

mod audit;
mod checkpoint;
mod commit;
mod config;
mod counts;
mod egress;
mod error;
mod evaluations;
mod groups;
mod ids;
mod keys;
mod migrate;
mod modules;
mod named;
mod open;
mod outbox;
mod outbox_prune;
mod pauses;
mod quarantine;
mod receivers;
mod row;
mod rule_rows;
mod runtime;
mod scrapes;
mod script;
mod secrets;
mod signers;
mod stock;
mod tenants;
mod usage;
mod uses;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::audit::{AUDIT_LISTED_MAX, AuditPlace, AuditRow};
pub use self::commit::RuleCommit;
pub use self::config::{
    ConfigChangeRow, ConfigChanged, Expected, ItemChange, ItemChanged, ItemKey, ItemKind, NewItem, Origin,
    StoredItem, Terms, Uses, promotion,
};
pub use self::error::{Kind, StoreError};
pub use self::evaluations::{EVALUATIONS_LISTED_MAX, EvaluationRow, EvaluationSummary};
pub use self::groups::GroupRow;
pub use self::keys::KeyRow;
pub use self::modules::{ModuleRow, NewModule, PutModule};
pub use self::named::{SCRAPES, SOURCES, SpecRow, SpecTable};
pub use self::outbox::{Backlog, NewOutboxRow, OUTBOX_LISTED_MAX, OutboxKind, OutboxRow, OutboxStatus};
pub use self::pauses::PauseRow;
pub use self::quarantine::{Notices, QuarantineRow};
pub use self::receivers::ReceiverRow;
pub use self::runtime::{AlertRow, ErrorRow, Health, HealthRow, RuleRuntime};
pub use self::secrets::{SealedSecret, SecretRow};
pub use self::signers::SignerRow;
pub use self::stock::StockRow;
pub use self::tenants::TenantRow;
pub use self::usage::{USAGE_LISTED_MAX, UsageRow};
pub use self::uses::{ModuleUse, RuleUses, USERS_NAMED_MAX};
pub use self::writer::{Committing, WriterStats};

/// The database's file in the data directory.
pub const FILE_NAME: &str = "wasmalert.sqlite";

/// The database behind the store. Another one changes these and `open`.
type Db = sqlx::Sqlite;
type Connection = sqlx::SqliteConnection;
type Arguments = <Db as sqlx::Database>::Arguments;
type Row = sqlx::sqlite::SqliteRow;
type Transaction = sqlx::Transaction<'static, Db>;

/// A transaction that may write.
struct Write {
    tx: Transaction,
    _turn: OwnedSemaphorePermit,
}

impl Write {
    async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

impl Deref for Write {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.tx
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.tx
    }
}

/// The store; clones share one connection for writing, one for checkpoints and a few for reading.
#[derive(Clone)]
pub struct Store {
    write: sqlx::Pool<Db>,
    read: sqlx::Pool<Db>,
    checkpoints: sqlx::Pool<Db>,
    /// Closed after the connections: see [`checkpoint::run`].
    _file: Arc<File>,
    /// One permit, for whoever writes something else than a commit.
    writing: Arc<Semaphore>,
    commits: Arc<writer::Commits>,
    counters: Arc<writer::Counters>,
    ids: Arc<ids::Ids>,
}

impl Store {
    /// Begins a transaction that may write. Writers wait for each other here, so that the
    /// commits of evaluations, which do not, wait for one of them at most.
    async fn begin_write(&self) -> Result<Write, StoreError> {
        let turn = self.writing.clone().acquire_owned().await;
        Ok(Write {
            tx: writer::begin(&self.write).await?,
            _turn: turn.map_err(|_| StoreError::Closed)?,
        })
    }

    /// Begins a transaction that sees one moment of the store.
    async fn begin_read(&self) -> Result<Transaction, StoreError> {
        Ok(self.read.begin().await?)
    }

    /// Makes an id that sorts after every id made before it, also before a restart.
    ///
    /// 25 lower-case hex digits; two servers make different ones.
    #[must_use]
    pub fn new_id(&self, now_ms: i64) -> String {
        self.ids.next(now_ms)
    }

    /// What the commit writer has done so far and what waits for it.
    #[must_use]
    pub fn writer_stats(&self) -> WriterStats {
        self.counters.stats(self.commits.waiting())
    }

    /// Waits for running operations and closes the file; later calls give [`StoreError::Closed`].
    ///
    /// Commits that are still waiting are refused, so stop evaluating first.
    pub async fn close(&self) {
        self.read.close().await;
        self.checkpoints.close().await;
        // The last one takes the write-ahead log away with it.
        self.write.close().await;
    }
}
