use std::collections::BTreeSet;

use proptest::prelude::*;
use wasmalert_promql::MatchOp;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Arc<Labels> {
    Arc::new(Labels::from_iter(pairs.iter().copied()))
}

/// Inserts and says whether the growth was foretold.
fn insert(index: &mut Index, hash: u64, labels: Arc<Labels>) -> Arc<Series> {
    let max = index.bytes() + index.growth_max(&labels);
    let series = index.insert(hash, labels);
    assert!(index.bytes() <= max, "{} > {max}", index.bytes());
    series
}

fn slot_of(index: &Index, hash: u64, labels: &Labels) -> u32 {
    index.find_slot(hash, labels).expect("the series is there")
}

proptest! {
    #[test]
    fn postings_are_a_set(changes in proptest::collection::vec((any::<bool>(), 0_u32..5_000), 0..6_000)) {
        let (mut postings, mut model) = (Postings::default(), BTreeSet::new());
        for (is_added, slot) in changes {
            if !is_added {
                postings.remove(slot);
                model.remove(&slot);
            } else if model.insert(slot) {
                let max = postings.bytes() + postings.growth_max();
                postings.insert(slot);
                prop_assert!(postings.bytes() <= max);
            }
        }
        let mut slots = Vec::new();
        postings.append_to(&mut slots);
        prop_assert_eq!(slots, model.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!((postings.len(), postings.is_empty()), (model.len(), model.is_empty()));
        model.iter().for_each(|slot| postings.remove(*slot));
        prop_assert_eq!(postings.bytes(), 0);
    }

    #[test]
    fn nothing_is_left_of_series_that_are_removed(
        sets in proptest::collection::btree_set((0_u8..4, 0_u8..20, 0_u8..20), 1..200),
        removed in proptest::collection::vec(any::<bool>(), 200),
    ) {
        let mut index = Index::default();
        let hasher = LabelHasher::default();
        let sets: Vec<_> = sets
            .iter()
            .map(|(a, b, c)| labels(&[("a", &a.to_string()), ("b", &b.to_string()), ("c", &c.to_string())]))
            .collect();
        for set in &sets {
            insert(&mut index, hasher.hash(set), Arc::clone(set));
        }
        for (set, is_removed) in sets.iter().zip(&removed) {
            if *is_removed {
                let before = index.bytes();
                index.remove(hasher.hash(set), slot_of(&index, hasher.hash(set), set));
                prop_assert!(index.bytes() < before);
            }
        }
        for (set, is_removed) in sets.iter().zip(&removed) {
            let found = index.find(hasher.hash(set), set);
            prop_assert_eq!(found.is_none(), *is_removed);
            if let Some(series) = found {
                prop_assert_eq!(&series.labels, set);
            } else {
                insert(&mut index, hasher.hash(set), Arc::clone(set));
            }
        }
        for set in &sets {
            index.remove(hasher.hash(set), slot_of(&index, hasher.hash(set), set));
        }
        prop_assert_eq!(index.names().count(), 0);
        index.shrink();
        prop_assert_eq!(index.bytes(), 0);
    }
}

fn hosts() -> Index {
    let mut index = Index::default();
    let hasher = LabelHasher::default();
    for at in 0..100 {
        let (job, host) = (["a", "b"][at % 2], (at / 10).to_string());
        let set = labels(&[
            ("__name__", "up"),
            ("job", job),
            ("host", &host),
            ("n", &at.to_string()),
        ]);
        insert(&mut index, hasher.hash(&set), set);
    }
    index
}

#[test]
fn the_smallest_list_is_found() {
    let index = hosts();
    let up = Matcher::equal("__name__", "up");
    let host = Matcher::equal("host", "3");
    let absent = Matcher::equal("rack", "1");
    let no_job = Matcher::equal("job", "");
    let cases = [
        (vec![up.clone()], Some((0, 100))),
        (vec![up.clone(), host.clone()], Some((1, 10))),
        (vec![host, absent, up], Some((1, 0))),
        (vec![no_job], None),
        (vec![], None),
    ];
    for (matchers, expected) in cases {
        let found = index.smallest_list(&matchers);
        assert_eq!(
            found.map(|(at, slots)| (at, slots.len())),
            expected,
            "{matchers:?}"
        );
    }
}

#[test]
fn values_are_looked_at_in_steps() {
    let index = hosts();
    let few = Matcher::new("host", MatchOp::Matches, "[459]", 10_000).unwrap();
    for step in [1, 3, 10, 11] {
        let (mut slots, mut last, mut steps) = (Vec::new(), None, 0);
        loop {
            last = index.append_matching(&few, last.as_deref(), step, &mut slots);
            if last.is_none() {
                break;
            }
            steps += 1;
        }
        assert_eq!(steps, 10_usize.div_ceil(step));
        assert_eq!(
            slots,
            [40..60, 90..100].into_iter().flatten().collect::<Vec<u32>>()
        );
    }
}

#[test]
fn label_sets_of_one_hash_are_kept_apart() {
    let mut index = Index::default();
    let sets: Vec<_> = ["a", "b", "c"].map(|value| labels(&[("x", value)])).into();
    for set in &sets {
        insert(&mut index, 7, Arc::clone(set));
    }
    let found =
        |index: &Index| -> Vec<bool> { sets.iter().map(|set| index.find(7, set).is_some()).collect() };
    assert_eq!(found(&index), [true, true, true]);
    assert_eq!(index.find(7, &sets[2]).unwrap().labels, sets[2]);
    index.remove(7, slot_of(&index, 7, &sets[0]));
    assert_eq!(found(&index), [false, true, true]);
    insert(&mut index, 7, Arc::clone(&sets[0]));
    index.remove(7, slot_of(&index, 7, &sets[1]));
    assert_eq!(found(&index), [true, false, true]);
}

#[test]
fn a_slot_that_is_used_again_is_another_series() {
    let mut index = Index::default();
    insert(&mut index, 1, labels(&[("x", "a")]));
    let created_before = index.created();
    index.remove(1, 0);
    let second = insert(&mut index, 2, labels(&[("x", "b")]));
    assert_eq!(slot_of(&index, 2, &second.labels), 0);
    assert!(second.created >= created_before);
}

#[test]
fn growth_is_foretold_while_series_come_and_go() {
    let mut index = Index::default();
    let hasher = LabelHasher::default();
    let set = |at: u32| labels(&[("n", &at.to_string())]);
    for round in 0..40 {
        // Between a few and many, so that tables are full of removed entries.
        let count = [700, 60, 1_500, 300][round % 4];
        let first = round as u32 * 10_000;
        for at in first..first + count {
            let set = set(at);
            insert(&mut index, hasher.hash(&set), Arc::clone(&set));
            if at % 3 != 0 {
                let before = index.bytes();
                index.remove(hasher.hash(&set), slot_of(&index, hasher.hash(&set), &set));
                assert!(index.bytes() <= before);
            }
        }
        for at in (first..first + count).filter(|at| at % 3 == 0) {
            let set = set(at);
            index.remove(hasher.hash(&set), slot_of(&index, hasher.hash(&set), &set));
        }
        if round % 5 == 4 {
            index.shrink();
            assert_eq!(index.bytes(), 0);
        }
    }
}
