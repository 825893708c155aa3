//! Pages: the alerts of a webhook, each as a line for people.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// What is read of Alertmanager's webhook payload, version 4.
#[derive(Debug, Deserialize)]
pub struct Webhook {
    pub alerts: Vec<Alert>,
}

/// An alert that fires or has resolved. Shown as severity, state, name, time
/// (UTC), summary, and the other labels.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// `firing` or `resolved`.
    status: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    /// RFC 3339.
    starts_at: String,
    /// RFC 3339; of no meaning while the alert fires.
    ends_at: String,
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = |name| shown(self.labels.get(name).map_or("-", String::as_str));
        let since = time(&self.starts_at);
        let when = match self.status.as_str() {
            "firing" => format!("since {since}"),
            _ => format!("{since} to {}", time(&self.ends_at)),
        };
        let summary = self.annotations.get("summary").map_or("", String::as_str);
        write!(
            f,
            "{:<8} {:<8} {:<16} {when:<20}  {}",
            label("severity"),
            shown(&self.status),
            label("alertname"),
            shown(summary),
        )?;
        for (name, value) in &self.labels {
            if !["severity", "alertname"].contains(&name.as_str()) {
                write!(f, "  {}={}", shown(name), shown(value))?;
            }
        }
        Ok(())
    }
}

/// The time of day of an RFC 3339 time.
fn time(text: &str) -> String {
    shown(text.get(11..19).unwrap_or(text))
}

/// Nothing that is sent may command the terminal.
fn shown(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
