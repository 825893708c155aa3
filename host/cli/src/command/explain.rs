//! `explain`: what happened in one evaluation, and why.

mod advice;

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::Io;
use crate::client::Client;
use crate::error::Error;
use crate::output::{self, Format};
use crate::text::{bytes, clean, count, digest, fields, labels, number, plain, seconds};

/// Series shown of a query, and samples of a series.
const SERIES_MAX: usize = 5;
const SAMPLES_MAX: usize = 3;
/// Lines of any other list.
const LINES_MAX: usize = 50;
/// Characters shown of a state value.
const STATE_CHARS_MAX: usize = 80;

pub(crate) async fn explain(client: &Client, id: &str, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let evaluation = client.get(&["evaluations", id], &[]).await?;
    Ok(output::answer(io, format, &evaluation, |evaluation, _| {
        report(evaluation)
    })?)
}

fn report(evaluation: &Value) -> String {
    head(evaluation) + "\n" + &body(evaluation)
}

/// What was read, answered and done.
pub(super) fn body(evaluation: &Value) -> String {
    let mut report = String::new();
    let effects = &evaluation["effects"];
    let sections = [
        ("Error", failure(&evaluation["error"])),
        ("Asked", queries(&evaluation["inputs"]["queries"])),
        ("State before", state(&evaluation["inputs"]["state"])),
        ("Timers before", lines(&evaluation["inputs"]["timers"], timer)),
        ("Found", lines(&evaluation["outcome"]["findings"], finding)),
        ("Recorded", lines(&evaluation["outcome"]["samples"], sample)),
        ("Logged", lines(&effects["log"], log_line)),
        ("State written", state(&effects["state"])),
        ("Timers changed", timer_changes(&effects["timers"])),
        (
            "Metrics",
            lines(&effects["metrics"], |metric| clean(&metric.to_string())),
        ),
        ("Alerts changed", lines(&evaluation["transitions"], transition)),
        ("Notifications", lines(&evaluation["notifications"], notification)),
        ("Cost", cost(evaluation)),
    ];
    for (title, text) in sections {
        if !text.is_empty() {
            let gap = if report.is_empty() { "" } else { "\n" };
            let _ = write!(report, "{gap}{title}\n{text}");
        }
    }
    report
}

fn head(evaluation: &Value) -> String {
    let rule = [
        &evaluation["namespace"],
        &evaluation["group"],
        &evaluation["rule"],
    ]
    .map(plain)
    .join("/");
    let module = format!(
        "{} version {} ({})",
        plain(&evaluation["module"]),
        plain(&evaluation["version"]),
        digest(&evaluation["digest"])
    );
    let trigger = &evaluation["trigger"];
    let trigger = match &trigger["timer"] {
        Value::Null if trigger.is_object() => plain(&trigger["kind"]),
        Value::Null => plain(trigger),
        name => format!(
            "{} {}, due {}",
            plain(&trigger["kind"]),
            plain(name),
            plain(&trigger["due_at"])
        ),
    };
    output::fields(&[
        ("evaluation", plain(&evaluation["id"])),
        ("rule", rule),
        ("module", module),
        ("slot", plain(&evaluation["slot_at"])),
        ("trigger", trigger),
        ("status", plain(&evaluation["status"])),
    ])
}

fn failure(error: &Value) -> String {
    if error.is_null() {
        return String::new();
    }
    let code = plain(&error["code"]);
    let mut text = format!("  {code}: {}\n", plain(&error["message"]));
    text += "  Alerts, state and timers stayed as they were.\n";
    let _ = writeln!(text, "  What to do: {}", advice::advice(&code));
    text
}

fn queries(queries: &Value) -> String {
    lines(queries, |query| {
        let mut text = format!(
            "{} {}: {}",
            plain(&query["source"]),
            when(query),
            plain(&query["expr"])
        );
        if !query["error"].is_null() {
            let _ = write!(text, "\n    failed: {}", coded(&query["error"]));
            return text;
        }
        let total = query["series_count"].as_u64().unwrap_or_default();
        let _ = write!(text, "\n    {} series", number(&query["series_count"]));
        let series = query["series"].as_array().map(Vec::as_slice).unwrap_or_default();
        for one in series.iter().take(SERIES_MAX) {
            let _ = write!(
                text,
                "\n    {}  {}",
                labels(&one["labels"]),
                samples(&one["samples"])
            );
        }
        let left = total.saturating_sub(series.len().min(SERIES_MAX) as u64);
        if left > 0 && total > 0 {
            let _ = write!(text, "\n    … and {left} more");
        }
        if query["truncated"] == true {
            text += " (the journal kept only a part)";
        }
        text
    })
}

