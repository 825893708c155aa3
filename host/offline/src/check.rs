//! What was expected, compared with what is there.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wasmalert_core::alert::{AlertState, Notification};
use wasmalert_core::evaluation::{State, Timers};
use wasmalert_core::label::{ALERT_NAME, Labels};
use wasmalert_promql::{Outcome, Value};

use crate::live::LiveRule;
use crate::suite::ExpectedTimer;

/// Lines of one difference; more are counted.
const LINES_MAX: usize = 200;
/// The widest column of keys that values are aligned after.
const KEY_WIDTH_MAX: usize = 80;

/// Something expected or found: what it is known by, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Item {
    pub(crate) fn new(key: impl ToString, value: impl ToString) -> Self {
        Self {
            key: key.to_string(),
            value: value.to_string(),
        }
    }
}

/// The difference between what was expected and what was found, a line for each
/// item; none when they are the same, in whatever order.
pub(crate) fn difference(mut expected: Vec<Item>, mut got: Vec<Item>) -> Option<Vec<String>> {
    expected.sort();
    got.sort();
    if expected == got {
        return None;
    }
    let mut rows: Vec<(&'static str, Item)> = Vec::new();
    let mut found = got.into_iter().peekable();
    for item in expected {
        while let Some(other) = found.next_if(|other| *other < item) {
            rows.push(("got", other));
        }
        let same = found.next_if_eq(&item).is_some();
        rows.push((if same { "same" } else { "expected" }, item));
    }
    rows.extend(found.map(|item| ("got", item)));
    // What belongs together stands together, the expected before the found.
    rows.sort_by(|a, b| a.1.key.cmp(&b.1.key).then(order(a.0).cmp(&order(b.0))));
    Some(render(&rows))
}

fn order(kind: &str) -> usize {
    ["same", "expected", "got"]
        .iter()
        .position(|other| *other == kind)
        .unwrap_or(0)
}

fn render(rows: &[(&'static str, Item)]) -> Vec<String> {
    let width = rows
        .iter()
        .map(|(_, item)| item.key.chars().count())
        .max()
        .unwrap_or(0);
    let width = width.min(KEY_WIDTH_MAX);
    let line = |(kind, item): &(&str, Item)| {
        let line = format!("{kind:<8}  {:width$}  {}", item.key, item.value);
        line.trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().take(LINES_MAX).map(line).collect();
    if rows.len() > LINES_MAX {
        lines.push(format!("… and {} more", rows.len() - LINES_MAX));
    }
    lines
}

/// Names and texts as Prometheus writes labels.
fn braces<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from("{");
    for (at, (name, value)) in texts.enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{name}={value:?}");
    }
    text + "}"
}

fn without_name(labels: &Labels) -> String {
    braces(labels.iter().filter(|(name, _)| *name != ALERT_NAME))
}

/// Firing alerts by their labels, with their annotations.
pub(crate) fn alerts(
    expected: &[(Labels, BTreeMap<String, String>)],
    rules: &[&LiveRule<'_>],
) -> Option<Vec<String>> {
    let expected = expected.iter().map(|(labels, annotations)| {
        let annotations = annotations.iter().map(|(name, text)| (&**name, &**text));
        Item::new(without_name(labels), braces(annotations))
    });
    let firing = rules.iter().flat_map(|rule| rule.alerts.iter());
    let got = firing
        .filter(|alert| alert.state == AlertState::Firing)
        .map(|alert| Item::new(without_name(&alert.labels), braces(alert.annotations.iter())));
    let (expected, got): (Vec<_>, Vec<_>) = (expected.collect(), got.collect());
    let mut lines = difference(expected, got)?;
    // An alert on its way says more than one that is just not there.
    for alert in rules.iter().flat_map(|rule| rule.alerts.iter()) {
        if alert.state == AlertState::Pending && lines.len() < LINES_MAX {
            lines.push(format!("pending   {}", without_name(&alert.labels)));
        }
    }
    if rules.is_empty() {
        lines.push("no rule has this name".to_owned());
    }
    Some(lines)
}

/// Samples by their labels, with their values. `fuzzy` takes neighbouring numbers
/// for the same.
pub(crate) fn samples(expected: &[(Labels, f64)], outcome: &Outcome, fuzzy: bool) -> Option<Vec<String>> {
    let mut got: Vec<(Labels, f64)> = match &outcome.value {
        Value::Scalar(value) => vec![(Labels::new(), *value)],
        Value::Vector(samples) => {
            let samples = samples.iter();
            samples
                .map(|sample| (sample.metric.to_labels(), sample.value))
                .collect()
        }
        // Refused when the file was read.
        Value::String(_) | Value::Matrix(_) => Vec::new(),
    };
    for (labels, value) in &mut got {
        let same = expected
            .iter()
            .find(|(of, wanted)| of == labels && is_same(*wanted, *value, fuzzy));
        if let Some((_, wanted)) = same {
            *value = *wanted;
        }
    }
    let items = |samples: &[(Labels, f64)]| {
        let items = samples.iter().map(|(labels, value)| Item::new(labels, value));
        items.collect::<Vec<_>>()
    };
    difference(items(expected), items(&got))
}

/// NaN is NaN here, and -0 is 0.
fn is_same(a: f64, b: f64, fuzzy: bool) -> bool {
    let neighbours = || a.next_up() == b || b.next_up() == a;
    a == b || (a.is_nan() && b.is_nan()) || (fuzzy && neighbours())
}

/// What a rule keeps.
pub(crate) fn state(expected: &BTreeMap<String, Vec<u8>>, got: &State) -> Option<Vec<String>> {
    let items = |state: &BTreeMap<String, Vec<u8>>| {
        let items = state.iter().map(|(key, bytes)| Item::new(key, show(bytes)));
        items.collect::<Vec<_>>()
    };
    difference(items(expected), items(got))
}

/// Timers by name; a payload counts where one is expected.
pub(crate) fn timers(expected: &[ExpectedTimer], got: &Timers, start_ms: i64) -> Option<Vec<String>> {
    let item = |name: &str, due_ms: i64, payload: Option<&[u8]>| {
        let payload = payload.map_or_else(String::new, |bytes| format!(", payload {}", show(bytes)));
        Item::new(name, format!("due {}{payload}", crate::report::time(due_ms)))
    };
    let wants_payload = |name: &str| {
        let mut of_name = expected.iter().filter(|timer| timer.name == name);
        of_name.any(|timer| timer.payload.is_some())
    };
    let got = got.iter().map(|(name, timer)| {
        let payload = wants_payload(name).then_some(&*timer.payload);
        item(name, timer.due_ms - start_ms, payload)
    });
    let expected = expected
        .iter()
        .map(|timer| item(&timer.name, timer.due_ms, timer.payload.as_deref()));
    difference(expected.collect(), got.collect())
}

/// Notifications by reason and labels.
pub(crate) fn notifications<'a>(
    expected: &[(wasmalert_core::alert::NotifyReason, Labels)],
    got: impl Iterator<Item = &'a Notification>,
) -> Option<Vec<String>> {
    let item = |reason: wasmalert_core::alert::NotifyReason, labels: &Labels| {
        Item::new(format!("{:<8}  {}", reason.as_str(), without_name(labels)), "")
    };
    let expected = expected.iter().map(|(reason, labels)| item(*reason, labels));
    let got = got.map(|notification| item(notification.reason, &notification.alert.labels));
    difference(expected.collect(), got.collect())
}

/// A text in quotes, or hexadecimal digits where it is none.
fn show(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => format!("{text:?}"),
        _ => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{{hex: {digits}}}")
        }
    }
}
