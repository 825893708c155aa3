use serde_json::json;

use super::*;

fn entry<'a>(node: &'a Node, name: &str) -> (&'a Key, &'a Node) {
    let Kind::Map(entries) = &node.kind else {
        panic!("no fields: {node:?}")
    };
    let (key, value) = entries.iter().find(|(key, _)| key.name == name).unwrap();
    (key, value)
}

#[test]
fn everything_has_its_line() {
    let parsed = parse("a: 1\nb:\n  - x\n  - c:\n      d: y\n---\ne: z\n").unwrap();
    let (key, list) = entry(&parsed[0], "b");
    assert_eq!(key.line, 2);
    let Kind::List(items) = &list.kind else { panic!() };
    assert_eq!(items[0].line, 3);
    let (key, fields) = entry(&items[1], "c");
    assert_eq!((items[1].line, key.line), (4, 4));
    assert_eq!(entry(fields, "d").1.line, 5);
    assert_eq!(entry(&parsed[1], "e").0.line, 7);
}

#[test]
fn numbers_keep_their_text() {
    let parsed = parse("ü: 0x3\nb: 1e3\nc: true\nd: '5'\ne: 1 2 3\nf: .inf\n").unwrap();
    let text = |name| match &entry(&parsed[0], name).1.kind {
        Kind::Scalar(text, _) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        ["ü", "b", "c", "d", "e", "f"].map(text),
        ["0x3", "1e3", "true", "5", "1 2 3", ".inf"]
    );
    assert_eq!(entry(&parsed[0], "d").1.to_json(), json!("5"));
    assert_eq!(entry(&parsed[0], "c").1.to_json(), json!(true));
}

#[test]
fn nothing_is_where_its_key_is() {
    let parsed = parse("a: 1\nb:\nc: ~\n").unwrap();
    let (key, value) = entry(&parsed[0], "b");
    assert!(value.is_null());
    assert_eq!((key.line, value.line), (2, 2));
    assert_eq!(entry(&parsed[0], "c").1.line, 3);
}

#[test]
fn what_cannot_be_read_has_its_line() {
    assert_eq!(parse("a: [1\nb: 2\n").unwrap_err().0, 2);
    let (line, message) = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
    assert_eq!(line, 3, "{message}");
    assert!(message.contains("duplicate"), "{message}");
}
