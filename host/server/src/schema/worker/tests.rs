use super::*;

fn job(schema: &str, configs: &[&str]) -> Answer {
    answer(&Job {
        schema: schema.to_owned(),
        configs: configs.iter().map(|&config| config.to_owned()).collect(),
    })
}

fn mismatches(schema: &str, configs: &[&str]) -> Vec<(usize, String, String)> {
    match job(schema, configs) {
        Answer::Mismatches(found) => {
            let tuples = found.into_iter().map(|it| (it.config, it.pointer, it.expected));
            tuples.collect()
        }
        Answer::BadSchema(why) => panic!("{why}"),
    }
}

fn refused(schema: &str) -> String {
    match job(schema, &[]) {
        Answer::BadSchema(why) => why,
        taken => panic!("{schema} was taken: {taken:?}"),
    }
}

#[test]
fn every_mismatch_is_told_with_its_pointer() {
    let schema = r#"{"type": "object", "required": ["url"], "additionalProperties": false,
        "properties": {"url": {"type": "string"}, "list": {"items": {"maximum": 3}}}}"#;
    let found = mismatches(
        schema,
        &[r#"{"url": "a", "list": [1, 2]}"#, r#"{"list": [1, 7], "x": {}}"#],
    );
    let told: Vec<String> = found
        .iter()
        .map(|(at, pointer, said)| format!("{at}{pointer}: {said}"))
        .collect();
    assert_eq!(
        told,
        [
            "1/list/1: 7 is greater than the maximum of 3",
            "1: Additional properties are not allowed ('x' was unexpected)",
            "1: \"url\" is a required property",
        ]
    );
}

#[test]
fn a_text_that_is_no_json_schema_is_refused_with_the_place() {
    assert_eq!(
        refused(r#"{"properties": {"a": {"type": "strin"}}}"#),
        "at /properties/a/type: \"strin\" is not valid under any of the schemas listed in the 'anyOf' keyword"
    );
    assert!(refused("{").starts_with("it is not JSON: "));
}

#[test]
fn nothing_outside_of_the_schema_is_fetched() {
    for outside in ["http://127.0.0.1:1/a.json", "file:///etc/hostname"] {
        let why = refused(&format!(r#"{{"$ref": "{outside}"}}"#));
        assert!(why.contains("is not fetched; copy it into $defs"), "{why}");
    }
    let why = refused(r#"{"$schema": "http://127.0.0.1:1/draft.json"}"#);
    assert!(why.contains("127.0.0.1"), "{why}");
}

#[test]
fn patterns_are_matched_in_linear_time_or_refused() {
    let catastrophe = r#"{"properties": {"a": {"pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}}}"#;
    let long = format!(r#"{{"a": "{}"}}"#, "a".repeat(20_000));
    assert_eq!(mismatches(catastrophe, &[&long]).len(), 1);
    let huge = refused(r#"{"pattern": "((((a{100}){100}){100}){100})"}"#);
    assert!(huge.contains("pattern"), "{huge}");
    let look_around = refused(r#"{"pattern": "(?=a)b"}"#);
    assert!(look_around.contains("(?=a)b"), "{look_around}");
}

#[test]
fn mismatches_and_their_texts_are_bounded() {
    let all = format!("[{}]", vec!["1"; 5_000].join(","));
    assert_eq!(
        mismatches(r#"{"items": false}"#, &[&all, &all]).len(),
        MISMATCHES_MAX
    );
    let long = format!("\"{}\"", "x".repeat(100_000));
    let found = mismatches(r#"{"type": "number"}"#, &[&long]);
    assert_eq!(found[0].2.chars().count(), TEXT_CHARS_MAX + 1);
}

#[test]
fn deep_texts_are_not_even_read() {
    let deep = |depth: usize| format!("{}true{}", r#"{"not":"#.repeat(depth), "}".repeat(depth));
    assert_eq!(mismatches(&deep(100), &["1"]), []);
    assert!(refused(&deep(100_000)).contains("recursion limit"));
    let found = mismatches("true", &[&"[".repeat(100_000)]);
    assert!(found[0].2.contains("recursion limit"), "{found:?}");
}
