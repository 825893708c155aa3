//! What waits to be sent to one target.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
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

/// The queues of a tenant, by the names of sources.
#[derive(Default)]
pub(super) struct Queues {
    pub(super) room: Arc<Room>,
    pub(super) of_source: BTreeMap<String, Arc<Queue>>,
}

impl Queues {
    /// Makes room where there is too much: of the fullest queue the oldest go. Says of which, and how many.
    pub(super) fn make_room(&self) -> Vec<(Arc<Queue>, u64)> {
        let mut dropped = Vec::new();
        while self.room.is_over()
            && let Some(fullest) = self.of_source.values().max_by_key(|queue| queue.waiting_bytes())
        {
            match fullest.drop_oldest() {
                // All is on its way.
                0 => break,
                samples => dropped.push((fullest.clone(), samples)),
            }
        }
        dropped
    }
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
    /// What they count for.
    bytes: usize,
    /// What was taken and is on its way.
    under_way: Arc<Vec<Queued>>,
    is_closed: bool,
    told_at_ms: Option<i64>,
}

impl Waiting {
    fn pop(&mut self) -> Option<Queued> {
        let first = self.samples.pop_front()?;
        self.bytes -= first.bytes;
        Some(first)
    }
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

    /// Adds samples, whether or not there is room.
    pub(super) fn push(&self, samples: impl Iterator<Item = Queued>) {
        let mut waiting = self.lock();
        for queued in samples {
            self.room.take(&queued);
            waiting.bytes += queued.bytes;
            waiting.samples.push_back(queued);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Lets the oldest go until there is room, or nothing waits; says how many those are.
    fn drop_oldest(&self) -> u64 {
        let mut waiting = self.lock();
        let mut dropped = 0;
        while self.room.is_over()
            && let Some(oldest) = waiting.pop()
        {
            self.room.give_back([&oldest].into_iter());
            dropped += 1;
        }
        dropped
    }

    fn waiting_bytes(&self) -> usize {
        self.lock().bytes
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
                    continue;
                }
                1..BATCH_SAMPLES_MAX => tokio::time::sleep(LINGER).await,
                _ => {}
            }
            let batch = self.take();
            // They may have gone meanwhile, to make room.
            if !batch.is_empty() {
                return Next::Batch(batch);
            }
        }
    }

    fn take(&self) -> Arc<Vec<Queued>> {
        let mut waiting = self.lock();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_SAMPLES_MAX
            && bytes < BATCH_BYTES_MAX
            && let Some(first) = waiting.pop()
        {
            bytes += first.bytes;
            batch.push(first);
        }
        waiting.under_way = Arc::new(batch);
        waiting.under_way.clone()
    }

    /// The samples that were on their way are not any more.
    pub(super) fn arrived(&self) {
        let arrived = std::mem::take(&mut self.lock().under_way);
        self.room.give_back(arrived.iter());
    }
}