fn when(query: &Value) -> String {
    match &query["at"] {
        Value::Null => format!(
            "from {} to {} every {} ms",
            plain(&query["start"]),
            plain(&query["end"]),
            plain(&query["step_ms"])
        ),
        at => format!("at {}", plain(at)),
    }
}

/// The newest samples, the last one last.
fn samples(samples: &Value) -> String {
    let samples = samples.as_array().map(Vec::as_slice).unwrap_or_default();
    let from = samples.len().saturating_sub(SAMPLES_MAX);
    let mut text = if from > 0 {
        format!("… {from} earlier, ")
    } else {
        String::new()
    };
    let shown: Vec<_> = samples[from..]
        .iter()
        .map(|sample| format!("{} @ {}", plain(&sample[1]), plain(&sample[0])))
        .collect();
    text += &shown.join(", ");
    text
}

fn state(state: &Value) -> String {
    keyed(state, |value| match value.as_str() {
        None => "removed".to_owned(),
        Some(encoded) => state_value(encoded),
    })
}

/// Text as it is, anything else by its size.
fn state_value(encoded: &str) -> String {
    let Ok(value) = STANDARD.decode(encoded) else {
        return "not base64".to_owned();
    };
    match std::str::from_utf8(&value) {
        Ok(text) if !text.chars().any(|char| char.is_control() && char != '\n') => {
            crate::table::cut(&clean(text), STATE_CHARS_MAX)
        }
        _ => format!("{} bytes", value.len()),
    }
}

fn timer(timer: &Value) -> String {
    format!("{}  due {}", plain(&timer["name"]), plain(&timer["due_at"]))
}

fn timer_changes(timers: &Value) -> String {
    keyed(timers, |due| match due {
        Value::Null => "cancelled".to_owned(),
        Value::Object(timer) => timer
            .get("due_at")
            .map_or_else(String::new, |due| format!("due {}", plain(due))),
        due => format!("due {}", plain(due)),
    })
}

fn finding(finding: &Value) -> String {
    let mut text = format!(
        "{}  value {}",
        labels(&finding["labels"]),
        plain(&finding["value"])
    );
    let annotations = finding["annotations"].as_object().into_iter().flatten();
    for (name, annotation) in annotations.take(LINES_MAX) {
        let _ = write!(text, "\n    {}: {}", clean(name), plain(annotation));
    }
    text
}

fn sample(sample: &Value) -> String {
    format!("{}  {}", labels(&sample["labels"]), plain(&sample["value"]))
}

fn log_line(line: &Value) -> String {
    let level = plain(&line["level"]).to_uppercase();
    format!(
        "{level:<5} {}{}",
        plain(&line["message"]),
        fields(&line["fields"])
    )
}

fn transition(transition: &Value) -> String {
    let [labels, from, to] = [
        labels(&transition["labels"]),
        plain(&transition["from"]),
        plain(&transition["to"]),
    ];
    format!("{labels}  {from} -> {to}: {}", plain(&transition["reason"]))
}

fn notification(notification: &Value) -> String {
    let alerts = count(&notification["alerts"]);
    format!(
        "{} to {}, {alerts} alerts",
        plain(&notification["kind"]),
        plain(&notification["receiver"])
    )
}

fn coded(error: &Value) -> String {
    match error {
        Value::Object(_) => format!("{}: {}", plain(&error["code"]), plain(&error["message"])),
        other => plain(other),
    }
}

fn cost(evaluation: &Value) -> String {
    let cost = &evaluation["cost"];
    if cost.is_null() {
        return String::new();
    }
    let text = output::fields(&[
        ("fuel", number(&cost["fuel"])),
        ("time", seconds(&cost["wall_seconds"])),
        ("runs", plain(&evaluation["rounds"])),
        ("memory", bytes(&cost["memory_bytes"])),
        ("host calls", number(&cost["host_calls"])),
        ("guest to host and back", bytes(&cost["boundary_bytes"])),
    ]);
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// The items of a list, indented; at most [`LINES_MAX`] of them.
fn lines(list: &Value, show: impl Fn(&Value) -> String) -> String {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    bounded(list.len(), list.iter().map(show))
}

/// The members of an object, indented; at most [`LINES_MAX`] of them.
fn keyed(object: &Value, show: impl Fn(&Value) -> String) -> String {
    let Value::Object(members) = object else {
        return String::new();
    };
    bounded(
        members.len(),
        members
            .iter()
            .map(|(name, value)| format!("{}  {}", clean(name), show(value))),
    )
}

fn bounded(total: usize, lines: impl Iterator<Item = String>) -> String {
    let mut text: String = lines.take(LINES_MAX).map(|line| format!("  {line}\n")).collect();
    if total > LINES_MAX {
        let _ = writeln!(text, "  … and {} more; --output json has all", total - LINES_MAX);
    }
    text
}

#[cfg(test)]
mod tests;
