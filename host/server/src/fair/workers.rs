//! Threads for work that takes processor time, with a bounded queue in front.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use wasmalert_core::TenantId;
use wasmalert_core::fair::{self, FairQueue, Full};

use super::Claim;

/// What a job is charged that panicked, in nanoseconds.
const PANIC_COST_NS: u64 = 1_000_000;

/// Does its work and says how much processor time it took, in nanoseconds.
type Job = Box<dyn FnOnce() -> u64 + Send>;

/// What threads to start.
#[derive(Debug, Clone)]
pub(crate) struct Crew {
    pub(crate) name: &'static str,
    /// At least 1.
    pub(crate) threads: usize,
    /// Jobs that may wait, of all tenants together.
    pub(crate) waiting_max: usize,
    pub(crate) stack_bytes: usize,
    /// Added to the threads' niceness: 0 to 19, which is the least priority.
    pub(crate) nice: i32,
    /// Called by each thread before its first job.
    pub(crate) prepare: fn(),
}

/// A fixed number of threads with one queue. Dropping it finishes what is queued
/// and waits for the threads.
pub(super) struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something can be started, or the queue is closed.
    wake: Condvar,
}

struct Queue {
    jobs: FairQueue<TenantId, Job>,
    closed: bool,
}

impl Workers {
    pub(super) fn start(crew: &Crew) -> Self {
        let queue = Queue {
            jobs: FairQueue::new(crew.waiting_max.max(1)),
            closed: false,
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            wake: Condvar::new(),
        });
        let threads = (0..crew.threads.max(1))
            .filter_map(|number| spawn(number, crew, Arc::clone(&shared)))
            .collect();
        Self { shared, threads }
    }

    /// Queues a job.
    ///
    /// # Errors
    /// There is no room.
    pub(super) fn submit(&self, claim: &Claim, job: Job) -> Result<(), Full> {
        if self.threads.is_empty() {
            return Err(Full::All(0));
        }
        let mut queue = self.shared.lock();
        queue.jobs.push(&claim.tenant, claim.share, job)?;
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Jobs that wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.shared.lock().jobs.waiting()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; none when the queue is closed and empty.
    fn next(&self) -> Option<fair::Turn<TenantId, Job>> {
        let mut queue = self.lock();
        loop {
            match queue.jobs.start() {
                Some(turn) => return Some(turn),
                None if queue.closed && queue.jobs.waiting() == 0 => return None,
                None => queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn end(&self, tenant: &TenantId, charged: u64, cost: u64) {
        let mut queue = self.lock();
        queue.jobs.end(tenant, charged, cost);
        let closed = queue.closed;
        drop(queue);
        if closed {
            // Whoever waited for the tenant's turn to end waits no more.
            self.wake.notify_all();
        }
    }
}

fn spawn(number: usize, crew: &Crew, shared: Arc<Shared>) -> Option<JoinHandle<()>> {
    let Crew {
        name, nice, prepare, ..
    } = *crew;
    let started = thread::Builder::new()
        .name(format!("{name}-{number}"))
        .stack_size(crew.stack_bytes)
        .spawn(move || {
            // On Linux niceness is a thread's own. Without it work is done all the same.
            if nice > 0
                && let Err(error) = rustix::process::nice(nice)
            {
                tracing::warn!(name, %error, "the priority of a thread cannot be lowered");
            }
            prepare();
            while let Some(fair::Turn { key, item, charged }) = shared.next() {
                let cost = catch_unwind(AssertUnwindSafe(item)).unwrap_or_else(|_| {
                    tracing::error!(name, tenant = %key, "a job panicked");
                    PANIC_COST_NS
                });
                shared.end(&key, charged, cost);
            }
        });
    started
        .inspect_err(|error| tracing::error!(name, %error, "cannot start a thread"))
        .ok()
}
