use serde_json::json as value;

use super::*;

#[test]
fn nothing_that_moves_a_cursor_survives() {
    let hostile = "a\u{1b}[2J\u{9b}31m\u{7}\r\nb\u{202e}c\u{7f}é😀";
    assert_eq!(
        clean(hostile),
        "a\\u{1b}[2J\\u{9b}31m\\u{7}\\r\\nb\\u{202e}c\\u{7f}é😀"
    );
    assert!(!clean(hostile).chars().any(is_unsafe));
}

#[test]
fn json_stays_json_and_is_safe() {
    let hostile = value!({"a\u{9b}": "\u{1b}[2J\u{7f}\u{202e}\n"});
    let text = json(&hostile);
    assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)), "{text:?}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), hostile);
}

#[test]
fn values_read_well() {
    assert_eq!(plain(&value!(null)), "");
    assert_eq!(plain(&value!("a b")), "a b");
    assert_eq!(plain(&value!(1.5)), "1.5");
    assert_eq!(labels(&value!({"b": "2", "a": "1\n"})), "{a=\"1\\n\", b=\"2\"}");
    assert_eq!(fields(&value!({"n": 1, "s": "x"})), " n=1 s=x");
    assert_eq!(count(&value!([1, 2])), "2");
    assert_eq!(digest(&value!("sha256:0123456789abcdef")), "sha256:0123456789ab");
}

#[test]
fn sizes_and_numbers_have_units() {
    for (bytes, text) in [
        (0, "0 B"),
        (1_023, "1023 B"),
        (1_536, "1.5 KiB"),
        (64 << 20, "64.0 MiB"),
        (u64::MAX, "17179869183.9 GiB"),
    ] {
        assert_eq!(size(bytes), text);
    }
    for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(thousands(number), text);
    }
    for (time, text) in [(1.5, "1.50 s"), (0.0123, "12.3 ms"), (0.000_04, "40 µs")] {
        assert_eq!(seconds(&value!(time)), text);
    }
}
