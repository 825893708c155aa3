//! Durations.

use proptest::prelude::*;

use super::*;

#[test]
fn durations_read_as_in_prometheus() {
    let day = 86_400_000;
    for (text, want) in [
        ("0", 0),
        ("0s", 0),
        ("0y0ms", 0),
        ("1ms", 1),
        ("5s", 5_000),
        ("1m", 60_000),
        ("1m1ms", 60_001),
        ("007h", 7 * 3_600_000),
        ("90m", 5_400_000),
        ("1d", day),
        ("1w", 7 * day),
        ("1y", 365 * day),
        ("1y2w3d4h5m6s7ms", 382 * day + 14_706_007),
        ("292y", 292 * 365 * day),
        ("9223372036854ms", DURATION_MS_MAX),
    ] {
        assert_eq!(parse_duration_ms(text), Ok(want), "{text}");
    }
}

#[test]
fn what_prometheus_refuses_is_refused() {
    for text in [
        "", "1", "00", "s", "ms", "-1s", "+1s", "1.5h", "1 s", " 1s", "1s ", "1m1h", "1s1s", "1ms1s", "1S",
        "1us", "1mo", "1h30", "1µs", "m1", "１s", "1d1w",
    ] {
        assert_eq!(
            parse_duration_ms(text),
            Err(DurationError::Syntax(text.to_owned())),
            "{text}"
        );
    }
}

#[test]
fn durations_that_are_too_long_are_refused() {
    for text in [
        "9223372036855ms",
        "293y",
        "292y365d",
        "99999999999999999999s",
        "9223372036854775807y",
    ] {
        assert_eq!(
            parse_duration_ms(text),
            Err(DurationError::Overflow(text.to_owned())),
            "{text}"
        );
    }
}

#[test]
fn the_message_says_what_is_accepted() {
    let message = parse_duration_ms("1.5h").unwrap_err().to_string();
    assert!(
        message.contains("\"1.5h\"") && message.contains("1h30m"),
        "{message}"
    );
    assert!(message.contains("y, w, d, h, m, s, ms"), "{message}");
}

#[test]
fn durations_are_written_as_by_prometheus() {
    let day = 86_400_000;
    for (duration_ms, want) in [
        (0, "0s"),
        (1, "1ms"),
        (1_001, "1s1ms"),
        (5_400_000, "1h30m"),
        (7 * day, "1w"),
        (8 * day, "8d"),
        (90 * day, "90d"),
        (365 * day, "1y"),
        (372 * day, "372d"),
        (7 * day + 1, "7d1ms"),
        (-60_000, "-1m"),
        (i64::MIN, "-106751991167d7h12m55s808ms"),
    ] {
        assert_eq!(format_duration_ms(duration_ms), want);
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(duration_ms in prop_oneof![
        0..=DURATION_MS_MAX,
        0..100_000_i64,
        (0..200_000_i64).prop_map(|hours| hours * 3_600_000),
    ]) {
        prop_assert_eq!(parse_duration_ms(&format_duration_ms(duration_ms)), Ok(duration_ms));
    }

    #[test]
    fn no_text_panics(text in ".*", near in "([0-9]{0,20}(y|w|d|h|m|s|ms)?){0,8}") {
        for text in [text, near] {
            if let Ok(duration_ms) = parse_duration_ms(&text) {
                prop_assert!((0..=DURATION_MS_MAX).contains(&duration_ms));
            }
        }
    }
}
