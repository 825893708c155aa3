//! Labels.

use std::fmt;
use std::ops::Deref;

pub use crate::bindings::rule::wasmalert::rules::types::Label;

impl Label {
    /// Makes a label of its name and value.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

impl<N: Into<String>, V: Into<String>> From<(N, V)> for Label {
    fn from((name, value): (N, V)) -> Self {
        Self::new(name, value)
    }
}

/// The labels of a series, sorted by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels(pub Vec<Label>);

impl Labels {
    /// The value of a label; the empty text stands for an absent one.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        value_of(&self.0, name)
    }

    /// What tells the series from others, to be kept in the state: FNV-1a, 64 bit, over names and values
    /// each closed by 0xff, as Alertmanager's fingerprints are made.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let texts = self.0.iter().flat_map(|label| [&label.name, &label.value]);
        let bytes = texts.flat_map(|text| text.bytes().chain([0xff]));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

impl Deref for Labels {
    type Target = [Label];

    fn deref(&self) -> &[Label] {
        &self.0
    }
}

impl fmt::Display for Labels {
    /// As Prometheus writes them: `{a="1", b="2"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, label) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}={:?}", label.name, label.value)?;
        }
        f.write_str("}")
    }
}

/// The value of a label in any list; the empty text stands for an absent one.
pub(crate) fn value_of<'a>(labels: &'a [Label], name: &str) -> &'a str {
    let found = labels.iter().find(|label| label.name == name);
    found.map_or("", |label| &label.value)
}

/// Makes a list of labels of pairs.
pub(crate) fn from_pairs(pairs: &[(&str, &str)]) -> Vec<Label> {
    pairs.iter().map(|pair| Label::from(*pair)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_alertmanagers() {
        // Reckoned apart from this code.
        let labels = Labels(from_pairs(&[("a", "1"), ("b", "2")]));
        assert_eq!(labels.fingerprint(), 2_072_640_632_553_516_545);
    }
}
