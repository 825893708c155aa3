//! Label sets.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;

/// The label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";
/// The label that holds the alert's name.
pub const ALERT_NAME: &str = "alertname";

/// A set of labels: sorted by name, each name once, no empty value.
///
/// It is one piece of memory: for each label the length of the name, the name,
/// the length of the value, the value. A length is written in digits of six
/// bits, the least first, each an ASCII character; 0x40 says that more follow.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Labels(Box<str>);

impl Labels {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|label| label.0 == name).map(|label| label.1)
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        *self = self.iter().chain([(name, value)]).collect();
    }

    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.0 }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A hash of the set (FNV-1a, 64 bit, over names and values each closed by
    /// 0xff, as Alertmanager's fingerprints are made).
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        const OFFSET: u64 = 14_695_981_039_346_656_037;
        const PRIME: u64 = 1_099_511_628_211;
        let mut hash = OFFSET;
        let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        for (name, value) in self.iter() {
            for part in [name, value] {
                part.bytes().for_each(&mut eat);
                eat(0xff);
            }
        }
        hash
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    /// The last of equal names wins; empty values are left out.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(iter: I) -> Self {
        let mut labels: Vec<(N, V)> = iter.into_iter().collect();
        labels.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref())); // stable: equal names keep their order
        let last_of_name = |at: &usize| {
            let next = labels.get(at + 1);
            next.is_none_or(|next| next.0.as_ref() != labels[*at].0.as_ref())
        };
        let kept = (0..labels.len())
            .filter(last_of_name)
            .map(|at| (labels[at].0.as_ref(), labels[at].1.as_ref()))
            .filter(|(_, value)| !value.is_empty());
        let bytes = kept
            .clone()
            .map(|(name, value)| text_bytes(name) + text_bytes(value));
        let mut text = String::with_capacity(bytes.sum());
        for (name, value) in kept {
            push_text(&mut text, name);
            push_text(&mut text, value);
        }
        Self(text.into_boxed_str())
    }
}

/// How many bits of a length one character holds.
const DIGIT_BITS: u32 = 6;
const DIGIT_MAX: u8 = (1 << DIGIT_BITS) - 1;
/// Says that another digit follows.
const MORE: u8 = 1 << DIGIT_BITS;

/// What a text takes, its length included.
fn text_bytes(text: &str) -> usize {
    let bits = usize::BITS - text.len().leading_zeros();
    text.len() + bits.div_ceil(DIGIT_BITS).max(1) as usize
}

fn push_text(to: &mut String, text: &str) {
    let mut rest = text.len();
    while rest > usize::from(DIGIT_MAX) {
        to.push(char::from((rest & usize::from(DIGIT_MAX)) as u8 | MORE));
        rest >>= DIGIT_BITS;
    }
    to.push(char::from(rest as u8));
    to.push_str(text);
}

/// The text at the start, and what follows it.
fn split_text(from: &str) -> (&str, &str) {
    let mut len = 0;
    for (at, digit) in from.bytes().enumerate() {
        len |= usize::from(digit & DIGIT_MAX) << (at as u32 * DIGIT_BITS);
        if digit & MORE == 0 {
            return from[at + 1..].split_at(len);
        }
    }
    (from, "")
}

/// The labels of a set in the order of their names.
#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (name, rest) = split_text(self.rest);
        let (value, rest) = split_text(rest);
        self.rest = rest;
        Some((name, value))
    }
}

impl Ord for Labels {
    /// By the first label that differs, its name before its value.
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Labels {
    /// As Prometheus writes them: `{a="1", b="2"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
