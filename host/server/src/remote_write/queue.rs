//! What waits to be sent to one target.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use wasmalert_core::sample::Sample;
use wasmalert_core::{Labels, TenantId};

/// Samples of a tenant that wait or are on their way, at most.
const SAMPLES_MAX: usize = 100_000;
/// Their labels, at most.
const BYTES_MAX: usize = 32 << 20;
/// Samples of one request, as Prometheus has it.
const BATCH_SAMPLES_MAX: usize = 2_000;
/// Labels of one request; the last sample may go over it.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// A request waits so long for more samples.
const LINGER: Duration = Duration::from_millis(250);
/// A queue to which nothing comes for so long ends.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// What the queues of a tenant hold together.
#[derive(Debug, Default)]
pub(super) struct Room {
    samples: AtomicUsize,
    bytes: AtomicUsize,
}

impl Room {
    pub(super) fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed) as u64
    }

    fn take(&self, queued: &Queued) {
        self.samples.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(queued.bytes, Ordering::Relaxed);
    }

    fn give_back<'q>(&self, all: impl Iterator<Item = &'q Queued>) {
        for queued in all {
            self.samples.fetch_sub(1, Ordering::Relaxed);
            self.bytes.fetch_sub(queued.bytes, Ordering::Relaxed);
        }
    }

    fn is_over(&self) -> bool {
        self.samples.load(Ordering::Relaxed) > SAMPLES_MAX || self.bytes.load(Ordering::Relaxed) > BYTES_MAX
    }
}

/// A sample and its series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Queued {
    pub(super) labels: Arc<Labels>,
    pub(super) sample: Sample,
    /// What it counts for.
    bytes: usize,
}

impl Queued {
    pub(super) fn new(labels: Arc<Labels>, timestamp_ms: i64, value: f64) -> Self {
        let text = |(name, value): (&str, &str)| name.len() + value.len();
        let bytes = size_of::<Self>() + labels.iter().map(text).sum::<usize>();
        let sample = Sample { timestamp_ms, value };
        Self {
            labels,
            sample,
            bytes,
        }
    }
}

/// What has come of adding samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pushed {
    /// Samples, the oldest, that had to go for them.
    pub(super) dropped: u64,
}

/// The samples for the target of one source of a tenant.
pub(crate) struct Queue {
    pub(super) tenant: TenantId,
    pub(super) source: String,
    room: Arc<Room>,
    waiting: Mutex<Waiting>,
    changed: Notify,
    closed: Notify,
}

#[derive(Default)]
struct Waiting {
    samples: VecDeque<Queued>,
    /// What was taken and is on its way.
    under_way: Arc<Vec<Queued>>,
    is_closed: bool,
    told_at_ms: Option<i64>,
}

/// What there is to send.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// On its way until [`Queue::arrived`].
    Batch(Arc<Vec<Queued>>),
    /// Nothing has come for long.
    Idle,
    Closed,
}

impl Queue {
    pub(super) fn new(tenant: TenantId, source: String, room: Arc<Room>) -> Self {
        Self {
            tenant,
            source,
            room,
            waiting: Mutex::default(),
            changed: Notify::new(),
            closed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds samples, in place of the oldest where there is no room.
    pub(super) fn push(&self, samples: &[Queued]) -> Pushed {
        let mut waiting = self.lock();
        let mut dropped = 0;
        for queued in samples {
            self.room.take(queued);
            waiting.samples.push_back(queued.clone());
            while self.room.is_over()
                && let Some(oldest) = waiting.samples.pop_front()
            {
                self.room.give_back([&oldest].into_iter());
                dropped += 1;
            }
        }
        drop(waiting);
        self.changed.notify_one();
        Pushed { dropped }
    }

    /// Samples that wait, or are on their way.
    pub(super) fn len(&self) -> u64 {
        let waiting = self.lock();
        (waiting.samples.len() + waiting.under_way.len()) as u64
    }

    /// Lets everything go; says how many samples that is.
    pub(super) fn close(&self) -> u64 {
        let mut waiting = self.lock();
        let gone = std::mem::take(&mut *waiting);
        waiting.is_closed = true;
        drop(waiting);
        let all = gone.samples.iter().chain(gone.under_way.iter());
        self.room.give_back(all);
        self.changed.notify_one();
        self.closed.notify_one();
        (gone.samples.len() + gone.under_way.len()) as u64
    }

    /// Waits until it is closed. One waits, once.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }

    /// Whether something may be told now, and if so not again for a while.
    pub(super) fn may_tell(&self, now_ms: i64, every_ms: i64) -> bool {
        let told_at_ms = &mut self.lock().told_at_ms;
        let is_due = told_at_ms.is_none_or(|told_ms| now_ms.abs_diff(told_ms) >= every_ms.unsigned_abs());
        if is_due {
            *told_at_ms = Some(now_ms);
        }
        is_due
    }

    fn state(&self) -> (bool, usize) {
        let waiting = self.lock();
        (waiting.is_closed, waiting.samples.len())
    }

    /// The next samples to send, once there are some.
    pub(super) async fn next(&self) -> Next {
        loop {
            let (is_closed, samples) = self.state();
            match samples {
                _ if is_closed => return Next::Closed,
                0 => {
                    let changed = tokio::time::timeout(IDLE_MAX, self.changed.notified());
                    if changed.await.is_err() {
                        return Next::Idle;
                    }
                }
                1..BATCH_SAMPLES_MAX => {
                    tokio::time::sleep(LINGER).await;
                    break;
                }
                _ => break,
            }
        }
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Next::Closed;
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_SAMPLES_MAX
            && bytes < BATCH_BYTES_MAX
            && let Some(first) = waiting.samples.pop_front()
        {
            bytes += first.bytes;
            batch.push(first);
        }
        waiting.under_way = Arc::new(batch);
        Next::Batch(waiting.under_way.clone())
    }

    /// The samples that were on their way are not any more.
    pub(super) fn arrived(&self) {
        let arrived = std::mem::take(&mut self.lock().under_way);
        self.room.give_back(arrived.iter());
    }
}
