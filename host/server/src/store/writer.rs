//! The commit writer: commits that wait go into one transaction.
//!
//! When the shared transaction fails, each of its commits is tried alone, so that a
//! commit fails only for a reason of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::{Db, RuleCommit, Store, StoreError, Transaction};

/// Commits that wait for the writer; whoever brings another one waits.
pub(super) const COMMIT_QUEUE_MAX: usize = 1_024;

/// Commits in one transaction.
const BATCH_COMMITS_MAX: usize = 256;

/// Bytes after which a transaction takes no further commit.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// A commit and who waits for it.
pub(super) struct Job {
    commit: RuleCommit,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// What the writer has done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterStats {
    /// Commits written; refused and failed ones are not among them.
    pub commits: u64,
    /// Transactions they went in.
    pub transactions: u64,
    /// Commits taken up so far, whatever became of them.
    pub taken: u64,
    /// Commits that wait now, those taken up not counted.
    pub waiting: usize,
}

#[derive(Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    transactions: AtomicU64,
    taken: AtomicU64,
}

impl Counters {
    pub(super) fn stats(&self, waiting: usize) -> WriterStats {
        WriterStats {
            commits: self.commits.load(Ordering::Relaxed),
            transactions: self.transactions.load(Ordering::Relaxed),
            taken: self.taken.load(Ordering::Acquire),
            waiting,
        }
    }

    fn count(&self, results: &[Result<(), StoreError>]) {
        let written = results.iter().filter(|result| result.is_ok()).count();
        self.commits.fetch_add(written as u64, Ordering::Relaxed);
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }
}

impl Store {
    /// Writes what one evaluation changes, all of it or nothing.
    ///
    /// Waits for room in the queue of 1,024 and for the transaction. A caller that stops
    /// waiting does not stop the commit. Writing the same commit twice changes nothing more.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when `group_revision` is no longer the group's; otherwise
    /// what the database said. Nothing is written then.
    pub async fn commit(&self, commit: RuleCommit) -> Result<(), StoreError> {
        let (done, result) = oneshot::channel();
        let job = Job { commit, done };
        self.commits.send(job).await.map_err(|_| StoreError::Closed)?;
        result.await.map_err(|_| StoreError::Closed)?
    }
}

/// Begins a transaction that holds the write lock from the start: one that first reads
/// and then writes could otherwise be refused in the middle.
pub(super) async fn begin(pool: &sqlx::Pool<Db>) -> Result<Transaction, StoreError> {
    Ok(pool.begin_with("BEGIN IMMEDIATE").await?)
}

/// Writes commits until the last [`Store`] is gone.
pub(super) async fn run(pool: sqlx::Pool<Db>, mut queue: mpsc::Receiver<Job>, counters: Arc<Counters>) {
    while let Some(first) = queue.recv().await {
        let batch = fill(first, &mut queue);
        counters.taken.fetch_add(batch.len() as u64, Ordering::Release);
        let (commits, waiters): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|job| (job.commit, job.done)).unzip();
        let results = write_all(&pool, &commits, &counters).await;
        for (waiter, result) in waiters.into_iter().zip(results) {
            let _ = waiter.send(result); // nobody waits any more: the commit stands
        }
    }
}

fn fill(first: Job, queue: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.commit.size_bytes();
    let mut batch = vec![first];
    while batch.len() < BATCH_COMMITS_MAX && bytes < BATCH_BYTES_MAX {
        let Ok(job) = queue.try_recv() else { break };
        bytes += job.commit.size_bytes();
        batch.push(job);
    }
    batch
}

/// One result for each commit, in their order.
async fn write_all(
    pool: &sqlx::Pool<Db>,
    commits: &[RuleCommit],
    counters: &Counters,
) -> Vec<Result<(), StoreError>> {
    match write_together(pool, commits).await {
        Ok(results) => {
            counters.count(&results);
            results
        }
        Err(error) if commits.len() == 1 => vec![Err(error)],
        Err(_) => {
            let mut results = Vec::with_capacity(commits.len());
            for commit in commits {
                let alone = write_together(pool, std::slice::from_ref(commit)).await;
                if let Ok(one) = &alone {
                    counters.count(one);
                }
                results.push(alone.and_then(|mut one| one.pop().unwrap_or(Ok(()))));
            }
            results
        }
    }
}

/// Fails as a whole when the database does; a stale commit fails alone, having written nothing.
async fn write_together(
    pool: &sqlx::Pool<Db>,
    commits: &[RuleCommit],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut tx = begin(pool).await?;
    let mut results = Vec::with_capacity(commits.len());
    for commit in commits {
        match commit.write(&mut tx).await {
            Err(StoreError::Stale) => results.push(Err(StoreError::Stale)),
            written => results.push(Ok(written?)),
        }
    }
    tx.commit().await?;
    Ok(results)
}
