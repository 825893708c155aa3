//! Limits, escapes, names and severities.

use notify_text::{
    Count, KEY_CHARS_MAX, Limited, Markup, PLAIN, Severity, Tone, details, html, is_secret, key, limited,
    link, push_alerts, push_details, push_headline, push_state, share, title,
};
use wasmalert::Alert;
use wasmalert::testing::{FakeHost, START_MS, alert};

static STARS: Markup = Markup {
    escape: html,
    strong: ["*", "*"],
    count: Count::Written,
};
static TAGS: Markup = Markup {
    escape: html,
    strong: ["<b>", "</b>"],
    count: Count::Seen,
};
static JSON: Markup = Markup {
    escape: |_| None,
    strong: ["", ""],
    count: Count::Json,
};

fn text(units_max: usize, markup: &'static Markup, text: &str) -> String {
    let mut limited = Limited::new(units_max, markup);
    limited.push(text);
    limited.finish()
}

fn headline(alert: &Alert) -> String {
    let mut line = Limited::line(100, &PLAIN);
    push_headline(&mut line, &FakeHost::new().batch(&[]), alert);
    line.finish()
}

#[test]
fn what_does_not_fit_is_cut() {
    assert_eq!(text(6, &PLAIN, "abcde"), "abcde");
    assert_eq!(text(6, &PLAIN, "abcdefg"), "abcde…");
    assert_eq!(text(6, &PLAIN, "abcd𝄞"), "abcd…");
    assert_eq!(text(1, &PLAIN, "ab"), "…");
    assert_eq!(text(0, &PLAIN, "ab"), "");
}

#[test]
fn escapes_count_as_the_receiver_counts_them() {
    assert_eq!(text(10, &STARS, "<<<"), "&lt;&lt;…");
    assert_eq!(text(4, &TAGS, "<<<<"), "&lt;&lt;&lt;…");
    assert_eq!(text(7, &JSON, "\"\"\"\""), "\"\"\"…");
    assert_eq!(text(7, &JSON, "{{"), "{…");
}

#[test]
fn markup_that_is_not_seen_is_always_closed() {
    let mut cut = Limited::new(5, &TAGS);
    cut.push_strong("abcdefg");
    cut.push("more");
    assert_eq!((cut.used(), cut.left()), (5, 0));
    assert_eq!(cut.finish(), "<b>abcd</b>…");
    let mut cut = Limited::new(5, &STARS);
    cut.push_strong("abcdefg");
    assert_eq!(cut.finish(), "*abc…");
}

#[test]
fn control_characters_become_spaces() {
    assert_eq!(text(20, &PLAIN, "a\r\nb\0c\u{202e}d\te\u{85}"), "a \nb c d e ");
    assert_eq!(limited("a\r\nb\u{2028}c", 20), "a  b c");
}

#[test]
fn a_text_is_added_whole_or_not_at_all() {
    let mut all = Limited::new(6, &TAGS);
    let part = |said: &str| {
        let mut part = Limited::new(10, &TAGS);
        part.push(said);
        part
    };
    assert!(all.append(part("<<<")));
    assert!(!all.append(part("abc")));
    assert!(all.append(part("ab")));
    assert_eq!(all.finish(), "&lt;&lt;&lt;ab");
}

