//! The audit log: each change and each caller who was turned away.
//!
//! Rows are written together, by a task of their own. A change waits until its row
//! is written; a caller who is turned away does not, so that nobody can slow down
//! others by knocking.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use wasmalert_core::TenantId;

use crate::Host;
use crate::store::AuditRow;

/// Rows that wait to be written. Of those that nobody waits for, more are counted
/// in the server's log and left out.
const QUEUE_MAX: usize = 1_024;
/// Rows that are written together.
const BATCH_MAX: usize = 256;

/// What a call was and what came of it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) actor: String,
    pub(crate) address: IpAddr,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
}

pub(crate) struct Job {
    entry: Entry,
    written: Option<oneshot::Sender<()>>,
}

/// Where entries go in.
pub(crate) struct Audit(mpsc::Sender<Job>);

impl Audit {
    #[must_use]
    pub(crate) fn new() -> (Self, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        (Self(jobs), queue)
    }

    /// Writes an entry, and waits until it is written.
    pub(crate) async fn write(&self, entry: Entry) {
        let (written, done) = oneshot::channel();
        let job = Job {
            entry,
            written: Some(written),
        };
        // Both fail only when the server stops.
        if self.0.send(job).await.is_ok() {
            let _ = done.await;
        }
    }

    /// Writes an entry some time, if there is room.
    pub(crate) fn note(&self, entry: Entry) {
        if let Err(mpsc::error::TrySendError::Full(job)) = self.0.try_send(Job { entry, written: None }) {
            let Entry {
                actor, address, path, ..
            } = job.entry;
            tracing::warn!(actor, %address, path, "the audit log is behind: a call that was turned away is left out");
        }
    }
}

/// Writes what comes in.
pub(crate) async fn write_forever(host: Arc<Host>, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::new();
    while queue.recv_many(&mut jobs, BATCH_MAX).await > 0 {
        let now_ms = host.clock.now_ms();
        let (rows, waiting): (Vec<AuditRow>, Vec<_>) = jobs
            .drain(..)
            .map(|job| (row(&host, job.entry, now_ms), job.written))
            .unzip();
        if let Err(error) = host.store.add_audit(&rows).await {
            tracing::error!(%error, ?rows, "the audit log could not be written");
        }
        for written in waiting.into_iter().flatten() {
            // Who waited may be gone.
            let _ = written.send(());
        }
    }
}

fn row(host: &Host, entry: Entry, now_ms: i64) -> AuditRow {
    AuditRow {
        tenant: entry.tenant,
        id: host.store.new_id(now_ms),
        time_ms: now_ms,
        actor: entry.actor,
        address: entry.address.to_string(),
        method: entry.method,
        path: entry.path,
        status: entry.status,
    }
}
