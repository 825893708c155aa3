//! What the label `severity` means.

use wasmalert::Alert;

/// How bad an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Critical,
    Error,
    Warning,
    Info,
}

impl Severity {
    /// What the label `severity` says, in any letter case; none where it is absent
    /// or another word.
    #[must_use]
    pub fn of(alert: &Alert) -> Option<Self> {
        match &*alert.label("severity").to_ascii_lowercase() {
            "critical" | "crit" | "page" | "fatal" | "emergency" => Some(Self::Critical),
            "error" | "err" | "major" | "high" => Some(Self::Error),
            "warning" | "warn" | "minor" | "medium" => Some(Self::Warning),
            "info" | "information" | "notice" | "low" | "none" => Some(Self::Info),
            _ => None,
        }
    }
}

/// What colour to tell of alerts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// All is well again.
    Good,
    /// What fires is a warning at most.
    Mild,
    Bad,
}

impl Tone {
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        match Severity::of(alert) {
            _ if !alert.is_firing() => Self::Good,
            Some(Severity::Warning | Severity::Info) => Self::Mild,
            _ => Self::Bad,
        }
    }

    /// The worst of these alerts'.
    #[must_use]
    pub fn of_all(alerts: &[Alert]) -> Self {
        alerts.iter().map(Self::of).max().unwrap_or(Self::Good)
    }
}
