//! What a burn rate means for the budget of the objective's period.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use wasmalert::prelude::*;

use crate::burns::{Burns, Key};
use crate::config::{Config, Objective, round};

/// The budget of the period, as it is told to people.
pub(crate) struct Budget<'a> {
    objective: &'a Objective,
    period_ms: f64,
    period: String,
    /// Asks for the errors of the period; none unless they are wanted.
    query: Option<Query>,
    /// Which part of its budget each series has spent; read when needed.
    spent: OnceCell<BTreeMap<Key, f64>>,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(config: &Config, objective: &'a Objective) -> Self {
        let query = || objective.query(config.period).may_fail();
        Self {
            objective,
            period_ms: config.period.ms() as f64,
            period: about(config.period.ms()),
            query: config.budget_left.then(query),
            spent: OnceCell::new(),
        }
    }

    pub(crate) fn query(&self) -> Option<&Query> {
        self.query.as_ref()
    }

    /// What a burn rate over a window, told as text, means.
    pub(crate) fn story(&self, (window, text): (Span, &str), rate: f64, key: Key) -> String {
        let used = percent(rate * window.ms() as f64 / self.period_ms);
        let lasts = |part: f64| about((part * self.period_ms / rate).round() as i64);
        let (period, whole) = (&self.period, lasts(1.0));
        let story = format!(
            "{text} used {used} of the error budget of {period}; at this rate a whole one lasts {whole}"
        );
        match self.left(key) {
            Some(left) if left > 0.0 => {
                format!("{story}, and the {} that are left {}", percent(left), lasts(left))
            }
            Some(_) => story + ", and nothing is left",
            None => story,
        }
    }

    /// Which part of its budget a series has left. A query that failed spoils
    /// the annotation and no alert.
    fn left(&self, key: Key) -> Option<f64> {
        let query = self.query.as_ref()?;
        let spent = self.spent.get_or_init(|| match query.run() {
            Ok(frame) => Burns::new(frame, self.objective).by_key(f64::NEG_INFINITY),
            Err(_) => BTreeMap::new(),
        });
        Some(1.0 - spent.get(&key)?)
    }
}

fn percent(part: f64) -> String {
    format!("{}%", round(part * 100.0))
}

/// A span of ms in its two largest units, from days to seconds.
pub(crate) fn about(ms: i64) -> String {
    const UNITS: [(&str, i64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let seconds = ms / 1_000;
    let largest = UNITS.iter().position(|(_, unit)| seconds >= *unit);
    let (name, unit) = UNITS[largest.unwrap_or(UNITS.len() - 1)];
    let whole = format!("{}{name}", seconds / unit);
    let next = largest.and_then(|largest| UNITS.get(largest + 1));
    match next.map(|(name, next)| (name, seconds % unit / next)) {
        Some((name, rest)) if rest > 0 => format!("{whole}{rest}{name}"),
        _ => whole,
    }
}