#[test]
fn titles() {
    let of = |alerts: &[Alert]| title(&FakeHost::new().batch(alerts), 20, &STARS).finish();
    let down = alert(r#"{alertname="Down"}"#);
    let up = down.clone().resolved(START_MS);
    assert_eq!(of(&[down.clone(), up.clone(), down]), "[FIRING:2] Down");
    assert_eq!(of(&[up]), "[RESOLVED] Down");
    assert_eq!(of(&[alert(r#"{alertname=""}"#)]), "[FIRING:1] Test");
    assert_eq!(of(&[]), "[RESOLVED] Test");
    assert_eq!(
        of(&[alert("{alertname=\"<\nDownDown\"}")]),
        "[FIRING:1] &lt; Dow…"
    );
}

#[test]
fn headlines() {
    let down = alert(r#"{alertname="Down", host="a", job="b"}"#);
    assert_eq!(headline(&down), "Down host=a job=b");
    assert_eq!(
        headline(&down.clone().annotated("summary", " \n")),
        "Down host=a job=b"
    );
    assert_eq!(headline(&down.annotated("summary", "a is\ndown ")), "a is down");
    assert_eq!(headline(&alert("{}")), "Test");
}

#[test]
fn an_alert() {
    let down = alert(r#"{alertname="Down", host="<a>"}"#)
        .annotated("summary", "s")
        .annotated("description", "d\ne");
    let mut said = Limited::new(100, &STARS);
    push_state(&mut said, &down);
    push_details(&mut said, &down);
    assert_eq!(said.finish(), "*Firing* s\nd\ne\n• host: &lt;a&gt;");
    let mut said = Limited::new(100, &PLAIN);
    push_details(&mut said, &alert(r#"{a="1", b="2"}"#));
    assert_eq!(said.finish(), "• a: 1\n• b: 2");
}

#[test]
fn alerts_share_the_room() {
    assert_eq!(share(4_000, 1), 4_000);
    assert_eq!(share(4_000, 4), 1_000);
    assert_eq!(share(4_000, 100), 256);
    assert_eq!(share(4_000, 0), 4_000);
}

#[test]
fn alerts_that_do_not_fit_are_counted() {
    let alerts: Vec<_> = (0..100)
        .map(|i| alert(&format!(r#"{{i="{i}"}}"#)).annotated("summary", &"x".repeat(i * 10)))
        .collect();
    let said = |units_max: usize, alerts: &[Alert]| {
        let mut said = Limited::new(units_max, &STARS);
        push_alerts(&mut said, alerts);
        said.finish()
    };
    let all = said(100_000, &alerts);
    assert!(all.starts_with("\n\n*Firing* \n• i: 0\n\n*Firing* xxxxxxxxxx\n• i: 1\n\n"));
    assert_eq!(
        (all.matches("Firing").count(), all.contains("more alerts")),
        (100, false)
    );
    let some = said(2_000, &alerts);
    let shown = some.matches("Firing").count();
    assert!((10..50).contains(&shown));
    assert!(some.ends_with(&format!("\n\nand {} more alerts", 100 - shown)));
    assert!(some.encode_utf16().count() <= 2_000);
}

#[test]
fn severities() {
    let of = |word: &str| Severity::of(&alert(&format!(r#"{{severity="{word}"}}"#)));
    assert_eq!(of("Page"), Some(Severity::Critical));
    assert_eq!(of("error"), Some(Severity::Error));
    assert_eq!(of("WARN"), Some(Severity::Warning));
    assert_eq!(of("none"), Some(Severity::Info));
    assert_eq!((of(""), of("P1")), (None, None));
}

#[test]
fn tones() {
    let page = alert(r#"{severity="page"}"#);
    let warning = alert(r#"{severity="warning"}"#);
    let up = page.clone().resolved(START_MS);
    assert_eq!(Tone::of_all(&[warning.clone(), page]), Tone::Bad);
    assert_eq!(Tone::of_all(&[alert("{}")]), Tone::Bad);
    assert_eq!(Tone::of_all(&[up.clone(), warning]), Tone::Mild);
    assert_eq!(Tone::of_all(&[up]), Tone::Good);
    assert_eq!(Tone::of_all(&[]), Tone::Good);
}

#[test]
fn keys_are_stable_and_tell_alerts_apart() {
    let mut batch = FakeHost::new().batch(&[]);
    let [a, b] = [alert(r#"{host="a"}"#), alert(r#"{host="b"}"#)];
    let first = key(&batch, &a);
    let fingerprint = &a.fingerprint;
    assert_eq!(
        first,
        format!("default:test:test:Test:5d9d63067d360bda-{fingerprint}")
    );
    assert_ne!(first, key(&batch, &b));
    batch.now_ms += 1;
    batch.idempotency_key = "key-2".to_owned();
    batch.receiver = "other".to_owned();
    assert_eq!(key(&batch, &a.clone().resolved(START_MS)), first);

    // The same letters, other names.
    (batch.namespace, batch.group) = ("a/b".to_owned(), "c".to_owned());
    let one = key(&batch, &a);
    (batch.namespace, batch.group) = ("a".to_owned(), "b-c".to_owned());
    assert_ne!(key(&batch, &a), one);

    batch.namespace = "ä \"/?{{secret:x}}".repeat(20);
    let long = key(&batch, &a);
    assert_eq!(long.len(), KEY_CHARS_MAX);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    assert!(long.bytes().all(allowed), "{long}");
    batch.rule = "Other".to_owned();
    assert_ne!(key(&batch, &a), long);
}

#[test]
fn details_share_the_room() {
    let down = alert(r#"{alertname="Down", host="a"}"#)
        .annotated("host", "no")
        .annotated("summary", "0123456789");
    let all = |units_max| {
        let details = details(&down, units_max);
        details.into_iter().map(|(name, value)| format!("{name}={value}"))
    };
    assert!(all(100).eq(["alertname=Down", "host=a", "summary=0123456789"]));
    // 18 units of labels, 6 of the other `host`, 7 of the name `summary`.
    assert!(all(36).eq(["alertname=Down", "host=a", "summary=0123…"]));
    assert!(all(20).eq(["alertname=Down", "host=a"]));
    assert!(all(0).eq([] as [&str; 0]));
}

#[test]
fn links() {
    let linked = |url: &str| link(url).unwrap_or_default();
    assert_eq!(
        linked("http://[::1]:9/?a=1&b=x%20y"),
        "http://[::1]:9/?a=1&b=x%20y"
    );
    assert_eq!(
        linked("https://w/\"<>|)\n ä"),
        "https://w/%22%3C%3E%7C%29%0A%20%C3%A4"
    );
    assert_eq!(link("javascript:alert(1)"), None);
    assert_eq!(link(""), None);
    assert_eq!(link(&format!("http://w/{}", "x".repeat(2_100))), None);
}

#[test]
fn secrets() {
    assert!(is_secret("{{secret:a.b-c_1}}"));
    for text in [
        "",
        "a",
        "{{secret:}}",
        "{{secret:a}} ",
        "{{secret:a\"}}",
        "{{secret:a}}{{secret:b}}",
    ] {
        assert!(!is_secret(text), "{text}");
    }
}
