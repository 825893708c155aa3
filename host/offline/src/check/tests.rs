use wasmalert_core::alert::NotifyReason;
use wasmalert_core::evaluation::Timer;

use super::*;

fn items(items: &[(&str, &str)]) -> Vec<Item> {
    items.iter().map(|(key, value)| Item::new(key, value)).collect()
}

#[test]
fn the_order_does_not_matter_and_numbers_do() {
    assert_eq!(
        difference(items(&[("a", "1"), ("b", "2")]), items(&[("b", "2"), ("a", "1")])),
        None
    );
    assert!(difference(items(&[("a", "1")]), items(&[("a", "1"), ("a", "1")])).is_some());
    assert_eq!(difference(Vec::new(), Vec::new()), None);
}

#[test]
fn what_belongs_together_stands_together_and_aligned() {
    let lines = difference(
        items(&[("{i=\"a\"}", "9"), ("{i=\"bb\"}", "1"), ("{i=\"c\"}", "1")]),
        items(&[("{i=\"a\"}", "10"), ("{i=\"bb\"}", "1"), ("{i=\"d\"}", "")]),
    );
    assert_eq!(
        lines.unwrap(),
        [
            "expected  {i=\"a\"}   9",
            "got       {i=\"a\"}   10",
            "same      {i=\"bb\"}  1",
            "expected  {i=\"c\"}   1",
            "got       {i=\"d\"}",
        ]
    );
}

#[test]
fn a_long_difference_is_cut() {
    let many: Vec<Item> = (0..500).map(|at| Item::new(at, "")).collect();
    let lines = difference(many, Vec::new()).unwrap();
    assert_eq!(lines.len(), LINES_MAX + 1);
    assert_eq!(lines[LINES_MAX], "… and 300 more");
}

#[test]
fn numbers_are_the_same_when_they_are_equal() {
    assert!(is_same(f64::NAN, -f64::NAN, false) && is_same(0.0, -0.0, false));
    assert!(!is_same(1.0, 1.0_f64.next_up(), false));
    assert!(is_same(1.0, 1.0_f64.next_up(), true) && is_same(1.0, 1.0_f64.next_down(), true));
    assert!(!is_same(1.0, 1.0_f64.next_up().next_up(), true));
}

#[test]
fn scalars_are_samples_without_labels() {
    let outcome = |value| Outcome {
        value: Value::Scalar(value),
        warnings: Vec::new(),
    };
    assert_eq!(samples(&[(Labels::new(), 2.0)], &outcome(2.0), false), None);
    let lines = samples(&[(Labels::new(), 2.0)], &outcome(3.0), false).unwrap();
    assert_eq!(lines, ["expected  {}  2", "got       {}  3"]);
}

#[test]
fn state_shows_texts_and_bytes() {
    let expected = BTreeMap::from([("a".to_owned(), b"x\"y".to_vec())]);
    let got = State::from([("a".to_owned(), vec![0, 255])]);
    let lines = state(&expected, &got).unwrap();
    assert_eq!(lines, ["expected  a  \"x\\\"y\"", "got       a  {hex: 00ff}"]);
    assert_eq!(
        state(&expected, &State::from([("a".to_owned(), b"x\"y".to_vec())])),
        None
    );
}

#[test]
fn payloads_count_where_they_are_expected() {
    let got = Timers::from([(
        "t".to_owned(),
        Timer {
            due_ms: 1_060_000,
            payload: b"p".to_vec(),
        },
    )]);
    let timer = |payload: Option<&str>| ExpectedTimer {
        name: "t".into(),
        due_ms: 60_000,
        payload: payload.map(|text| text.as_bytes().to_vec()),
    };
    assert_eq!(timers(&[timer(None)], &got, 1_000_000), None);
    assert_eq!(timers(&[timer(Some("p"))], &got, 1_000_000), None);
    let lines = timers(&[timer(Some("q"))], &got, 1_000_000).unwrap();
    assert_eq!(
        lines,
        [
            "expected  t  due 1m, payload \"q\"",
            "got       t  due 1m, payload \"p\""
        ]
    );
}

#[test]
fn reasons_are_compared() {
    let labels = Labels::from_iter([("alertname", "A"), ("i", "1")]);
    let lines = notifications(&[(NotifyReason::Fired, labels)], std::iter::empty()).unwrap();
    assert_eq!(lines, ["expected  fired     {i=\"1\"}"]);
}
