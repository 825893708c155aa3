//! When groups are evaluated.
//!
//! A group's *slots* are the times `offset + n * interval`. The offset is made
//! from the group's name, so that groups are spread over the interval and keep
//! their slots over restarts. A slot that passes while the group is busy, or the
//! host is down, is *missed*: it is counted, and not caught up on.

#[cfg(test)]
mod tests;
mod timers;

use std::collections::{BTreeMap, BTreeSet};

pub use timers::{TIMER_GAP_MS, TimerGate};

/// Where in its interval somebody's slots lie: 0 to `interval_ms - 1`.
///
/// FNV-1a (64 bit) over the names that tell it apart, each with 0xff behind it, modulo
/// the interval. The same on every host, for good.
#[must_use]
pub fn offset_ms(names: &[&str], interval_ms: i64) -> i64 {
    const OFFSET: u64 = 14_695_981_039_346_656_037;
    const PRIME: u64 = 1_099_511_628_211;
    let bytes = names.iter().flat_map(|name| name.bytes().chain([0xff]));
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    let interval = interval_ms.max(1).unsigned_abs();
    (hash % interval).cast_signed()
}

/// The last slot that is not after `now_ms`.
///
/// Near the ends of time, where there is no such slot, the nearest `i64`.
#[must_use]
pub fn slot_at_or_before(now_ms: i64, interval_ms: i64, offset_ms: i64) -> i64 {
    clamp(slot_before(now_ms, interval_ms, offset_ms))
}

/// The first slot after `now_ms`.
///
/// Near the ends of time, where there is no such slot, the nearest `i64`.
#[must_use]
pub fn next_slot_ms(now_ms: i64, interval_ms: i64, offset_ms: i64) -> i64 {
    clamp(slot_before(now_ms, interval_ms, offset_ms) + i128::from(interval_ms.max(1)))
}

/// Slots of a group, as far as they tell what was missed.
#[derive(Debug, Clone, Copy)]
pub struct Slots {
    pub interval_ms: i64,
    pub offset_ms: i64,
    /// Since when they are these: what was before a change counts for nothing.
    pub since_ms: i64,
    /// Since when anybody looks at them.
    pub started_ms: i64,
}

/// Slots that passed without an evaluation of a rule, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missed {
    /// Another was under way, or there was no room for it.
    pub late: u64,
    /// It was not to be evaluated.
    pub paused: u64,
    /// Nobody looked.
    pub stopped: u64,
}

impl Slots {
    /// Those between an evaluation and the next one, in a slot; `late` are those that the schedule has passed over.
    #[must_use]
    pub fn missed(&self, last_ms: i64, now_ms: i64, late: u64) -> Missed {
        let between = |from_ms, to_ms| slots_between(from_ms, to_ms, self.interval_ms, self.offset_ms);
        let from_ms = last_ms.max(self.since_ms);
        let all = between(from_ms.max(self.started_ms), now_ms);
        Missed {
            late,
            paused: all.saturating_sub(late),
            stopped: between(from_ms, self.started_ms),
        }
    }
}

/// How many slots lie between two times, neither of which counts.
fn slots_between(from_ms: i64, to_ms: i64, interval_ms: i64, offset_ms: i64) -> u64 {
    let last = slot_before(to_ms.saturating_sub(1), interval_ms, offset_ms);
    let first = slot_before(from_ms, interval_ms, offset_ms);
    u64::try_from((last - first) / i128::from(interval_ms.max(1))).unwrap_or(0)
}

fn slot_before(now_ms: i64, interval_ms: i64, offset_ms: i64) -> i128 {
    let now = i128::from(now_ms);
    now - (now - i128::from(offset_ms)).rem_euclid(i128::from(interval_ms.max(1)))
}

fn clamp(time_ms: i128) -> i64 {
    let in_range = time_ms.clamp(i64::MIN.into(), i64::MAX.into());
    i64::try_from(in_range).unwrap_or_default()
}

/// The slot to evaluate next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// Due at once when it is not after now.
    pub slot_ms: i64,
    /// Slots passed over on the way.
    pub missed: u64,
}

/// Goes on from the slot that was evaluated last.
///
/// That is the next slot, or, when later ones have passed already, the last of
/// them; those between count as missed. When the clock was set back by more than
/// an interval, slots start over from the first one after now instead of standing
/// still until the clock is back where it was.
#[must_use]
pub fn advance(scheduled_ms: i64, now_ms: i64, interval_ms: i64) -> Advance {
    let interval = i128::from(interval_ms.max(1));
    let elapsed = i128::from(now_ms) - i128::from(scheduled_ms);
    if elapsed < -interval {
        let slot_ms = next_slot_ms(now_ms, interval_ms, scheduled_ms);
        return Advance { slot_ms, missed: 0 };
    }
    let intervals = (elapsed / interval).max(1);
    Advance {
        slot_ms: clamp(i128::from(scheduled_ms) + intervals * interval),
        missed: u64::try_from(intervals - 1).unwrap_or(u64::MAX),
    }
}

/// What is due when: each key at most once.
#[derive(Debug, Clone)]
pub struct Agenda<K> {
    by_time: BTreeSet<(i64, K)>,
    due_of: BTreeMap<K, i64>,
}

impl<K> Default for Agenda<K> {
    fn default() -> Self {
        Self {
            by_time: BTreeSet::new(),
            due_of: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> Agenda<K> {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a key down for a time, instead of the time it was down for before.
    pub fn schedule(&mut self, key: K, due_ms: i64) {
        if let Some(before_ms) = self.due_of.insert(key.clone(), due_ms) {
            self.by_time.remove(&(before_ms, key.clone()));
        }
        self.by_time.insert((due_ms, key));
    }

    /// Takes a key off, and says when it was due.
    pub fn remove(&mut self, key: &K) -> Option<i64> {
        let (key, due_ms) = self.due_of.remove_entry(key)?;
        self.by_time.remove(&(due_ms, key));
        Some(due_ms)
    }

    /// Takes off what is due at `now_ms`, the earliest first, at most `max`.
    pub fn due(&mut self, now_ms: i64, max: usize) -> Vec<(K, i64)> {
        let mut due = Vec::new();
        while due.len() < max && self.next_due().is_some_and(|due_ms| due_ms <= now_ms) {
            let Some((due_ms, key)) = self.by_time.pop_first() else {
                break;
            };
            self.due_of.remove(&key);
            due.push((key, due_ms));
        }
        due
    }

    /// When the earliest key is due.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.by_time.first().map(|(due_ms, _)| *due_ms)
    }

    /// When that key is due.
    #[must_use]
    pub fn due_of(&self, key: &K) -> Option<i64> {
        self.due_of.get(key).copied()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.due_of.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due_of.is_empty()
    }
}
