//! Label sets.

#[cfg(test)]
mod tests;

use std::fmt;

/// The label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";
/// The label that holds the alert's name.
pub const ALERT_NAME: &str = "alertname";

/// A set of labels: sorted by name, each name once, no empty value.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

impl Labels {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| &**value)
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        match (self.0.binary_search_by(|(n, _)| (**n).cmp(name)), value) {
            (Ok(at), "") => drop(self.0.remove(at)),
            (Ok(at), value) => self.0[at].1 = value.into(),
            (Err(_), "") => {}
            (Err(at), value) => self.0.insert(at, (name.into(), value.into())),
        }
    }

    /// Sets every label of `other` here: the overlay wins.
    pub fn overlay<'a>(&mut self, other: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, value) in other {
            self.set(name, value);
        }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
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
        let mut labels: Vec<(Box<str>, Box<str>)> = iter
            .into_iter()
            .map(|(n, v)| (n.as_ref().into(), v.as_ref().into()))
            .collect();
        labels.sort_by(|a, b| a.0.cmp(&b.0)); // stable: equal names keep their order
        let mut set: Vec<(Box<str>, Box<str>)> = Vec::with_capacity(labels.len());
        for label in labels {
            match set.last_mut() {
                Some(last) if last.0 == label.0 => *last = label,
                _ => set.push(label),
            }
        }
        set.retain(|(_, value)| !value.is_empty());
        Self(set)
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
