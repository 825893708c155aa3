//! Conditions of their own for resolving: what the expression has found stays a finding until the second one,
//! `resolve_when`, finds a series with the same labels.

use std::collections::{BTreeMap, BTreeSet};

use wasmalert::prelude::*;
use wasmalert::state;

/// The most that is held; a rule's state has its limit.
const HELD_MAX: usize = 2_000;
/// Key of what is held in the rule's state.
const HELD: &str = "held";
/// Not part of what tells series apart.
const NAME: &str = "__name__";

type Names = BTreeMap<String, String>;

/// A finding of an evaluation before that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Those of the series, without its name.
    pub(crate) labels: Names,
    /// The last that was found, as bits: JSON has neither NaN nor infinities.
    bits: u64,
}

impl Held {
    pub(crate) fn value(&self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// The finding, with further labels over its own.
    pub(crate) fn finding(self, over: Vec<Label>, annotations: Vec<Label>) -> Finding {
        let value = self.value();
        let mut labels = self.labels;
        labels.extend(over.into_iter().map(|label| (label.name, label.value)));
        Finding {
            labels: labels
                .iter()
                .map(|(name, value)| Label::new(name, value))
                .collect(),
            annotations,
            value,
            ..Finding::default()
        }
    }
}

/// What is kept from one evaluation to the next.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// The two expressions: what others have found says nothing to these.
    exprs: [String; 2],
    held: Vec<Held>,
}

/// What was found before, is not found now, and has not come to its end.
///
/// # Errors
/// What is held cannot be read.
pub(crate) fn go_on(exprs: [&str; 2], found: &Frame, ends: &Frame) -> Result<Vec<Held>, Error> {
    let (names, ends) = (names(found), names(ends));
    let ends: BTreeSet<&Names> = ends.iter().collect();
    let there: BTreeSet<&Names> = names.iter().collect();
    let exprs = exprs.map(str::to_owned);
    let before: Kept = state::load(HELD)?.unwrap_or_default();
    let goes_on = |held: &&Held| !there.contains(&held.labels) && !ends.contains(&held.labels);
    let held: Vec<Held> = match before.exprs == exprs {
        true => before.held.iter().filter(goes_on).cloned().collect(),
        false => Vec::new(),
    };
    let found = names.iter().zip(found.values()).map(|(labels, value)| Held {
        labels: labels.clone(),
        bits: value.to_bits(),
    });
    let now = Kept {
        exprs,
        held: found.chain(held.iter().cloned()).take(HELD_MAX).collect(),
    };
    if now != before {
        state::save(HELD, &now)?;
    }
    Ok(held)
}

fn names(frame: &Frame) -> Vec<Names> {
    let names = crate::labels(frame).into_iter().map(|labels| {
        let labels = labels.0.into_iter().filter(|label| label.name != NAME);
        labels.map(|label| (label.name, label.value)).collect()
    });
    names.collect()
}
