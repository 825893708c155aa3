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

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("[a-d]?", "[xy]?"), 0..12)
}

proptest! {
    #[test]
    fn collecting_is_setting_one_after_the_other(pairs in pairs()) {
        let collected: Labels = pairs.iter().cloned().collect();
        let mut set = Labels::new();
        set.overlay(pairs.iter().map(|(n, v)| (&**n, &**v)));
        prop_assert_eq!(&collected, &set);
        prop_assert_eq!(collected.fingerprint(), set.fingerprint());
        prop_assert_eq!(collected.len(), collected.iter().len());
        prop_assert_eq!(collected.is_empty(), collected.iter().next().is_none());
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
