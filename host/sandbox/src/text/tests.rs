use super::*;

#[test]
fn a_text_becomes_one_line_without_control_characters() {
    assert_eq!(clip("plain"), "plain");
    assert_eq!(clip(" a\r\n\t b  c\n"), "a b c");
    assert_eq!(clip("\u{1b}[2J\0"), r"\u{1b}[2J\u{0}");
    assert_eq!(clip("ab\u{202e}cd"), r"ab\u{202e}cd");
    assert_eq!(clip("größer als 5 °C"), "größer als 5 °C");
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let cut = clip(&"ä".repeat(10_000));
    assert_eq!(cut.len(), MESSAGE_BYTES_MAX + '…'.len_utf8());
    assert!(cut.ends_with("ä…"));
    let escaped = clip(&"\u{1b}".repeat(10_000));
    assert!(escaped.len() < MESSAGE_BYTES_MAX + 20, "{}", escaped.len());
}
