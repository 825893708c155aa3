//! The threads that runs happen on.
//!
//! Runs are synchronous and short, so they get threads of their own, with a stack
//! for the guest's calls, and a bounded queue in front.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use wasmalert_core::fault::{Fault, FaultCode};

use crate::engine::Sandbox;

/// Stack of a worker besides what guests may use.
const HOST_STACK_BYTES: u64 = 2 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads with one bounded queue. Dropping it finishes what is
/// queued and waits for the threads.
pub struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Something is queued, or the queue is closed.
    wake: Condvar,
    jobs_max: usize,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Workers {
    /// Starts the threads, at least one; `queue` jobs may wait at a time.
    #[must_use]
    pub fn start(sandbox: &Sandbox, threads: usize, queue: usize) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            jobs_max: queue.max(1),
        });
        let stack_bytes = HOST_STACK_BYTES + sandbox.inner.stack_bytes;
        let threads = (0..threads.max(1))
            .filter_map(|number| spawn(number, stack_bytes, Arc::clone(&shared)))
            .collect();
        Self { shared, threads }
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`FaultCode::Overloaded`] when the queue is full, or no thread could be started.
    pub fn submit(&self, job: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
        if self.threads.is_empty() {
            return Err(Fault::new(
                FaultCode::Overloaded,
                "no worker thread could be started",
            ));
        }
        let mut queue = self.shared.lock();
        if queue.jobs.len() >= self.shared.jobs_max {
            let message = format!("{} runs are already waiting for a worker", queue.jobs.len());
            return Err(Fault::new(FaultCode::Overloaded, message));
        }
        queue.jobs.push_back(Box::new(job));
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Jobs that wait for a thread.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.lock().jobs.len()
    }

    /// Threads that run.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.len()
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
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            match queue.jobs.pop_front() {
                Some(job) => return Some(job),
                None if queue.closed => return None,
                None => queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

fn spawn(number: usize, stack_bytes: u64, shared: Arc<Shared>) -> Option<JoinHandle<()>> {
    let started = thread::Builder::new()
        .name(format!("sandbox-{number}"))
        .stack_size(usize::try_from(stack_bytes).unwrap_or(usize::MAX))
        .spawn(move || {
            wasmtime::Engine::tls_eager_initialize();
            while let Some(job) = shared.next() {
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a run in the sandbox panicked");
                }
            }
        });
    started
        .inspect_err(|error| tracing::error!(%error, "cannot start a sandbox worker"))
        .ok()
}
