//! From text to values, each with its line. JSON is read as YAML, of which it is
//! a part.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Options, Spanned};

/// A value of a file, before it is known what it is about.
#[derive(Debug, PartialEq)]
pub(super) struct Item {
    /// Where it begins, counted from 1.
    pub(super) line: u64,
    pub(super) value: Value,
}

/// Every item of a text; the items of a list stand for themselves.
///
/// # Errors
/// `line: what is wrong`, of the first place that cannot be read.
pub(super) fn items(text: &str) -> Result<Vec<Item>, String> {
    let documents: Vec<Spanned<Parsed>> =
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line());
            format!("{line}: {}", first_line(&error.without_snippet().to_string()))
        })?;
    let mut items = Vec::new();
    for document in documents {
        let line = document.referenced.line();
        match document.value {
            Parsed::One(value) => items.push(Item { line, value }),
            Parsed::List(list) => items.extend(list.into_iter().map(|item| Item {
                line: item.referenced.line(),
                value: item.value,
            })),
        }
    }
    Ok(items)
}

/// YAML 1.2, where `yes` and `on` are texts; a key may not come twice.
fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::Error,
        with_snippet: false,
    }
}

fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    // The place is already in front.
    line.rsplit_once(" at line ").map_or(line, |(message, _)| message)
}

enum Parsed {
    One(Value),
    List(Vec<Spanned<Value>>),
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ParsedVisitor)
    }
}

struct ParsedVisitor;

impl<'de> Visitor<'de> for ParsedVisitor {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document or a list of documents")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parsed, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(Parsed::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parsed, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Parsed::List(items))
    }
}
