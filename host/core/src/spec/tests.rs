//! What is wrong with a group, and how its rules are called.

use proptest::prelude::*;

use super::*;
use crate::id::TenantId;

fn rule(name: &str) -> RuleSpec {
    RuleSpec {
        name: name.to_owned(),
        module: "prometheus".to_owned(),
        ..RuleSpec::default()
    }
}

fn group(rules: Vec<RuleSpec>) -> GroupSpec {
    GroupSpec {
        rules: rules.into_iter().map(Arc::new).collect(),
        ..GroupSpec::default()
    }
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn errors(group: &GroupSpec) -> Vec<String> {
    group.validate().iter().map(ToString::to_string).collect()
}

fn paths(group: &GroupSpec) -> Vec<String> {
    group.validate().into_iter().map(|error| error.path).collect()
}

fn keys(names: &[&str]) -> Vec<String> {
    let key = GroupKey {
        tenant: TenantId::new(TenantId::DEFAULT).unwrap(),
        namespace: "rules".into(),
        group: "nodes".into(),
    };
    let keys = group(names.iter().map(|name| rule(name)).collect()).rule_keys(&key);
    assert!(keys.iter().all(|rule| rule.group == key));
    keys.iter().map(|key| key.rule.to_string()).collect()
}

#[test]
fn a_good_group_has_nothing_wrong() {
    let full = RuleSpec {
        version: Some(1),
        digest: Some(format!("sha256:{}", "0f".repeat(32))),
        for_ms: 1,
        keep_firing_for_ms: 1,
        labels: texts(&[("severity", "page"), ("größe", "1")]),
        annotations: [("summary".to_owned(), String::new())].into(),
        source: Some("prom".to_owned()),
        receivers: vec!["am".to_owned(), "slack".to_owned()],
        limits: [(Limit::Fuel, 1)].into(),
        ..rule("Node down!")
    };
    assert_eq!(errors(&group(vec![full, rule("Down")])), [""; 0]);
    assert_eq!(errors(&group(vec![])), [""; 0]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let bad = RuleSpec {
        name: String::new(),
        module: String::new(),
        digest: Some("sha256:ABC".to_owned()),
        for_ms: -1,
        keep_firing_for_ms: -2,
        labels: texts(&[("__name__", "up"), ("", "x")]),
        annotations: [(String::new(), "x".to_owned())].into(),
        source: Some("a b".to_owned()),
        receivers: ["am", "", "am"].map(str::to_owned).into(),
        limits: [(Limit::StackBytes, 1)].into(),
        ..rule("")
    };
    let group = GroupSpec {
        interval_ms: 0,
        query_offset_ms: -1,
        labels: texts(&[("__name__", "up")]),
        rules: vec![rule("ok").into(), bad.into()],
        ..GroupSpec::default()
    };
    assert_eq!(
        errors(&group),
        [
            "interval: must be from 1ms to 10y, is 0ms",
            "query_offset: must not be negative, is -1ms",
            "labels.__name__: is the metric's name and cannot be set",
            "rules[1].name: is empty",
            "rules[1].module: is empty",
            "rules[1].digest: is not sha256: and 64 hexadecimal digits in lower case, as `wasmalert push` prints it",
            "rules[1].for: must not be negative, is -1ms",
            "rules[1].keep_firing_for: must not be negative, is -2ms",
            "rules[1].labels.\"\": a label's name is empty",
            "rules[1].labels.__name__: is the metric's name and cannot be set",
            "rules[1].annotations.\"\": an annotation's name is empty",
            "rules[1].source: may only have letters, digits, '_', '-' and '.', and starts with a letter or digit",
            "rules[1].receivers[1]: is empty",
            "rules[1].receivers[2]: \"am\" is listed twice",
            "rules[1].limits.stack_bytes: is set for the whole server, not for a rule",
        ]
    );
}

#[test]
fn the_interval_is_from_1_ms_to_10_years() {
    let with = |interval_ms| {
        paths(&GroupSpec {
            interval_ms,
            ..group(vec![])
        })
    };
    assert_eq!(with(1), [""; 0]);
    assert_eq!(with(INTERVAL_MS_MAX), [""; 0]);
    assert_eq!(with(INTERVAL_MS_MAX + 1), ["interval"]);
    assert_eq!(with(-1), ["interval"]);
}

#[test]
fn a_quorum_is_some_of_at_most_64() {
    let with = |at_least, of| {
        let quorum = Quorum { at_least, of };
        let options = RuleOptions {
            quorum,
            ..RuleOptions::default()
        };
        paths(&group(vec![RuleSpec { options, ..rule("a") }]))
    };
    for (at_least, of) in [(1, 1), (64, 64), (2, 5)] {
        assert_eq!(with(at_least, of), [""; 0]);
    }
    for (at_least, of) in [(0, 1), (2, 1), (1, 65), (0, 0), (1, 0)] {
        assert_eq!(with(at_least, of), ["rules[0].quorum"], "{at_least} of {of}");
    }
}

#[test]
fn a_group_has_at_most_10_000_rules() {
    assert_eq!(paths(&group(vec![rule("a"); RULES_MAX])), [""; 0]);
    assert_eq!(paths(&group(vec![rule("a"); RULES_MAX + 1])), ["rules"]);
    let bad_in_front = paths(&group(vec![rule(""); RULES_MAX + 1]));
    assert_eq!(bad_in_front.len(), RULES_MAX + 1, "and the errors are bounded");
}

#[test]
fn rules_of_the_same_name_are_numbered() {
    assert_eq!(keys(&["a", "b", "a", "a", "b"]), ["a", "b", "a#2", "a#3", "b#2"]);
}

#[test]
fn a_changed_group_keeps_rules_by_name_and_labels() {
    let key = GroupKey {
        tenant: TenantId::new(TenantId::DEFAULT).unwrap(),
        namespace: "rules".into(),
        group: "nodes".into(),
    };
    let labelled = |name: &str, severity: &str| RuleSpec {
        labels: texts(&[("severity", severity)]),
        ..rule(name)
    };
    let before = group(vec![labelled("a", "1"), labelled("a", "2"), rule("b"), rule("c")]);
    let inherited = |rules: Vec<RuleSpec>| -> Vec<String> {
        let keys = group(rules).inherited(&before, &key);
        keys.into_iter()
            .map(|key| key.map_or("none".into(), |key| key.rule.to_string()))
            .collect()
    };
    let same = vec![labelled("a", "1"), labelled("a", "2"), rule("b"), rule("c")];
    assert_eq!(inherited(same), ["a", "a#2", "b", "c"]);
    // Another in front, and one in between that is gone.
    let moved = vec![
        labelled("a", "3"),
        labelled("a", "2"),
        rule("c"),
        labelled("a", "1"),
    ];
    assert_eq!(inherited(moved), ["none", "a#2", "c", "a"]);
    // Other labels: the one of the same key, where nobody else has it.
    assert_eq!(
        inherited(vec![labelled("b", "1"), labelled("a", "3")]),
        ["b", "a"]
    );
    let twins = vec![labelled("a", "2"), labelled("a", "2")];
    assert_eq!(inherited(twins), ["a#2", "none"]);
}

#[test]
fn a_rule_that_is_called_like_a_numbered_one_keeps_its_name() {
    assert_eq!(keys(&["a", "a", "a#2", "a"]), ["a", "a#3", "a#2", "a#4"]);
    assert_eq!(keys(&["a#2", "a", "a", "a#2"]), ["a#2", "a", "a#3", "a#2#2"]);
}

proptest! {
    #[test]
    fn no_two_rules_share_a_key(names in proptest::collection::vec("[ab](#[23]){0,2}", 0..30)) {
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let all = keys(&names);
        prop_assert_eq!(all.len(), names.len());
        prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for (at, name) in names.iter().enumerate() {
            let is_first = !names[..at].contains(name);
            prop_assert_eq!(all[at] == *name, is_first);
        }
    }
}

#[test]
fn a_component_is_handed_templates_and_what_they_refer_to() {
    let group = GroupSpec {
        labels: texts(&[("team", "{{ group }}"), ("zone", "{{ zone }}"), ("plain", "x")]),
        ..group(Vec::new())
    };
    let rule = RuleSpec {
        labels: texts(&[("team", "core")]),
        annotations: texts(&[("summary", "{{ $value }}"), ("runbook", "none")]),
        ..rule("r")
    };
    let external = External {
        url: "http://here".to_owned(),
        labels: texts(&[("cluster", "eu")]),
    };
    let extras = rule.extras_within(&group, &external);
    let want = [
        ("label:zone", "{{ zone }}"),
        ("annotation:summary", "{{ $value }}"),
        ("external-label:cluster", "eu"),
        ("external-url", "http://here"),
    ];
    assert_eq!(
        extras,
        want.map(|(name, text)| (name.to_owned(), text.to_owned()))
    );
}
