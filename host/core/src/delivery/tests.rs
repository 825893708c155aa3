//! Back-off, dead letters, and late deliveries.

use proptest::prelude::*;

use super::*;

const HOUR_MS: i64 = 3_600_000;

fn failed(attempts: u32) -> FailedAttempt {
    FailedAttempt {
        attempts,
        enqueued_at_ms: 0,
        now_ms: 0,
        retry_after_ms: None,
    }
}

fn delay_ms(attempts: u32, jitter: f64) -> i64 {
    match next_attempt(&failed(attempts), jitter, &RetryPolicy::default()) {
        Verdict::RetryAt(at_ms) => at_ms,
        Verdict::DeadLetter => panic!("given up on after {attempts}"),
    }
}

#[test]
fn the_delay_doubles_up_to_five_minutes() {
    let delays = [1, 2, 3, 8, 9, 10, 64, 65, 999].map(|attempts| delay_ms(attempts, 1.0));
    assert_eq!(
        delays,
        [
            1_000, 2_000, 4_000, 128_000, 256_000, 300_000, 300_000, 300_000, 300_000
        ]
    );
}

#[test]
fn jitter_is_between_half_and_all_of_the_delay() {
    assert_eq!(
        [0.0, 0.5, 1.0].map(|jitter| delay_ms(1, jitter)),
        [500, 750, 1_000]
    );
    assert_eq!(
        [-1.0, 2.0, f64::NAN].map(|jitter| delay_ms(1, jitter)),
        [500, 1_000, 500]
    );
}

#[test]
fn retry_after_is_respected_up_to_an_hour() {
    let at = |retry_after_ms| {
        let failed = FailedAttempt {
            retry_after_ms: Some(retry_after_ms),
            ..failed(1)
        };
        next_attempt(&failed, 1.0, &RetryPolicy::default())
    };
    assert_eq!(at(10), Verdict::RetryAt(1_000), "no sooner than the back-off");
    assert_eq!(at(30_000), Verdict::RetryAt(30_000));
    assert_eq!(at(u64::MAX), Verdict::RetryAt(HOUR_MS));
}

#[test]
fn no_attempt_is_later_than_a_day_after_it_was_enqueued() {
    let at = |now_ms| {
        let failed = FailedAttempt {
            now_ms,
            enqueued_at_ms: 7,
            ..failed(1)
        };
        next_attempt(&failed, 1.0, &RetryPolicy::default())
    };
    assert_eq!(at(7 + 24 * HOUR_MS - 1_000), Verdict::RetryAt(7 + 24 * HOUR_MS));
    assert_eq!(at(7 + 24 * HOUR_MS - 999), Verdict::DeadLetter);
}

#[test]
fn there_are_at_most_a_thousand_attempts() {
    let policy = RetryPolicy::default();
    assert_ne!(next_attempt(&failed(999), 0.0, &policy), Verdict::DeadLetter);
    assert_eq!(next_attempt(&failed(1_000), 0.0, &policy), Verdict::DeadLetter);
    assert_eq!(next_attempt(&failed(u32::MAX), 0.0, &policy), Verdict::DeadLetter);
}

#[test]
fn a_firing_alert_delivered_in_time_ends_as_written() {
    assert_eq!(ends_at_on_delivery(1_000, 1_240, 1_000, true), 1_240);
    assert_eq!(
        ends_at_on_delivery(1_000, 1_240, 1_120, true),
        1_240,
        "late by just half"
    );
}

#[test]
fn a_firing_alert_delivered_late_is_valid_for_as_long_from_now() {
    assert_eq!(ends_at_on_delivery(1_000, 1_240, 1_121, true), 1_361);
    assert_eq!(ends_at_on_delivery(1_000, 1_240, 9_000, true), 9_240);
}

#[test]
fn a_resolved_alert_ended_when_it_ended() {
    assert_eq!(ends_at_on_delivery(1_000, 1_000, 9_000, false), 1_000);
}

proptest! {
    #[test]
    fn an_attempt_is_in_the_future_and_in_time(
        attempts in 1..1_100_u32, age_ms in 0..100_000_000_i64, now_ms in -1_000_000_000_000..1_000_000_000_000_i64,
        retry_after_ms in proptest::option::of(any::<u64>()), jitter in 0.0..1.0,
    ) {
        let policy = RetryPolicy::default();
        let failed = FailedAttempt { attempts, enqueued_at_ms: now_ms - age_ms, now_ms, retry_after_ms };
        if let Verdict::RetryAt(at_ms) = next_attempt(&failed, jitter, &policy) {
            prop_assert!(at_ms >= now_ms + 500 && at_ms <= now_ms + HOUR_MS);
            prop_assert!(at_ms - failed.enqueued_at_ms <= policy.age_ms_max);
        }
    }

    #[test]
    fn extremes_do_not_panic(
        attempts: u32, enqueued_at_ms: i64, now_ms: i64, retry_after_ms: Option<u64>, jitter: f64,
        delay_ms_base: i64, delay_ms_max: i64, firing: bool,
    ) {
        let policy = RetryPolicy { delay_ms_base, delay_ms_max, attempts_max: u32::MAX, ..RetryPolicy::default() };
        let failed = FailedAttempt { attempts, enqueued_at_ms, now_ms, retry_after_ms };
        let _ = next_attempt(&failed, jitter, &policy);
        let _ = ends_at_on_delivery(enqueued_at_ms, delay_ms_base, now_ms, firing);
    }

    #[test]
    fn late_delivery_never_shortens(ts_ms in 0..1_000_i64, validity_ms in 0..1_000_i64, late_ms in 0..5_000_i64) {
        let ends_at_ms = ts_ms + validity_ms;
        let got = ends_at_on_delivery(ts_ms, ends_at_ms, ts_ms + late_ms, true);
        prop_assert!(got >= ends_at_ms);
        prop_assert!(got >= ts_ms + late_ms + validity_ms / 2, "still half valid on arrival");
    }
}
