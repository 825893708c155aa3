//! Files as trees in which everything has its line. JSON is read as YAML, of which
//! it is a part.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Location, NonFiniteFloatPolicy, Options, Spanned};

/// A value of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins, counted from 1.
    pub line: u64,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Null,
    /// The text as it is written, without quotes, and what YAML takes it for.
    Scalar(String, Value),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub line: u64,
    pub name: String,
}

impl Node {
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The value without its lines.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Scalar(_, value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (key.name.clone(), value.to_json()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// What it is, for people.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(_, Value::Bool(_)) => "true or false",
            Kind::Scalar(_, Value::Number(_)) => "a number",
            Kind::Scalar(..) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "fields",
        }
    }
}

/// The documents of a text.
///
/// # Errors
/// Line and message of the first place that cannot be read.
pub fn parse(text: &str) -> Result<Vec<Node>, (u64, String)> {
    let documents: Vec<Raw> = serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        (line, first_line(&error.without_snippet().to_string()).to_owned())
    })?;
    Ok(documents.into_iter().map(|raw| raw.settle(text)).collect())
}

/// YAML 1.2, where `yes` and `on` are texts; a key may not come twice. JSON has no
/// infinities, so these stay texts.
fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    // The place is already in front.
    line.rsplit_once(" at line ").map_or(line, |(message, _)| message)
}

/// A value as the library gives it.
struct Raw(Spanned<RawKind>);

enum RawKind {
    Null,
    Scalar(Value),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl Raw {
    fn settle(self, source: &str) -> Node {
        let Spanned {
            value,
            referenced,
            defined,
        } = self.0;
        let kind = match value {
            RawKind::Null => Kind::Null,
            RawKind::Scalar(Value::String(text)) => Kind::Scalar(text.clone(), Value::String(text)),
            RawKind::Scalar(value) => {
                let text = written(source, defined).unwrap_or_else(|| value.to_string());
                Kind::Scalar(text, value)
            }
            RawKind::List(items) => Kind::List(items.into_iter().map(|item| item.settle(source)).collect()),
            RawKind::Map(entries) => {
                Kind::Map(entries.into_iter().map(|entry| settle(entry, source)).collect())
            }
        };
        Node {
            line: referenced.line(),
            kind,
        }
    }
}

fn settle((key, value): (Spanned<String>, Raw), source: &str) -> (Key, Node) {
    let mut value = value.settle(source);
    let line = match key.referenced.line() {
        0 => value.line,
        line => line,
    };
    // A value that was left out has no place of its own.
    if value.is_null() {
        value.line = line;
    }
    (
        Key {
            line,
            name: key.value,
        },
        value,
    )
}

/// The text of a number as it stands in the file: `0x3` is no number to us.
fn written(source: &str, at: Location) -> Option<String> {
    let span = at.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
    Some(source.get(start..end)?.trim().to_owned())
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Spanned::deserialize(from).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_none<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<RawKind, D::Error> {
        RawKind::deserialize(from)
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(
            Number::from_f64(value).map_or(Value::Null, Value::Number),
        ))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawKind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(RawKind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawKind, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(RawKind::Map(entries))
    }
}
