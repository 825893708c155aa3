//! What is wrong with a group, all of it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{GroupSpec, Quorum, RuleSpec};
use crate::id::{NameError, check_name, check_title};
use crate::label::METRIC_NAME;
use crate::limits::Limit;

/// The most rules of a group.
pub const RULES_MAX: usize = 10_000;

/// The longest interval: ten years.
pub const INTERVAL_MS_MAX: i64 = 10 * 365 * 86_400_000;

/// What is said of a digest that is none.
pub const DIGEST_WANTED: &str =
    "is not sha256: and 64 hexadecimal digits in lower case, as `wasmalert push` prints it";

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SpecError {
    /// Such as `rules[2].labels.severity`.
    pub path: String,
    pub message: String,
}

impl GroupSpec {
    /// Everything that is wrong with the group; nothing when it is fine.
    ///
    /// Of a group with too many rules, the first [`RULES_MAX`] are looked at.
    #[must_use]
    pub fn validate(&self) -> Vec<SpecError> {
        let mut report = Report::default();
        if !(1..=INTERVAL_MS_MAX).contains(&self.interval_ms) {
            report.add(
                "interval",
                format_args!("must be from 1ms to 10y, is {}ms", self.interval_ms),
            );
        }
        report.duration("query_offset", self.query_offset_ms);
        if i64::try_from(self.limit).is_err() {
            report.add(
                "limit",
                format_args!("must be at most {}, is {}", i64::MAX, self.limit),
            );
        }
        report.labels("labels", &self.labels);
        if self.rules.len() > RULES_MAX {
            report.add(
                "rules",
                format_args!("has {} rules; a group has at most {RULES_MAX}", self.rules.len()),
            );
        }
        for (at, rule) in self.rules.iter().take(RULES_MAX).enumerate() {
            report.rule(&format!("rules[{at}]"), rule);
        }
        report.0
    }
}

#[derive(Default)]
struct Report(Vec<SpecError>);

impl Report {
    fn add(&mut self, path: impl fmt::Display, message: impl fmt::Display) {
        self.0.push(SpecError {
            path: path.to_string(),
            message: message.to_string(),
        });
    }

    fn rule(&mut self, path: &str, rule: &RuleSpec) {
        self.name(format_args!("{path}.name"), check_title(&rule.name));
        self.name(format_args!("{path}.module"), check_name(&rule.module));
        if let Some(digest) = &rule.digest
            && !is_digest(digest)
        {
            self.add(format_args!("{path}.digest"), DIGEST_WANTED);
        }
        self.duration(format_args!("{path}.for"), rule.for_ms);
        self.duration(format_args!("{path}.keep_firing_for"), rule.keep_firing_for_ms);
        self.labels(&format!("{path}.labels"), &rule.labels);
        for name in rule.annotations.keys().filter(|name| name.is_empty()) {
            self.add(
                member(&format!("{path}.annotations"), name),
                "an annotation's name is empty",
            );
        }
        if let Some(source) = &rule.source {
            self.name(format_args!("{path}.source"), check_name(source));
        }
        self.receivers(path, &rule.receivers);
        let Quorum { at_least, of } = rule.options.quorum;
        if !(1..=Quorum::OF_MAX).contains(&of) || !(1..=of).contains(&at_least) {
            let max = Quorum::OF_MAX;
            let wanted = format_args!("{at_least} of {of} is not 1 or more of at most {max}");
            self.add(format_args!("{path}.quorum"), wanted);
        }
        if rule.limits.contains_key(&Limit::StackBytes) {
            let path = format_args!("{path}.limits.stack_bytes");
            self.add(path, "is set for the whole server, not for a rule");
        }
    }

    fn receivers(&mut self, path: &str, receivers: &[String]) {
        let mut seen = BTreeSet::new();
        for (at, receiver) in receivers.iter().enumerate() {
            self.name(format_args!("{path}.receivers[{at}]"), check_name(receiver));
            if !seen.insert(receiver) {
                let path = format_args!("{path}.receivers[{at}]");
                self.add(path, format_args!("{receiver:?} is listed twice"));
            }
        }
    }

    fn name(&mut self, path: impl fmt::Display, checked: Result<(), NameError>) {
        if let Err(error) = checked {
            self.add(path, error);
        }
    }

    fn duration(&mut self, path: impl fmt::Display, duration_ms: i64) {
        if duration_ms < 0 {
            self.add(path, format_args!("must not be negative, is {duration_ms}ms"));
        }
    }

    fn labels(&mut self, path: &str, labels: &BTreeMap<String, String>) {
        for name in labels.keys() {
            if name.is_empty() {
                self.add(member(path, name), "a label's name is empty");
            } else if name == METRIC_NAME {
                self.add(member(path, name), "is the metric's name and cannot be set");
            }
        }
    }
}

/// Whether a text is `sha256:` and 64 hexadecimal digits in lower case.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The path of a member: names that would not read well are quoted.
fn member(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_plain {
        format!("{path}.{name}")
    } else {
        format!("{path}.{name:?}")
    }
}
