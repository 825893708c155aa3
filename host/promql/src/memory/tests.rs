use super::*;

fn select(
    storage: &MemoryStorage,
    matcher: &Matcher,
    min_ms: i64,
    max_ms: i64,
    newest_only: bool,
) -> Vec<(String, Vec<i64>, Vec<f64>)> {
    let mut found = Vec::new();
    let select = Select {
        matchers: std::slice::from_ref(matcher),
        min_ms,
        max_ms,
        newest_only,
    };
    storage
        .select(&select, &mut |labels, timestamps_ms, values| {
            found.push((labels.to_string(), timestamps_ms.to_vec(), values.to_vec()));
            Ok(())
        })
        .unwrap();
    found
}

fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    let a = Labels::from_iter([("__name__", "up"), ("job", "a")]);
    let b = Labels::from_iter([("__name__", "down"), ("job", "b")]);
    for (time, value) in [(30, 3.0), (10, 1.0), (20, 2.0), (20, 2.5)] {
        storage.append(&a, time, value);
    }
    storage.append(&b, 10, 7.0);
    storage
}

#[test]
fn samples_come_in_order_and_within_the_range() {
    let up = Matcher::equal("__name__", "up");
    let name = r#"{__name__="up", job="a"}"#.to_owned();
    let found = select(&storage(), &up, 10, 20, false);
    assert_eq!(found, [(name.clone(), vec![10, 20], vec![1.0, 2.5])]);
    let newest = select(&storage(), &up, i64::MIN, i64::MAX, true);
    assert_eq!(newest, [(name, vec![30], vec![3.0])]);
    assert_eq!(select(&storage(), &up, 31, 100, false), []);
}

#[test]
fn a_selector_without_a_name_looks_at_every_series() {
    let job = Matcher::new("job", MatchOp::Matches, "a|b", 1 << 20).unwrap();
    assert_eq!(select(&storage(), &job, 0, 10, false).len(), 2);
    let none = Matcher::new("job", MatchOp::NotMatches, "a|b", 1 << 20).unwrap();
    assert_eq!(select(&storage(), &none, 0, 10, false), []);
}
