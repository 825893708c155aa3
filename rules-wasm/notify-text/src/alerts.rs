//! What to say of a batch and of an alert.

use std::collections::BTreeMap;

use wasmalert::{Alert, Batch, Label};

use crate::limited::{Limited, Markup, limited};

/// The least room an alert gets, in UTF-16 units; alerts for which there is less
/// are only counted.
const ALERT_UNITS_MIN: usize = 256;
/// Room for the line about alerts that do not fit.
const REST_UNITS: usize = 32;

/// `[FIRING:2] Down`, or `[RESOLVED] Down`, as a line of so many units at most.
#[must_use]
pub fn title(batch: &Batch, units_max: usize, markup: &'static Markup) -> Limited {
    let mut title = Limited::line(units_max, markup);
    let firing = batch.alerts.iter().filter(|alert| alert.is_firing()).count();
    match firing {
        0 => title.push("[RESOLVED] "),
        firing => title.push(&format!("[FIRING:{firing}] ")),
    }
    let first = batch.alerts.first();
    title.push(first.map_or(&*batch.rule, |alert| name(batch, alert)));
    title
}

/// The name of an alert; its rule's where it has none.
#[must_use]
pub fn name<'a>(batch: &'a Batch, alert: &'a Alert) -> &'a str {
    match alert.label("alertname") {
        "" => &batch.rule,
        name => name,
    }
}

/// What an alert is about: its summary, or its name and labels.
pub fn push_headline(text: &mut Limited, batch: &Batch, alert: &Alert) {
    let summary = alert.annotation("summary").trim();
    if !summary.is_empty() {
        return text.push(summary);
    }
    text.push(name(batch, alert));
    for label in labels(alert) {
        for part in [" ", &label.name, "=", &label.value] {
            text.push(part);
        }
    }
}

/// State and summary.
pub fn push_state(text: &mut Limited, alert: &Alert) {
    text.push_strong(if alert.is_firing() { "Firing" } else { "Resolved" });
    text.push(" ");
    text.push(alert.annotation("summary"));
}

/// Description and labels, each on lines of its own.
pub fn push_details(text: &mut Limited, alert: &Alert) {
    let description = alert.annotation("description");
    if !description.is_empty() {
        text.break_line();
        text.push(description);
    }
    for label in labels(alert) {
        text.break_line();
        for part in ["• ", &label.name, ": ", &label.value] {
            text.push(part);
        }
    }
}

/// Alerts with state, summary and details, one after the other as far as they
/// fit, then how many do not.
pub fn push_alerts(text: &mut Limited, alerts: &[Alert]) {
    let room = text.left().saturating_sub(REST_UNITS);
    for (at, alert) in alerts.iter().enumerate() {
        let mut one = Limited::new(share(room, alerts.len()), text.markup());
        one.push("\n\n");
        push_state(&mut one, alert);
        push_details(&mut one, alert);
        if one.used() + REST_UNITS > text.left() {
            return text.push(&format!("\n\nand {} more alerts", alerts.len() - at));
        }
        text.append(one);
    }
}

/// The room for each of so many alerts, when all of them get the same.
#[must_use]
pub fn share(room: usize, alerts: usize) -> usize {
    (room / alerts.max(1)).max(ALERT_UNITS_MIN)
}

/// Labels and annotations by name, of so many UTF-16 units in all at most. What
/// does not fit is cut or left out; a label goes before an annotation.
#[must_use]
pub fn details(alert: &Alert, units_max: usize) -> BTreeMap<String, String> {
    let mut details = BTreeMap::new();
    let mut left = units_max;
    for Label { name, value } in alert.labels.iter().chain(&alert.annotations) {
        let name = limited(name, left);
        let name_units = name.encode_utf16().count();
        if name_units >= left {
            break;
        }
        let value = limited(value, left - name_units);
        left -= name_units + value.encode_utf16().count();
        details.entry(name).or_insert(value);
    }
    details
}

/// The labels but for the name.
fn labels(alert: &Alert) -> impl Iterator<Item = &Label> {
    alert.labels.iter().filter(|label| label.name != "alertname")
}
