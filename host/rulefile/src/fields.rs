//! Trees taken apart: each field once, and every one that is wrong is told.

use std::collections::BTreeMap;
use std::fmt;

use wasmalert_core::units::parse_duration_ms;

use crate::problem::Problems;
use crate::yaml::{Key, Kind, Node};

/// The fields of a mapping that were not taken yet.
pub struct Fields<'n> {
    /// Where it is in the file for people, such as `groups[0]`; may be empty.
    pub path: String,
    pub line: u64,
    left: Vec<&'n (Key, Node)>,
}

/// A text with its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub line: u64,
    pub text: String,
}

impl<'n> Fields<'n> {
    /// The fields of a node; none, and a problem, when it has no fields.
    pub fn of(node: &'n Node, path: impl Into<String>, problems: &mut Problems) -> Option<Self> {
        let path = path.into();
        let Kind::Map(entries) = &node.kind else {
            let place = if path.is_empty() {
                String::new()
            } else {
                format!("{path}: ")
            };
            problems.add(
                node.line,
                format_args!("{place}expected fields, not {}", node.what()),
            );
            return None;
        };
        Some(Self {
            path,
            line: node.line,
            left: entries.iter().collect(),
        })
    }

    /// Where a field is, for people.
    pub fn at(&self, name: impl fmt::Display) -> String {
        match &*self.path {
            "" => name.to_string(),
            path => format!("{path}.{name}"),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.left
            .iter()
            .any(|(key, value)| key.name == name && !value.is_null())
    }

    /// Takes a field; one without a value counts as not there.
    pub fn take(&mut self, name: &str) -> Option<&'n Node> {
        let at = self.left.iter().position(|(key, _)| key.name == name)?;
        let (_, value) = self.left.remove(at);
        (!value.is_null()).then_some(value)
    }

    pub fn text(&mut self, name: &str, problems: &mut Problems) -> Option<Text> {
        let node = self.take(name)?;
        let text = scalar(node);
        if text.is_none() {
            let message = format!("{}: expected a text, not {}", self.at(name), node.what());
            problems.add(node.line, message);
        }
        text
    }

    pub fn required(&mut self, name: &str, problems: &mut Problems) -> Option<Text> {
        if !self.has(name) {
            problems.add(self.line, format_args!("{} is missing", self.at(name)));
        }
        self.text(name, problems)
    }

    /// A duration in ms.
    pub fn duration(&mut self, name: &str, problems: &mut Problems) -> Option<i64> {
        let Text { line, text } = self.text(name, problems)?;
        parse_duration_ms(&text)
            .map_err(|error| problems.add(line, format_args!("{}: {error}", self.at(name))))
            .ok()
    }

    /// What `parse` makes of a text.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let Text { line, text } = self.text(name, problems)?;
        parse(&text)
            .map_err(|error| problems.add(line, format_args!("{}: {error}", self.at(name))))
            .ok()
    }

    /// Names and texts.
    pub fn texts(&mut self, name: &str, problems: &mut Problems) -> BTreeMap<String, String> {
        self.texts_that(name, problems, |_| Ok(()))
    }

    /// Names and texts, each of which is checked.
    pub fn texts_that(
        &mut self,
        name: &str,
        problems: &mut Problems,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> BTreeMap<String, String> {
        let path = self.at(name);
        let Some(fields) = self.take(name).and_then(|node| Fields::of(node, path, problems)) else {
            return BTreeMap::new();
        };
        let mut texts = BTreeMap::new();
        for (key, value) in &fields.left {
            // `a:` without anything is an empty text.
            let text = if value.is_null() {
                Some(String::new())
            } else {
                scalar(value).map(|text| text.text)
            };
            match text {
                Some(text) => {
                    if let Err(wrong) = check(&text) {
                        problems.add(value.line, format_args!("{}: {wrong}", fields.at(&key.name)));
                    }
                    texts.insert(key.name.clone(), text);
                }
                None => {
                    let message = format!("{}: expected a text, not {}", fields.at(&key.name), value.what());
                    problems.add(value.line, message);
                }
            }
        }
        texts
    }

    /// The items of a list; none when there is no such field.
    pub fn list(&mut self, name: &str, problems: &mut Problems) -> &'n [Node] {
        match self.take(name) {
            None => &[],
            Some(Node {
                kind: Kind::List(items),
                ..
            }) => items,
            Some(other) => {
                let message = format!("{}: expected a list, not {}", self.at(name), other.what());
                problems.add(other.line, message);
                &[]
            }
        }
    }

    /// A list of texts.
    pub fn text_list(&mut self, name: &str, problems: &mut Problems) -> Vec<Text> {
        let path = self.at(name);
        let mut texts = Vec::new();
        for (at, item) in self.list(name, problems).iter().enumerate() {
            match scalar(item) {
                Some(text) => texts.push(text),
                None => problems.add(
                    item.line,
                    format_args!("{path}[{at}]: expected a text, not {}", item.what()),
                ),
            }
        }
        texts
    }

    /// The fields that are left, names and values.
    pub fn rest(&mut self) -> Vec<&'n (Key, Node)> {
        std::mem::take(&mut self.left)
    }

    /// Tells of every field that was not taken.
    pub fn finish(self, problems: &mut Problems) {
        for (key, _) in &self.left {
            problems.add(key.line, format_args!("{}: unknown field", self.at(&key.name)));
        }
    }
}

/// A number or `true` is a text as it is written.
pub fn scalar(node: &Node) -> Option<Text> {
    match &node.kind {
        Kind::Scalar(text, _) => Some(Text {
            line: node.line,
            text: text.clone(),
        }),
        _ => None,
    }
}
