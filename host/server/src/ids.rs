//! Ids that sort by the time they were made, and chance for jitter and tokens.

use std::sync::{Mutex, PoisonError};

/// Makes ids; every one sorts after those before it.
#[derive(Default)]
pub struct Ids {
    /// The time of the last id and its number within that millisecond.
    last: Mutex<(i64, u16)>,
}

impl Ids {
    /// 28 hexadecimal digits: 12 of time, 4 of order, 12 of chance.
    #[must_use]
    pub fn next(&self, now_ms: i64) -> String {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match last.1.checked_add(1) {
            Some(number) if now_ms <= last.0 => (last.0, number),
            None if now_ms <= last.0 => (last.0 + 1, 0),
            _ => (now_ms, 0),
        };
        format!("{:012x}{:04x}{:012x}", last.0, last.1, random_u64() >> 16)
    }

    /// A number from 0 to below 1.
    #[must_use]
    pub fn jitter(&self) -> f64 {
        const STEPS: u64 = 1 << 53;
        (random_u64() >> 11) as f64 / STEPS as f64
    }
}

/// A number that cannot be foretold.
fn random_u64() -> u64 {
    // Without the system's chance ids still differ by time and order.
    getrandom::u64().unwrap_or_default()
}

/// 256 bits that cannot be foretold, as 64 hexadecimal digits.
///
/// # Errors
/// The system has no source of chance.
pub fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_order_they_were_made_in() {
        let ids = Ids::default();
        let times = std::iter::repeat_n(1_000, 70_000).chain([999, 1_001, 5_000, 4_000]);
        let made: Vec<String> = times.map(|now_ms| ids.next(now_ms)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| id.len() == 28));
    }
}
