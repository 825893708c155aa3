//! When a notification that was not accepted is tried again.

#[cfg(test)]
mod tests;

/// How long and how often delivery is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The delay after the first attempt; it doubles with each further one.
    pub delay_ms_base: i64,
    /// The delay grows no further than this.
    pub delay_ms_max: i64,
    /// What a receiver's Retry-After is cut down to.
    pub retry_after_ms_max: i64,
    /// No attempt is later than this after the notification was enqueued.
    pub age_ms_max: i64,
    pub attempts_max: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            delay_ms_base: 1_000,
            delay_ms_max: 300_000,
            retry_after_ms_max: 3_600_000,
            age_ms_max: 86_400_000,
            attempts_max: 1_000,
        }
    }
}

/// An attempt at delivery that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// Attempts so far, this one included: at least 1.
    pub attempts: u32,
    /// When the notification was enqueued first.
    pub enqueued_at_ms: i64,
    pub now_ms: i64,
    /// What the receiver asked for.
    pub retry_after_ms: Option<u64>,
}

/// What becomes of a notification that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    RetryAt(i64),
    /// It is given up on, and kept for people to look at and to try again.
    DeadLetter,
}

/// Decides on the next attempt.
///
/// The delay doubles with each attempt, and `jitter` (0 to 1, evenly spread)
/// puts it between half and all of that, so that what failed together does not
/// come back together. It is at least what the receiver asked for.
#[must_use]
pub fn next_attempt(failed: &FailedAttempt, jitter: f64, policy: &RetryPolicy) -> Verdict {
    if failed.attempts >= policy.attempts_max {
        return Verdict::DeadLetter;
    }
    let wanted = failed.retry_after_ms.unwrap_or(0);
    let wanted_ms = i64::try_from(wanted)
        .unwrap_or(i64::MAX)
        .min(policy.retry_after_ms_max);
    let delay_ms = jittered(backoff_ms(failed.attempts, policy), jitter).max(wanted_ms);
    let retry_at_ms = failed.now_ms.saturating_add(delay_ms);
    if retry_at_ms > failed.enqueued_at_ms.saturating_add(policy.age_ms_max) {
        return Verdict::DeadLetter;
    }
    Verdict::RetryAt(retry_at_ms)
}

fn backoff_ms(attempts: u32, policy: &RetryPolicy) -> i64 {
    let factor = 1_i64.checked_shl(attempts.saturating_sub(1)).unwrap_or(0);
    let factor = if factor > 0 { factor } else { i64::MAX };
    policy
        .delay_ms_base
        .saturating_mul(factor)
        .min(policy.delay_ms_max)
}

fn jittered(delay_ms: i64, jitter: f64) -> i64 {
    let jitter = if jitter.is_nan() {
        0.0
    } else {
        jitter.clamp(0.0, 1.0)
    };
    let half = delay_ms / 2;
    half + ((delay_ms - half) as f64 * jitter) as i64
}

/// How many periods a receiver may go without hearing of a firing alert: two may fail
/// in a row and the third still comes in time.
const VALIDITY_PERIODS: i64 = 4;

/// Until when a receiver may believe that an alert fires which it hears of now, and again
/// after the longer of two periods.
#[must_use]
pub(crate) fn valid_until_ms(now_ms: i64, period_ms: i64, other_period_ms: i64) -> i64 {
    let period_ms = period_ms.max(other_period_ms);
    now_ms.saturating_add(period_ms.saturating_mul(VALIDITY_PERIODS))
}

/// Until when a receiver may believe a notification that is delivered now.
///
/// A resolved alert's end stands. A firing alert's notification that is late by
/// more than half of its validity is valid for as long again from now on: a
/// receiver that was away would otherwise take the alert for resolved.
#[must_use]
pub fn ends_at_on_delivery(ts_ms: i64, ends_at_ms: i64, now_ms: i64, firing: bool) -> i64 {
    let validity_ms = ends_at_ms.saturating_sub(ts_ms);
    let late_ms = now_ms.saturating_sub(ts_ms);
    if firing && late_ms > validity_ms / 2 {
        ends_at_ms.max(now_ms.saturating_add(validity_ms))
    } else {
        ends_at_ms
    }
}
