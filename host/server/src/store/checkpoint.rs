//! Checkpoints: what was committed goes from the write-ahead log into the file.
//!
//! SQLite would do that within a commit, which then waits for the whole of it. Here most
//! of it is done beside the writer, again and again, and flushed to the disk, which takes
//! the longest. The writer itself does only what is left: then the log has been used up
//! and begins anew.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::writer::Queue;
use super::{Db, StoreError};

/// Time between two checkpoints. The longer it is, the fewer pages are written twice,
/// and the longer the log.
const EVERY: Duration = Duration::from_secs(1);
/// Goes at the log before the writer is asked to do the rest: what is committed during one
/// is left for the next, which is shorter.
const GOES: usize = 2;

/// Makes checkpoints on a connection of its own until the last [`super::Store`] is gone.
///
/// The file has to stay open for as long as SQLite has it open: closing it would give up
/// SQLite's locks on it.
pub(super) async fn run(pool: sqlx::Pool<Db>, file: Arc<File>, queue: Arc<Queue>) {
    loop {
        tokio::time::sleep(EVERY).await;
        if queue.closed.load(Ordering::Acquire) || pool.is_closed() {
            return;
        }
        for _ in 0..GOES {
            if let Err(error) = once(&pool).await {
                tracing::warn!(%error, "the write-ahead log stays as long as it is");
            }
            let file = Arc::clone(&file);
            // An error comes again when SQLite flushes, which says what becomes of it.
            let _ = tokio::task::spawn_blocking(move || file.sync_data()).await;
        }
        queue.checkpoint.store(true, Ordering::Release);
        queue.changed.notify_one();
    }
}

/// Copies what no reader needs any more in the log; waits for nobody.
pub(super) async fn once(pool: &sqlx::Pool<Db>) -> Result<(), StoreError> {
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .execute(pool)
        .await?;
    Ok(())
}
