//! Label sets.

use proptest::prelude::*;

use super::*;

#[test]
fn an_empty_value_removes_a_label() {
    let mut labels: Labels = [("a", "1"), ("b", "2")].into_iter().collect();
    labels.set("a", "");
    labels.set("absent", "");
    assert_eq!(labels, [("b", "2")].into_iter().collect());
}

#[test]
fn labels_are_written_as_by_prometheus() {
    let labels: Labels = [("b", "say \"hi\"\n"), ("a", "ü\\")].into_iter().collect();
    assert_eq!(labels.to_string(), r#"{a="ü\\", b="say \"hi\"\n"}"#);
    assert_eq!(Labels::new().to_string(), "{}");
}

#[test]
fn fingerprints_are_alertmanagers() {
    // FNV-1a of "a\xff1\xffb\xff2\xff", reckoned apart from this code.
    let labels: Labels = [("b", "2"), ("a", "1")].into_iter().collect();
    assert_eq!(labels.fingerprint(), 2_072_640_632_553_516_545);
    assert_eq!(Labels::new().fingerprint(), 14_695_981_039_346_656_037);
}

#[test]
fn texts_of_any_length_are_kept() {
    for len in [0, 1, 63, 64, 65, 4_095, 4_096, 300_000] {
        let (name, value) = ("ü".repeat(len) + "n", "v".repeat(len + 1));
        let labels: Labels = [("a", "1"), (&name, &value)].into_iter().collect();
        assert_eq!(labels.get(&name), Some(&*value), "{len}");
        let all: Vec<_> = labels.iter().collect();
        assert!(all.contains(&("a", "1")), "{len}");
        assert_eq!(all.len(), 2, "{len}");
    }
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("[a-d]?", "[xy]?"), 0..12)
}

proptest! {
    #[test]
    fn collecting_is_setting_one_after_the_other(pairs in pairs()) {
        let collected: Labels = pairs.iter().cloned().collect();
        let mut set = Labels::new();
        pairs.iter().for_each(|(name, value)| set.set(name, value));
        prop_assert_eq!(&collected, &set);
        prop_assert_eq!(collected.fingerprint(), set.fingerprint());
        prop_assert_eq!(collected.len(), collected.iter().count());
        prop_assert_eq!(collected.is_empty(), collected.iter().next().is_none());
    }

    #[test]
    fn sets_are_ordered_as_their_lists_are(a in pairs(), b in pairs()) {
        let sets: [Labels; 2] = [&a, &b].map(|pairs| pairs.iter().cloned().collect());
        let [a, b] = &sets;
        let lists: [Vec<_>; 2] = [a.iter().collect(), b.iter().collect()];
        prop_assert_eq!(a.cmp(b), lists[0].cmp(&lists[1]));
        prop_assert_eq!(a == b, lists[0] == lists[1]);
    }

    #[test]
    fn a_set_is_sorted_without_repeats_or_empty_values(pairs in pairs()) {
        let labels: Labels = pairs.iter().cloned().collect();
        let names: Vec<&str> = labels.iter().map(|label| label.0).collect();
        prop_assert!(names.is_sorted_by(|a, b| a < b));
        for (name, value) in labels.iter() {
            prop_assert!(!value.is_empty());
            prop_assert_eq!(labels.get(name), Some(value));
            let last = pairs.iter().rfind(|pair| pair.0 == name).map(|pair| &*pair.1);
            prop_assert_eq!(last, Some(value));
        }
    }
}
