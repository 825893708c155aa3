//! Fair shares: whose turn is it?
//!
//! Weighted deficit round robin (Shreedhar and Varghese, 1995) over keys, which are
//! tenants. What a *turn* costs is known only when it has ended, so it is charged
//! what the key's turns cost on average when it begins, and the rest at its end. A
//! key whose *balance* is not above zero is passed over until a *round* has given
//! every key its *quantum*, times its weight.
//!
//! A key of which nothing waits saves what it gets, up to a bound: so one that wants
//! little, and now and then a few turns together, has them before those that want all
//! they can get. There are rounds only while somebody waits for one. When nobody waits
//! and nothing runs, what is saved stays, and what is owed is forgiven.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

/// What a key gets in a round, in the unit of the costs: nanoseconds of a processor. Small,
/// so that keys that have saved nothing have one cheap turn each before a key that has.
const QUANTUM: i64 = 100_000;
/// Quanta that a key saves while nothing of it waits.
const SAVED_MAX: i64 = 100;
/// Keys that are remembered when nothing waits; beyond that all savings are forgotten.
const KEYS_MAX: usize = 10_000;
/// How slowly the average follows: the last turn counts as one in so many.
const AVERAGED_OVER: u64 = 8;

/// What a key may have, beside the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How much more it gets than one of weight 1; at least 1.
    pub weight: u32,
    /// Turns under way at the same time, at least 1.
    pub at_once: usize,
    /// Items that may wait for theirs.
    pub waiting: usize,
}

/// Something that has its turn.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn<K, T> {
    pub key: K,
    pub item: T,
    /// To be given back to [`FairQueue::end`].
    pub charged: u64,
}

/// Why something may not wait, and how much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The whole queue.
    All(usize),
    /// The key's part of it.
    Own(usize),
}

/// Items that wait for their turn, by key.
#[derive(Debug)]
pub struct FairQueue<K, T> {
    lanes: BTreeMap<K, Lane<T>>,
    /// The keys of which something waits, in the order of their turns.
    ring: VecDeque<K>,
    waiting: usize,
    waiting_max: usize,
    running: usize,
    now: Now,
}

/// How far the queue has come; each lane remembers up to where it was reckoned.
#[derive(Debug, Clone, Copy, Default)]
struct Now {
    /// Rounds there have been.
    round: i64,
    /// Times at which nothing waited and nothing ran.
    idle: u64,
}

#[derive(Debug)]
struct Lane<T> {
    share: Share,
    waiting: VecDeque<T>,
    running: usize,
    balance: i64,
    /// Up to where the balance is reckoned.
    reckoned: Now,
    average: u64,
}

impl<T> Lane<T> {
    fn may_start(&self) -> bool {
        self.running < self.share.at_once.max(1)
    }

    fn quantum(&self) -> i64 {
        QUANTUM.saturating_mul(i64::from(self.share.weight.max(1)))
    }

    /// The balance as of now. Who has all that it may have at once waits for itself, and
    /// gets nothing for it.
    fn balance(&self, now: Now) -> i64 {
        let mut balance = self.balance;
        if self.reckoned.idle != now.idle {
            balance = balance.max(0);
        }
        if self.waiting.is_empty() || self.may_start() {
            let rounds = now.round.saturating_sub(self.reckoned.round);
            balance = balance.saturating_add(self.quantum().saturating_mul(rounds));
        }
        if self.waiting.is_empty() {
            balance = balance.min(self.quantum().saturating_mul(SAVED_MAX));
        }
        balance
    }

    /// Reckons the balance, before anything about the lane changes.
    fn reckon(&mut self, now: Now) {
        self.balance = self.balance(now);
        self.reckoned = now;
    }
}

impl<K: Ord + Clone, T> FairQueue<K, T> {
    /// An empty queue in which `waiting_max` items may wait.
    #[must_use]
    pub fn new(waiting_max: usize) -> Self {
        Self {
            lanes: BTreeMap::new(),
            ring: VecDeque::new(),
            waiting: 0,
            waiting_max,
            running: 0,
            now: Now::default(),
        }
    }

    /// Adds an item; the share holds for all of its key from now on.
    ///
    /// # Errors
    /// There is no room; the item is dropped.
    pub fn push(&mut self, key: &K, share: Share, item: T) -> Result<(), Full> {
        if self.waiting >= self.waiting_max {
            return Err(Full::All(self.waiting));
        }
        let lane = self.lanes.entry(key.clone()).or_insert_with(|| Lane {
            share,
            waiting: VecDeque::new(),
            running: 0,
            balance: 0,
            reckoned: self.now,
            average: 0,
        });
        lane.reckon(self.now);
        lane.share = share;
        if lane.waiting.len() >= share.waiting {
            return Err(Full::Own(lane.waiting.len()));
        }
        if lane.waiting.is_empty() {
            self.ring.push_back(key.clone());
        }
        lane.waiting.push_back(item);
        self.waiting += 1;
        Ok(())
    }

    /// The next item whose turn it is; none when nothing waits that may start.
    pub fn start(&mut self) -> Option<Turn<K, T>> {
        self.start_in_credit().or_else(|| {
            self.pay()?;
            self.start_in_credit()
        })
    }

    /// The next item of a key that has its turn without another round; none when there
    /// is no such key.
    pub fn start_in_credit(&mut self) -> Option<Turn<K, T>> {
        let at = self.in_credit()?;
        let key = self.ring.remove(at)?;
        let lane = self.lanes.get_mut(&key)?;
        lane.reckon(self.now);
        let item = lane.waiting.pop_front()?;
        let charged = lane.average;
        lane.running += 1;
        lane.balance = lane.balance.saturating_sub_unsigned(charged);
        if !lane.waiting.is_empty() {
            self.ring.push_back(key.clone());
        }
        self.waiting -= 1;
        self.running += 1;
        Some(Turn { key, item, charged })
    }

    /// A turn has ended, and cost so much.
    pub fn end(&mut self, key: &K, charged: u64, cost: u64) {
        self.running = self.running.saturating_sub(1);
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.reckon(self.now);
            lane.running = lane.running.saturating_sub(1);
            lane.balance = lane
                .balance
                .saturating_add_unsigned(charged)
                .saturating_sub_unsigned(cost);
            lane.average = (lane.average * (AVERAGED_OVER - 1) + cost) / AVERAGED_OVER;
        }
        if self.waiting == 0 && self.running == 0 {
            self.now.idle += 1;
            if self.lanes.len() > KEYS_MAX {
                self.lanes.clear();
            }
        }
    }

    /// Items that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Turns under way.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running
    }

    /// Turns of a key that are under way.
    #[must_use]
    pub fn running_of(&self, key: &K) -> usize {
        self.lanes.get(key).map_or(0, |lane| lane.running)
    }

    /// The place in the ring of the first key that may start and can pay.
    fn in_credit(&self) -> Option<usize> {
        self.ring.iter().position(|key| {
            self.lanes
                .get(key)
                .is_some_and(|lane| lane.may_start() && lane.balance(self.now) > 0)
        })
    }

    /// Has as many rounds as it takes until the first of the keys that wait, and may start,
    /// can pay; none when there is none.
    fn pay(&mut self) -> Option<()> {
        let lanes = self.ring.iter().filter_map(|key| self.lanes.get(key));
        let rounds = lanes
            .filter(|lane| lane.may_start())
            .map(|lane| lane.balance(self.now).min(0).abs() / lane.quantum() + 1)
            .min()?;
        self.now.round = self.now.round.saturating_add(rounds);
        Some(())
    }
}
