//! What is configured.

use wasmalert::prelude::*;

use crate::condition::{Condition, Term};
use crate::parse::parse;

/// The most labels of a group.
pub(crate) const BY_MAX: usize = 4;

/// What is to hold, and for which groups of labels.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    when: String,
    /// The labels that make a group.
    #[serde(default)]
    pub(crate) by: Vec<String>,
    /// Whether a pending alert counts.
    #[serde(default)]
    pub(crate) pending: bool,
}

impl Config {
    /// The condition and its terms, once everything is seen to hold together.
    pub(crate) fn condition(&self) -> Result<(Condition, Vec<Term>), Error> {
        if self.by.len() > BY_MAX {
            return Err(Error::config(format!("by: more than {BY_MAX} labels")));
        }
        for (at, label) in self.by.iter().enumerate() {
            if !is_label(label) {
                let message = format!("by: {label:?} is not the name of a label that alerts may share");
                return Err(Error::config(message));
            }
            if self.by[..at].contains(label) {
                return Err(Error::config(format!("by: {label:?} is there twice")));
            }
        }
        let (condition, terms) = parse(&self.when)?;
        if !self.by.is_empty() && condition.holds(&|_| false) {
            let message = "when: holds where nothing fires, so there is no group to tell; \
                           add `and` with an alert that has to fire, or remove `by`";
            return Err(Error::config(message));
        }
        Ok((condition, terms))
    }
}

fn is_label(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let own = ["__name__", "alertname", "alertstate"].contains(&name);
    !own && name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}
