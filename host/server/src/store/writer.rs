//! The commit writer: commits that wait go into one transaction, of each tenant in turn.
//!
//! When the shared transaction fails, each of its commits is tried alone, so that a
//! commit fails only for a reason of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use wasmalert_core::TenantId;
use wasmalert_core::fair::{FairQueue, Share, Turn};

use super::{Connection, Db, RuleCommit, Store, StoreError, Transaction, checkpoint, commit};
use crate::clock::{Clock, Stopwatch};

/// Time that the commits of one transaction may take to write, about, the flush not
/// counted: whoever comes next waits for no more. Those whose tenants have turns left
/// come with them whatever they take: after a slow flush there are many.
const BATCH_NS: u64 = 3_000_000;
/// Commits in one transaction, at least where so many wait, and at most.
const BATCH_COMMITS: (usize, usize) = (8, 256);
/// How long a commit that nobody waits for may wait for others, to share what a transaction costs.
const GATHER: Duration = Duration::from_millis(10);
/// Transactions that the writer makes while commits wait, before it lets others write: so
/// those wait for a few hundredths of a second, and do not come between all transactions.
const TRANSACTIONS_TOGETHER: u8 = 4;
/// What a commit costs besides its bytes, in nanoseconds, about.
const COMMIT_COST_NS: u64 = 100_000;
/// What a byte of it costs, about.
const BYTE_COST_NS: u64 = 10;
/// All tenants are alike here: what they may do at once is bounded before.
const SHARE: Share = Share {
    weight: 1,
    at_once: usize::MAX,
    waiting: usize::MAX,
};

/// Bytes after which a transaction takes no further commit.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// A commit and who waits for it.
pub(super) struct Job {
    commit: RuleCommit,
    since: Stopwatch,
    done: oneshot::Sender<Done>,
}

/// How a commit ended, and how long that took.
type Done = (Result<(), StoreError>, Duration);

/// Where commits wait. Dropping it ends the writer.
pub(super) struct Commits(Arc<Queue>);

/// What the writer shares with those who bring commits. What waits is bounded by the
/// groups that are evaluated at the same time, and by what each of them hands in at once.
pub(super) struct Queue {
    jobs: Mutex<FairQueue<TenantId, Job>>,
    pub(super) changed: Notify,
    pub(super) closed: AtomicBool,
    /// The writer is to do what is left of a checkpoint.
    pub(super) checkpoint: AtomicBool,
    /// Somebody waits for what was handed in.
    hurry: AtomicBool,
}

impl Commits {
    pub(super) fn new() -> (Self, Arc<Queue>) {
        let queue = Arc::new(Queue {
            jobs: Mutex::new(FairQueue::new(usize::MAX)),
            changed: Notify::new(),
            closed: AtomicBool::new(false),
            checkpoint: AtomicBool::new(false),
            hurry: AtomicBool::new(false),
        });
        (Self(Arc::clone(&queue)), queue)
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.waiting()
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.changed.notify_one();
    }
}

