//! Wake-ups besides the interval. A timer that is due causes one evaluation,
//! in which [`Context::timer`](crate::Context::timer) is its name, and is gone.

pub use crate::bindings::rule::wasmalert::rules::timers::Timer;

use crate::host::timers as host;

/// Sets or replaces the timer of that name, due in ms since the epoch. A time
/// that has passed is due at once.
pub fn set(name: &str, due_ms: i64, payload: &[u8]) {
    host::set(name, due_ms, payload);
}

/// Removes a timer; nothing happens where there is none.
pub fn cancel(name: &str) {
    host::cancel(name);
}

/// The timers that are set, sorted by name, this run's changes included.
#[must_use]
pub fn pending() -> Vec<Timer> {
    host::pending()
}
