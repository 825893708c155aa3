//! Opening the file: permissions, connections, schema.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::Semaphore;

use super::audit::GUARDS;
use super::ids::Ids;
use super::migrate::{MIGRATIONS, Migration, migrate};
use super::writer::{self, Commits, Counters};
use super::{FILE_NAME, Store, StoreError, checkpoint};

/// Connections for reading.
const READERS: u32 = 4;

/// Pages that the writer keeps in memory, in KiB, as a negative number.
const CACHE_KIB: &str = "-65536";

/// What a checkpoint leaves of the write-ahead log.
const WAL_KEPT_BYTES: &str = "67108864";

/// How long an operation waits for a lock of another process.
const BUSY_TIMEOUT_MS: u64 = 10_000;

/// How long an operation waits for a free connection.
const ACQUIRE_TIMEOUT_MS: u64 = 30_000;

impl Store {
    /// Opens the store of a data directory, and makes both where they are missing.
    ///
    /// Call it within a tokio runtime: commits are written by a task of it, which ends
    /// with the last clone.
    ///
    /// # Errors
    /// When the file cannot be read and written, is no database, or has a schema that
    /// this program does not know; each names the file and what to do.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(data_dir, MIGRATIONS).await
    }

    pub(super) async fn open_with(data_dir: &Path, steps: &[Migration]) -> Result<Self, StoreError> {
        let file = data_dir.join(FILE_NAME);
        let opened = prepare(data_dir, &file).map_err(|source| StoreError::Io {
            file: file.display().to_string(),
            source,
        })?;
        Self::connect(&file, opened, steps)
            .await
            .map_err(|error| with_path(error, &file))
    }

    async fn connect(file: &Path, flushed: File, steps: &[Migration]) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))
            .foreign_keys(true);
        let writing = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", WAL_KEPT_BYTES)
            // See `checkpoint`.
            .pragma("wal_autocheckpoint", "0")
            .pragma("cache_size", CACHE_KIB)
            // A statement that writes many rows has a journal of its own, which no crash needs.
            .pragma("temp_store", "MEMORY")
            // What is deleted or replaced is overwritten, as far as that costs no writing.
            .pragma("secure_delete", "FAST");
        let write = pool(1).connect_with(writing.clone()).await?;
        let mut tx = writer::begin(&write).await?;
        migrate(&mut tx, file, steps).await?;
        sqlx::raw_sql(GUARDS).execute(&mut *tx).await?;
        let greatest: Option<String> = sqlx::query_scalar(
            "SELECT MAX(id) FROM (SELECT MAX(id) AS id FROM outbox
             UNION ALL SELECT MAX(id) AS id FROM evaluations
             UNION ALL SELECT MAX(id) AS id FROM audit) AS ids",
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        let read = pool(READERS).connect_with(options.read_only(true)).await?;
        let (commits, queue) = Commits::new();
        let counters = Arc::new(Counters::default());
        let checkpoints = pool(1).connect_lazy_with(writing);
        let flushed = Arc::new(flushed);
        tokio::spawn(checkpoint::run(
            checkpoints.clone(),
            Arc::clone(&flushed),
            Arc::clone(&queue),
        ));
        tokio::spawn(writer::run(write.clone(), queue, Arc::clone(&counters)));
        Ok(Self {
            write,
            read,
            checkpoints,
            _file: flushed,
            writing: Arc::new(Semaphore::new(1)),
            commits: Arc::new(commits),
            counters,
            ids: Arc::new(Ids::after(greatest.as_deref())),
        })
    }
}

/// A pool that never shrinks and takes no connection back that is still in a transaction:
/// SQLite itself ends one when the disk is full, and the driver does not notice.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|connection, _| {
            Box::pin(async move {
                if connection.is_in_transaction() {
                    connection.ping().await?; // a rollback may be on its way
                }
                Ok(!connection.is_in_transaction())
            })
        })
}

/// Makes the directory and the file, for their owner only; SQLite gives its side files
/// the mode of the file.
fn prepare(data_dir: &Path, file: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(file)?;
    opened.set_permissions(Permissions::from_mode(0o600))?;
    Ok(opened)
}

fn with_path(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Damaged { reason, .. } => StoreError::Damaged {
            file: path.display().to_string(),
            reason,
        },
        other => other,
    }
}
