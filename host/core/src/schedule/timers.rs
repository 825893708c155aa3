//! When the timers of a rule are looked at.

use crate::evaluation::{Timers, Trigger};

/// Evaluations of one rule by timer are at least this far apart, so that a rule
/// that keeps setting a timer to "now" costs no more than one a second.
pub const TIMER_GAP_MS: i64 = 1_000;

/// Holds off evaluations by timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerGate {
    from_ms: i64,
}

impl Default for TimerGate {
    fn default() -> Self {
        Self { from_ms: i64::MIN }
    }
}

impl TimerGate {
    /// When the first timer wants an evaluation.
    #[must_use]
    pub fn next_ms(&self, timers: &Timers) -> Option<i64> {
        let due_ms = timers.values().map(|timer| timer.due_ms).min()?;
        Some(due_ms.max(self.from_ms))
    }

    /// The first timer, if it is due. The next one is then not before the gap has passed.
    pub fn due(&mut self, timers: &Timers, now_ms: i64) -> Option<Trigger> {
        if self.next_ms(timers)? > now_ms {
            return None;
        }
        let (name, timer) = timers.iter().min_by_key(|(_, timer)| timer.due_ms)?;
        self.hold_until(now_ms.saturating_add(TIMER_GAP_MS));
        Some(Trigger::Timer {
            name: name.clone(),
            timer: timer.clone(),
        })
    }

    /// No timer is looked at before that time.
    pub fn hold_until(&mut self, time_ms: i64) {
        self.from_ms = self.from_ms.max(time_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Timer;

    fn timers(due: &[(&str, i64)]) -> Timers {
        let timer = |due_ms| Timer {
            due_ms,
            payload: Vec::new(),
        };
        due.iter()
            .map(|(name, due_ms)| ((*name).to_owned(), timer(*due_ms)))
            .collect()
    }

    fn name(trigger: Option<Trigger>) -> Option<String> {
        match trigger? {
            Trigger::Timer { name, .. } => Some(name),
            Trigger::Interval => None,
        }
    }

    #[test]
    fn the_first_timer_is_due_and_the_next_one_waits_for_the_gap() {
        let timers = timers(&[("a", 2_000), ("b", 1_000)]);
        let mut gate = TimerGate::default();
        assert_eq!(gate.next_ms(&timers), Some(1_000));
        assert_eq!(name(gate.due(&timers, 999)), None);
        assert_eq!(name(gate.due(&timers, 1_500)), Some("b".to_owned()));
        assert_eq!(gate.next_ms(&timers), Some(1_500 + TIMER_GAP_MS));
        assert_eq!(name(gate.due(&timers, 2_499)), None);
        assert_eq!(name(gate.due(&timers, 2_500)), Some("b".to_owned()));
    }

    #[test]
    fn a_hold_is_never_shortened() {
        let timers = timers(&[("a", 0)]);
        let mut gate = TimerGate::default();
        gate.hold_until(5_000);
        gate.hold_until(3_000);
        assert_eq!(gate.next_ms(&timers), Some(5_000));
        assert_eq!(gate.next_ms(&Timers::new()), None);
    }
}
