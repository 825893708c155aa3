//! Ids that sort in the order they were made.

use std::sync::{Mutex, PoisonError};

/// Ids made within one millisecond before they run ahead of the clock: 2^20.
const SEQUENCE_BITS: u32 = 20;

/// Hex digits of the time and the sequence together.
const SORTED_DIGITS: usize = 17;

/// Makes ids: 48 bits of time, 20 of sequence, 32 of chance.
pub(super) struct Ids {
    last: Mutex<u128>,
}

impl Ids {
    /// Goes on after the greatest id there is, whatever the clock says.
    pub(super) fn after(greatest: Option<&str>) -> Self {
        let last = greatest
            .and_then(|id| id.get(..SORTED_DIGITS))
            .and_then(|digits| u128::from_str_radix(digits, 16).ok())
            .unwrap_or(0);
        Self {
            last: Mutex::new(last),
        }
    }

    pub(super) fn next(&self, now_ms: i64) -> String {
        let clock = u128::from(now_ms.max(0).unsigned_abs()) << SEQUENCE_BITS;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = clock.max(*last + 1);
        let chance = getrandom::u32().unwrap_or(0); // the sequence alone is unique here
        format!("{:0SORTED_DIGITS$x}{chance:08x}", *last)
    }
}
