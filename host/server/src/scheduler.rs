//! Decides when which group is evaluated: one task, one agenda, any number of
//! groups.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use wasmalert_core::GroupKey;
use wasmalert_core::quota::Quota;
use wasmalert_core::schedule::{Agenda, advance, slot_at_or_before};

use crate::Host;
use crate::evaluate::{Due, evaluate_group};
use crate::live::LiveGroup;

/// The scheduler looks at the clock at least this often, so that a clock that is
/// set does not leave it asleep.
const NAP_MAX_MS: i64 = 1_000;
/// Groups taken off the agenda at a time.
const DUE_MAX: usize = 1_024;

/// What the scheduler is told.
pub(crate) enum News {
    /// A group is new or has changed.
    Put(Arc<LiveGroup>),
    Removed(GroupKey),
    /// The run of that number, of that group, has ended.
    Done(GroupKey, u64),
}

/// Tells the scheduler of changes. What waits in it is bounded by the number of
/// groups and of API calls under way.
pub(crate) type Newsline = mpsc::UnboundedSender<News>;

/// Where a group stands.
struct Entry {
    group: Arc<LiveGroup>,
    /// The last slot that was evaluated, or the one before the first.
    last_slot_ms: i64,
    /// The run that is under way.
    run: Option<u64>,
}

/// The scheduler's task.
pub(crate) struct Scheduler {
    host: Arc<Host>,
    agenda: Agenda<GroupKey>,
    entries: HashMap<GroupKey, Entry>,
    runs: u64,
    newsline: Newsline,
    news: mpsc::UnboundedReceiver<News>,
}

impl Scheduler {
    #[must_use]
    pub(crate) fn new(host: Arc<Host>, newsline: Newsline, news: mpsc::UnboundedReceiver<News>) -> Self {
        Self {
            host,
            agenda: Agenda::default(),
            entries: HashMap::new(),
            runs: 0,
            newsline,
            news,
        }
    }

    /// Runs until it is cancelled.
    pub(crate) async fn run(mut self) {
        let mut seen_ms = i64::MIN;
        loop {
            let now_ms = self.host.clock.now_ms();
            if now_ms.saturating_add(NAP_MAX_MS) < seen_ms {
                tracing::warn!(
                    by_ms = seen_ms - now_ms,
                    "the clock was set back: groups start over at their next slots"
                );
                self.start_over(now_ms);
            }
            seen_ms = now_ms;
            let wake_ms = self
                .agenda
                .next_due()
                .unwrap_or(i64::MAX)
                .min(now_ms + NAP_MAX_MS);
            let nap = Duration::from_millis(wake_ms.saturating_sub(now_ms).max(0).unsigned_abs());
            tokio::select! {
                biased;
                news = self.news.recv() => match news {
                    Some(news) => self.hear(news),
                    None => return,
                },
                () = tokio::time::sleep(nap) => {}
            }
            let now_ms = self.host.clock.now_ms();
            for (key, _) in self.agenda.due(now_ms, DUE_MAX) {
                self.start(&key, now_ms);
            }
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Put(group) => {
                let last_slot_ms = self.last_slot(&group);
                let key = group.key.clone();
                // A group that is being evaluated goes on when that has ended.
                let run = self.entries.get(&key).and_then(|entry| entry.run);
                self.entries.insert(
                    key.clone(),
                    Entry {
                        group,
                        last_slot_ms,
                        run,
                    },
                );
                if run.is_none() {
                    self.plan(&key);
                }
            }
            News::Removed(key) => {
                self.entries.remove(&key);
                self.agenda.remove(&key);
            }
            News::Done(key, run) => {
                if let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.run == Some(run)) {
                    entry.run = None;
                    self.plan(&key);
                }
            }
        }
    }

    /// The slot before the first one to come; a group that keeps its interval
    /// keeps its slots.
    fn last_slot(&self, group: &LiveGroup) -> i64 {
        match self.entries.get(&group.key) {
            Some(entry) if entry.group.spec.interval_ms == group.spec.interval_ms => entry.last_slot_ms,
            _ => slot_at_or_before(self.host.clock.now_ms(), group.spec.interval_ms, group.offset_ms),
        }
    }

    /// A clock that was set back would leave every group waiting for its old
    /// time: they start over at the next slot instead.
    fn start_over(&mut self, now_ms: i64) {
        for entry in self.entries.values_mut() {
            entry.last_slot_ms =
                slot_at_or_before(now_ms, entry.group.spec.interval_ms, entry.group.offset_ms);
        }
        let idle: Vec<GroupKey> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.run.is_none())
            .map(|(key, _)| key.clone())
            .collect();
        for key in idle {
            self.plan(&key);
        }
    }

    fn plan(&mut self, key: &GroupKey) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let timer_ms = entry.group.next_timer_ms().unwrap_or(i64::MAX);
        let slot_ms = entry.last_slot_ms.saturating_add(entry.group.spec.interval_ms);
        self.agenda.schedule(key.clone(), slot_ms.min(timer_ms));
    }

    fn start(&mut self, key: &GroupKey, now_ms: i64) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let interval_ms = entry.group.spec.interval_ms;
        let slot = (entry.last_slot_ms.saturating_add(interval_ms) <= now_ms).then(|| {
            let slot = advance(entry.last_slot_ms, now_ms, interval_ms);
            entry.last_slot_ms = slot.slot_ms;
            slot
        });
        self.runs += 1;
        entry.run = Some(self.runs);
        let due = Due { now_ms, slot };
        let (host, group) = (self.host.clone(), entry.group.clone());
        let done = Ended {
            newsline: self.newsline.clone(),
            key: key.clone(),
            run: self.runs,
        };
        tokio::spawn(async move {
            let _done = done;
            let claim = host.tenants.of(&group.key.tenant).claim(Quota::EvaluationsAtOnce);
            // One for each group waits at most, so that there is always room.
            let Ok(mut turn) = host.evaluations.take(&claim).await else {
                return;
            };
            evaluate_group(&host, &group, due, &mut turn).await;
        });
    }
}

/// Tells the scheduler that a run has ended, however it ended.
struct Ended {
    newsline: Newsline,
    key: GroupKey,
    run: u64,
}

impl Drop for Ended {
    fn drop(&mut self) {
        // The scheduler is gone only when the host stops.
        let _ = self.newsline.send(News::Done(self.key.clone(), self.run));
    }
}
