//! Sends the series that rules leave to where their source says: Prometheus remote write 1.0.
//!
//! Each source that has a target has a queue, in the order in which samples came. One request is on its way at a
//! time and is tried again until the target has answered, so that each series arrives in its order. What a tenant
//! has in its queues is bounded: when a target is away for longer the oldest samples go, and are counted. It is in
//! memory alone: what is in it when the server dies is lost.

mod queue;
mod send;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use wasmalert_core::evaluation::LogLevel;
use wasmalert_core::spec::External;
use wasmalert_core::{Labels, TenantId};

use self::queue::{Queue, Queued, Queues};
use crate::Host;
use crate::catalog::TenantCatalog;
use crate::fair::Turns;
use crate::logs::LogEvent;
use crate::telemetry::WriteResult;

/// Requests of all tenants at a time.
const REQUESTS_AT_ONCE: usize = 512;
/// What goes wrong with a target is told in the tenant's log so often at most.
const TELL_EVERY_MS: i64 = 60_000;
/// How often it is looked whether all is sent, when the server stops.
const FLUSH_STEP: Duration = Duration::from_millis(20);

/// The queues of all tenants.
pub(crate) struct RemoteWrite {
    tenants: Mutex<BTreeMap<TenantId, Queues>>,
    started: UnboundedSender<Arc<Queue>>,
    turns: Turns,
}

/// Queues for which nobody sends yet.
pub(crate) type Started = UnboundedReceiver<Arc<Queue>>;

impl RemoteWrite {
    #[must_use]
    pub(crate) fn new() -> (Self, Started) {
        let (started, queues) = unbounded_channel();
        let remote_write = Self {
            tenants: Mutex::default(),
            started,
            turns: Turns::new(REQUESTS_AT_ONCE, usize::MAX),
        };
        (remote_write, queues)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantId, Queues>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to a queue, which is made where there is none; says what had to go for that, and of which queues.
    fn push(
        &self,
        tenant: &TenantId,
        source: &str,
        samples: impl Iterator<Item = Queued>,
    ) -> Vec<(Arc<Queue>, u64)> {
        // Under the lock, so that no queue ends in between.
        let mut tenants = self.lock();
        let queues = tenants.entry(tenant.clone()).or_default();
        let room = &queues.room;
        let made = || {
            let queue = Arc::new(Queue::new(tenant.clone(), source.to_owned(), room.clone()));
            // Nobody sends any more when the server stops.
            let _ = self.started.send(queue.clone());
            queue
        };
        let queue = queues.of_source.entry(source.to_owned()).or_insert_with(made);
        queue.push(samples);
        queues.make_room()
    }

    /// Samples of each tenant that wait, or are on their way.
    #[must_use]
    pub(crate) fn waiting(&self) -> BTreeMap<TenantId, u64> {
        let tenants = self.lock();
        let waiting = tenants
            .iter()
            .map(|(tenant, queues)| (tenant.clone(), queues.room.samples()));
        waiting.collect()
    }

    /// Drops what waits of a tenant that is gone.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let gone = self.lock().remove(tenant);
        for queue in gone.iter().flat_map(|queues| queues.of_source.values()) {
            queue.close();
        }
    }

    /// Ends a queue, if it is empty or `even_full`; how many samples are dropped by that, none if it stays.
    fn end(&self, queue: &Arc<Queue>, even_full: bool) -> Option<u64> {
        let mut tenants = self.lock();
        if !even_full && queue.len() > 0 {
            return None;
        }
        if let Some(queues) = tenants.get_mut(&queue.tenant)
            && let Some(now) = queues.of_source.get(&queue.source)
            && Arc::ptr_eq(now, queue)
        {
            queues.of_source.remove(&queue.source);
            if queues.of_source.is_empty() {
                tenants.remove(&queue.tenant);
            }
        }
        Some(queue.close())
    }
}

/// Hands in the samples of one time for the target of the rule's source, where it has one.
pub(crate) fn forward<'a>(
    host: &Host,
    (tenant, catalog): (&TenantId, &TenantCatalog),
    source: &str,
    samples: impl Iterator<Item = (&'a Arc<Labels>, f64)>,
    timestamp_ms: i64,
) {
    let Some(source) = catalog.sources.written_to(source) else {
        return;
    };
    let samples =
        samples.map(|(labels, value)| Queued::new(outside(labels, &host.external), timestamp_ms, value));
    for (queue, dropped) in host.remote_write.push(tenant, source.name(), samples) {
        count(host, &queue, WriteResult::Dropped, dropped);
        tell(host, &queue, || {
            format!(
                "too much waits: {dropped} samples, the oldest, are dropped \
                 (wasmalert_remote_write_samples_total counts all)"
            )
        });
    }
}

fn count(host: &Host, queue: &Queue, result: WriteResult, samples: u64) {
    if samples > 0 {
        host.metrics
            .remote_write_samples
            .add(&queue.tenant, result, samples);
    }
}

/// Labels as they are outside: with those of the server, where they have none of that name.
fn outside(labels: &Arc<Labels>, external: &External) -> Arc<Labels> {
    let absent = |(name, _): &(&String, &String)| labels.get(name).is_none();
    let mut absent = external.labels.iter().filter(absent).peekable();
    if absent.peek().is_none() {
        return labels.clone();
    }
    let absent = absent.map(|(name, value)| (name.as_str(), value.as_str()));
    Arc::new(labels.iter().chain(absent).collect())
}

/// Tells a tenant what is wrong with a target, unless that was told just now.
fn tell(host: &Host, queue: &Queue, message: impl FnOnce() -> String) {
    let now_ms = host.clock.now_ms();
    if !queue.may_tell(now_ms, TELL_EVERY_MS) {
        return;
    }
    host.logs.write(LogEvent {
        tenant: queue.tenant.clone(),
        time_ms: now_ms,
        level: LogLevel::Warn,
        rule: None,
        receiver: None,
        message: format!("remote write of the source {:?}: {}", queue.source, message()),
        fields: Vec::new(),
        code: None,
    });
}

/// Sends until it is cancelled.
pub(crate) async fn send_forever(host: Arc<Host>, mut started: Started) {
    let mut senders = JoinSet::new();
    loop {
        tokio::select! {
            Some(queue) = started.recv() => drop(senders.spawn(send::send_all(host.clone(), queue))),
            Some(_) = senders.join_next() => {}
            else => return,
        }
    }
}

/// Waits until all is sent, but not longer than that.
pub(crate) async fn flush(host: &Host, within: Duration) {
    let until = tokio::time::Instant::now() + within;
    loop {
        let waiting: u64 = host.remote_write.waiting().values().sum();
        if waiting == 0 {
            return;
        }
        if tokio::time::Instant::now() >= until {
            return tracing::warn!(samples = waiting, "not all could be sent by remote write");
        }
        tokio::time::sleep(FLUSH_STEP).await;
    }
}