impl Queue {
    fn with<T>(&self, act: impl FnOnce(&mut FairQueue<TenantId, Job>) -> T) -> T {
        act(&mut self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn waiting(&self) -> usize {
        self.with(|jobs| jobs.waiting())
    }

    fn hurry(&self) {
        let waits = self.with(|jobs| {
            let waits = jobs.waiting() > 0;
            self.hurry.fetch_or(waits, Ordering::AcqRel);
            waits
        });
        if waits {
            self.changed.notify_one();
        }
    }

    /// Whether the writer begins at once where so many commits fill a transaction.
    fn hurries(&self, commits: usize) -> bool {
        let flags = [&self.hurry, &self.checkpoint, &self.closed];
        flags.iter().any(|flag| flag.load(Ordering::Acquire)) || self.waiting() >= commits
    }
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

/// A commit that has been handed in. Dropping this does not stop it.
pub struct Committing {
    queue: Arc<Queue>,
    bytes: usize,
    result: oneshot::Receiver<Done>,
}

impl Committing {
    /// How much it writes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Waits for the transaction.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when `group_revision` is no longer the group's; otherwise
    /// what the database said. Nothing is written then.
    pub async fn done(self) -> Result<(), StoreError> {
        self.queue.hurry();
        self.timed().await.0
    }

    /// The same, and how long it took. The writer gathers others first, unless [`Store::hurry`] is called.
    pub async fn timed(self) -> (Result<(), StoreError>, Duration) {
        let closed = |_| (Err(StoreError::Closed), Duration::ZERO);
        self.result.await.unwrap_or_else(closed)
    }
}

impl Store {
    /// Hands in what one evaluation changes, to be written all of it or nothing, after
    /// what was handed in before for the same tenant.
    ///
    /// Writing the same commit twice changes nothing more.
    #[must_use]
    pub fn commit(&self, commit: RuleCommit) -> Committing {
        let (done, result) = oneshot::channel();
        let (bytes, since) = (commit.size_bytes(), Clock.stopwatch());
        let job = Job { commit, since, done };
        let (tenant, queue) = (job.commit.rule.tenant().clone(), &self.commits.0);
        let is_first = queue.with(|jobs| {
            // There is always room; a job that had none would be dropped, and its result with it.
            let _ = jobs.push(&tenant, SHARE, job);
            jobs.waiting() == 1
        });
        if is_first {
            queue.changed.notify_one();
        }
        Committing {
            queue: Arc::clone(queue),
            bytes,
            result,
        }
    }

    /// Has what was handed in written now, since somebody waits for it.
    pub fn hurry(&self) {
        self.commits.0.hurry();
    }
}

/// A transaction that holds the write lock from the start: one that first reads and then
/// writes could otherwise be refused in the middle.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

pub(super) async fn begin(pool: &sqlx::Pool<Db>) -> Result<Transaction, StoreError> {
    Ok(pool.begin_with(BEGIN).await?)
}

/// The writing connection, as long as the writer keeps it from others who write.
struct Kept {
    pool: sqlx::Pool<Db>,
    connection: Option<PoolConnection<Db>>,
    /// Made since it was taken.
    transactions: u8,
}

impl Kept {
    async fn take(&mut self) -> Result<PoolConnection<Db>, StoreError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        self.transactions = 0;
        Ok(self.pool.acquire().await?)
    }

    /// Takes it back after a transaction, unless it is the turn of others.
    fn keep(&mut self, connection: PoolConnection<Db>) {
        self.transactions += 1;
        self.connection = (self.transactions < TRANSACTIONS_TOGETHER).then_some(connection);
    }

    fn release(&mut self) {
        self.connection = None;
    }
}

/// How long a commit takes to write, going by the last ones.
struct Pace {
    commit_ns: u64,
}

impl Pace {
    fn took(&mut self, commits: usize, writing: Duration) {
        let each = writing.as_nanos() / commits.max(1) as u128;
        let each_ns = u64::try_from(each).unwrap_or(u64::MAX);
        self.commit_ns = (self.commit_ns / 4 * 3).saturating_add(each_ns / 4);
    }

    /// Commits that are written in [`BATCH_NS`].
    fn batch(&self) -> usize {
        let (least, most) = BATCH_COMMITS;
        usize::try_from(BATCH_NS / self.commit_ns.max(1)).map_or(most, |batch| batch.clamp(least, most))
    }
}

/// Writes commits until the last [`Store`] is gone.
pub(super) async fn run(pool: sqlx::Pool<Db>, queue: Arc<Queue>, counters: Arc<Counters>) {
    let mut pace = Pace {
        commit_ns: COMMIT_COST_NS,
    };
    let mut kept = Kept {
        pool,
        connection: None,
        transactions: 0,
    };
    loop {
        if queue.checkpoint.swap(false, Ordering::AcqRel) {
            kept.release();
            if let Err(error) = checkpoint::once(&kept.pool).await {
                tracing::warn!(%error, "the write-ahead log stays as long as it is");
            }
        }
        if queue.waiting() == 0 {
            kept.release();
            if queue.closed.load(Ordering::Acquire) {
                return;
            }
            queue.changed.notified().await;
            continue;
        }
        if !queue.hurries(pace.batch()) {
            kept.release();
            gather(&queue, pace.batch()).await;
        }
        let batch = fill(&queue, pace.batch());
        counters.taken.fetch_add(batch.len() as u64, Ordering::Release);
        let ends: Vec<_> = batch
            .iter()
            .map(|turn| (turn.key.clone(), turn.charged, cost_ns(turn)))
            .collect();
        let (commits, waiters): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|turn| (turn.item.commit, (turn.item.since, turn.item.done)))
            .unzip();
        let results = write_all(&mut kept, &commits, &counters, &mut pace).await;
        queue.with(|jobs| {
            for (tenant, charged, cost) in &ends {
                jobs.end(tenant, *charged, *cost);
            }
        });
        for ((since, waiter), result) in waiters.into_iter().zip(results) {
            let _ = waiter.send((result, since.elapsed())); // nobody waits any more: the commit stands
        }
    }
}

fn cost_ns(turn: &Turn<TenantId, Job>) -> u64 {
    COMMIT_COST_NS + turn.item.commit.size_bytes() as u64 * BYTE_COST_NS
}

/// Waits until somebody does, or for a while.
async fn gather(queue: &Queue, commits: usize) {
    let until = Instant::now() + GATHER;
    while !queue.hurries(commits) {
        if tokio::time::timeout_at(until, queue.changed.notified())
            .await
            .is_err()
        {
            return;
        }
    }
}

/// What goes into the next transaction.
fn fill(queue: &Queue, commits: usize) -> Vec<Turn<TenantId, Job>> {
    let (mut bytes, mut batch) = (0, Vec::new());
    queue.with(|jobs| {
        while batch.len() < BATCH_COMMITS.1 && bytes < BATCH_BYTES_MAX {
            let next = match batch.len() < commits {
                true => jobs.start(),
                false => jobs.start_in_credit(),
            };
            let Some(turn) = next else { break };
            bytes += turn.item.commit.size_bytes();
            batch.push(turn);
        }
        if jobs.waiting() == 0 {
            queue.hurry.store(false, Ordering::Release);
        }
    });
    batch
}

/// One result for each commit, in their order.
async fn write_all(
    kept: &mut Kept,
    commits: &[RuleCommit],
    counters: &Counters,
    pace: &mut Pace,
) -> Vec<Result<(), StoreError>> {
    match write_together(kept, commits, pace).await {
        Ok(results) => {
            counters.count(&results);
            results
        }
        Err(error) if commits.len() == 1 => vec![Err(error)],
        Err(_) => {
            let mut results = Vec::with_capacity(commits.len());
            for commit in commits {
                let alone = write_together(kept, std::slice::from_ref(commit), pace).await;
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
    kept: &mut Kept,
    commits: &[RuleCommit],
    pace: &mut Pace,
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut connection = kept.take().await?;
    let written = write_on(&mut connection, commits, pace).await;
    match written {
        Ok(_) => kept.keep(connection),
        Err(_) => {
            if sqlx::query("ROLLBACK").execute(&mut *connection).await.is_err() {
                // SQLite has ended the transaction itself, or has not begun it. Who knows?
                connection.close_on_drop();
            }
        }
    }
    written
}

async fn write_on(
    connection: &mut Connection,
    commits: &[RuleCommit],
    pace: &mut Pace,
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let writing = Clock.stopwatch();
    let results = commit::begin(connection, commits).await?;
    pace.took(commits.len(), writing.elapsed());
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_as_large_as_the_last_ones_were_fast() {
        let ms = Duration::from_millis;
        let mut pace = Pace {
            commit_ns: COMMIT_COST_NS,
        };
        assert_eq!(pace.batch(), 30, "3 ms of commits of 0.1 ms each");
        for _ in 0..100 {
            pace.took(50, ms(10));
        }
        assert_eq!(pace.batch(), 15, "0.2 ms each");
        pace.took(10, ms(4));
        assert_eq!(pace.batch(), 12, "one slow batch counts for a quarter");
        for _ in 0..100 {
            pace.took(8, ms(800));
        }
        assert_eq!(pace.batch(), 8, "never fewer");
        for _ in 0..100 {
            pace.took(0, ms(0));
        }
        assert_eq!(pace.batch(), 256, "never more");
    }
}
