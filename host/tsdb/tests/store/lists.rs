//! Lists of series, label names and label values.

use wasmalert_promql::{MatchOp, Matcher};
use wasmalert_tsdb::Db;

use crate::support::{append, keep_all, labels, selected};

const ALL: (i64, i64) = (i64::MIN, i64::MAX);

fn db() -> Db {
    let db = Db::new(keep_all());
    for (job, host, time_ms) in [("a", "1", 10), ("a", "2", 20), ("b", "1", 30), ("c", "", 40)] {
        let set = labels(&[("__name__", "up"), ("job", job), ("host", host)]);
        append(&db, &set, &[(time_ms, 1.0), (time_ms + 5, 1.0)], 0);
    }
    append(
        &db,
        &labels(&[("__name__", "down"), ("why", "x")]),
        &[(0, 1.0)],
        0,
    );
    db
}

fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher::new(name, op, value, 10_000).unwrap()
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

#[test]
fn series_are_sorted_and_come_once() {
    let db = db();
    let up = [matcher("__name__", MatchOp::Equal, "up")];
    let on_1 = [matcher("host", MatchOp::Equal, "1")];
    let found = db.series(&[&on_1, &up], ALL.0, ALL.1, 10);
    assert!(!found.is_cut);
    assert_eq!(
        texts(&found.items),
        [
            r#"{__name__="up", host="1", job="a"}"#,
            r#"{__name__="up", host="1", job="b"}"#,
            r#"{__name__="up", host="2", job="a"}"#,
            r#"{__name__="up", job="c"}"#,
        ]
    );
    assert!(db.series(&[], ALL.0, ALL.1, 10).items.is_empty());
}

#[test]
fn series_have_samples_in_the_range() {
    let db = db();
    let up = [matcher("__name__", MatchOp::Equal, "up")];
    for (min_ms, max_ms, count) in [(20, 30, 2), (16, 19, 0), (45, 100, 1), (46, 100, 0), (30, 20, 0)] {
        let found = db.series(&[&up], min_ms, max_ms, 10);
        assert_eq!(found.items.len(), count, "{min_ms} to {max_ms}");
    }
}

#[test]
fn lists_are_cut_and_say_so() {
    let db = db();
    let up = [matcher("__name__", MatchOp::Equal, "up")];
    for (limit, count, is_cut) in [(0, 0, true), (3, 3, true), (4, 4, false), (usize::MAX, 4, false)] {
        let found = db.series(&[&up], ALL.0, ALL.1, limit);
        assert_eq!((found.items.len(), found.is_cut), (count, is_cut), "{limit}");
    }
    let names = db.label_names(&[], ALL.0, ALL.1, 2);
    assert_eq!(
        (texts(&names.items), names.is_cut),
        (vec!["__name__".to_owned(), "host".to_owned()], true)
    );
}

#[test]
fn names_and_values_are_those_of_matching_series() {
    let db = db();
    let names = |sets: &[&[Matcher]]| texts(&db.label_names(sets, ALL.0, ALL.1, 10).items);
    let values =
        |name: &str, sets: &[&[Matcher]]| texts(&db.label_values(name, sets, ALL.0, ALL.1, 10).items);
    let a = [matcher("job", MatchOp::Matches, "a|x")];
    let c = [matcher("job", MatchOp::Equal, "c")];
    assert_eq!(names(&[]), ["__name__", "host", "job", "why"]);
    assert_eq!(names(&[&a]), ["__name__", "host", "job"]);
    assert_eq!(names(&[&c]), ["__name__", "job"]);
    assert_eq!(values("job", &[]), ["a", "b", "c"]);
    assert_eq!(values("host", &[&a]), ["1", "2"]);
    assert_eq!(values("host", &[&c]), [""; 0]);
    assert_eq!(values("host", &[&c, &a]), ["1", "2"]);
    assert_eq!(values("unknown", &[]), [""; 0]);
}

#[test]
fn matchers_are_all_fulfilled() {
    let db = db();
    let count = |matchers: &[Matcher]| selected(&db, matchers, ALL.0, ALL.1, false).len();
    let up = matcher("__name__", MatchOp::Equal, "up");
    assert_eq!(count(&[up.clone(), matcher("host", MatchOp::Equal, "")]), 1);
    assert_eq!(count(&[up.clone(), matcher("host", MatchOp::NotEqual, "1")]), 2);
    assert_eq!(count(&[up.clone(), matcher("host", MatchOp::Matches, "1|")]), 3);
    assert_eq!(
        count(&[
            up.clone(),
            matcher("host", MatchOp::Matches, "1|"),
            matcher("job", MatchOp::NotMatches, "[ab]")
        ]),
        1
    );
    assert_eq!(
        count(&[
            matcher("host", MatchOp::Matches, "[12]"),
            matcher("job", MatchOp::NotEqual, "a")
        ]),
        1
    );
    assert_eq!(count(&[matcher("__name__", MatchOp::NotEqual, "")]), 5);
    assert_eq!(
        count(&[up.clone(), matcher("__name__", MatchOp::NotEqual, "up")]),
        0
    );
    assert_eq!(count(&[up, matcher("job", MatchOp::Equal, "z")]), 0);
}
