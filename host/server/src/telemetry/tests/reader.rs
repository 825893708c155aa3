//! A reader of the text format that accepts nothing but what is right.

use std::collections::BTreeMap;

/// A sample's name and labels.
pub(super) type Id = (String, BTreeMap<String, String>);

#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) kind: String,
    pub(super) help: String,
    pub(super) samples: BTreeMap<Id, f64>,
    order: Vec<Id>,
}

/// Reads a whole text.
pub(super) fn read(text: &str) -> BTreeMap<String, Read> {
    let mut families: BTreeMap<String, Read> = BTreeMap::new();
    let mut current = String::new();
    let mut lines = text.split_terminator('\n');
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "the last line has no end"
    );
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            let kind_line = lines.next().expect("a type after the help");
            let kind = kind_line
                .strip_prefix(&format!("# TYPE {name} "))
                .expect("the type of the same family");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{kind}");
            assert!(is_name(name), "{name}");
            let family = Read {
                kind: kind.to_owned(),
                help: unescaped(help, false),
                ..Read::default()
            };
            assert!(
                families.insert(name.to_owned(), family).is_none(),
                "{name} appears twice"
            );
            current = name.to_owned();
            continue;
        }
        let (id, value) = sample(line);
        let family = families.get_mut(&current).expect("a sample after its family");
        let suffix = id.0.strip_prefix(&current).unwrap_or("?");
        let suffixes: &[&str] = if family.kind == "histogram" {
            &["_bucket", "_sum", "_count"]
        } else {
            &[""]
        };
        assert!(
            suffixes.contains(&suffix),
            "{} is not of the family {current}",
            id.0
        );
        family.order.push(id.clone());
        assert!(family.samples.insert(id, value).is_none(), "{line} appears twice");
    }
    for (name, family) in &families {
        check_buckets(name, family);
    }
    families
}

fn check_buckets(name: &str, family: &Read) {
    let mut below = 0.0;
    for id in &family.order {
        let value = family.samples[id];
        if id.0 == format!("{name}_bucket") {
            assert!(value >= below, "{name}: buckets shrink");
            below = if id.1["le"] == "+Inf" { 0.0 } else { value };
        }
        if id.0 == format!("{name}_count") && family.kind == "histogram" {
            let mut all = id.1.clone();
            all.insert("le".to_owned(), "+Inf".to_owned());
            assert_eq!(
                family.samples[&(format!("{name}_bucket"), all)].to_bits(),
                value.to_bits()
            );
        }
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !name.is_empty() && name.chars().all(allowed) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn sample(line: &str) -> (Id, f64) {
    let end = line.find(['{', ' ']).expect("a name");
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").expect("a label");
            assert!(is_name(label) && !label.contains(':'), "{line}");
            let quote = closing_quote(after);
            let value = unescaped(&after[..quote], true);
            assert!(
                labels.insert(label.to_owned(), value).is_none(),
                "{label} twice in {line}"
            );
            rest = &after[quote + 1..];
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').expect("the end of the labels");
    }
    let value = rest
        .strip_prefix(' ')
        .expect("a value")
        .parse()
        .expect("a number");
    ((name.to_owned(), labels), value)
}

fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    panic!("no closing quote in {text:?}")
}

fn unescaped(text: &str, quotes: bool) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let next = if c == '\\' { chars.next() } else { Some(c) };
        plain.push(match (c, next) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('\\')) => '\\',
            ('\\', Some('"')) if quotes => '"',
            ('\\', other) => panic!("{other:?} is escaped in {text:?}"),
            (c, _) => c,
        });
    }
    plain
}
