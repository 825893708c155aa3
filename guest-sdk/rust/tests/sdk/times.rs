//! Spans and times as text.

use wasmalert::time::{Span, rfc3339};

#[test]
fn spans_are_read_as_prometheus_reads_them() {
    for (text, ms) in [
        ("0", 0),
        ("0s", 0),
        ("250ms", 250),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("1w", 604_800_000),
        ("1y2w3d4h5m6s7ms", 33_019_506_007),
    ] {
        assert_eq!(Span::parse(text), Some(Span::from_ms(ms)), "{text}");
    }
    for text in [
        "",
        "5",
        "m",
        "-5m",
        "5m5m",
        "5s1m",
        "1.5h",
        "5 m",
        "ä",
        "99999999999999y",
        "5M",
    ] {
        assert_eq!(Span::parse(text), None, "{text}");
    }
}

#[test]
fn spans_are_written_as_they_are_read() {
    for text in ["0s", "250ms", "1h30m", "1w1d", "90d", "1y2w3d4h5m6s7ms"] {
        let span = Span::parse(text).unwrap();
        assert_eq!(Span::parse(&span.to_string()), Some(span));
    }
    assert_eq!(Span::from_secs(5_400).to_string(), "1h30m");
    assert_eq!(Span::from_hours(-1).to_string(), "-1h");
    let error = serde_json::from_str::<Span>("\"soon\"").unwrap_err().to_string();
    assert!(error.contains("a duration such as 30s"), "{error}");
}

#[test]
fn times_are_written_as_rfc_3339() {
    for (ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_800_000_000_000, "2027-01-15T08:00:00.000Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ] {
        assert_eq!(rfc3339(ms), text);
    }
}
