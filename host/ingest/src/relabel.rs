//! Rules that change or drop series between a scrape and the store.
//!
//! A list of rules, applied in order, in JSON:
//!
//! ```json
//! [
//!   {"drop_series":  {"label": "__name__", "regex": "go_.*"}},
//!   {"keep_series":  {"label": "env", "regex": "prod|canary"}},
//!   {"label_drop":   "pod_template_hash|uid"},
//!   {"label_keep":   "job|instance|code"},
//!   {"label_rename": {"from": "kubernetes_namespace", "to": "namespace"}}
//! ]
//! ```
//!
//! Patterns are anchored at both ends, and a label that a series does not have
//! is the empty text, as in Prometheus. `label` is `__name__` if left out. Unlike
//! there, `label_drop` and `label_keep` never take the metric's name away.

#[cfg(test)]
mod tests;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use wasmalert_core::Labels;
use wasmalert_core::label::METRIC_NAME;

/// Rules of one list.
pub const RULES_MAX: usize = 100;
/// Compiled size of one pattern, in bytes.
pub const REGEX_BYTES_MAX: usize = 1 << 20;
/// Groups in each other in one pattern.
const REGEX_DEPTH_MAX: u32 = 100;

/// One rule as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Drops the series whose label matches.
    DropSeries(SeriesRule),
    /// Drops the series whose label does not match.
    KeepSeries(SeriesRule),
    /// Removes the labels whose names match.
    LabelDrop(String),
    /// Removes the labels whose names do not match.
    LabelKeep(String),
    /// Gives a label, if it is there, another name, and overwrites what has it.
    LabelRename(RenameRule),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesRule {
    #[serde(default = "metric_name")]
    pub label: String,
    pub regex: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenameRule {
    pub from: String,
    pub to: String,
}

fn metric_name() -> String {
    METRIC_NAME.to_owned()
}

/// A list of rules that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelabelError {
    #[error("{found} relabelling rules, at most {RULES_MAX} are allowed")]
    TooMany { found: usize },
    #[error("relabelling rule {rule}: {problem}")]
    Rule {
        /// From 1.
        rule: usize,
        problem: String,
    },
}

/// Rules ready to be applied.
#[derive(Debug, Clone, Default)]
pub struct Relabel(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Series {
        label: Box<str>,
        regex: Regex,
        keep: bool,
    },
    Labels {
        regex: Regex,
        keep: bool,
    },
    Rename(RenameRule),
}

impl Relabel {
    /// Checks and compiles a list of rules.
    ///
    /// # Errors
    /// The first rule that is wrong, or too many of them.
    pub fn new(rules: &[Rule]) -> Result<Self, RelabelError> {
        if rules.len() > RULES_MAX {
            return Err(RelabelError::TooMany { found: rules.len() });
        }
        let steps = rules.iter().zip(1..).map(|(rule, number)| {
            Step::new(rule).map_err(|problem| RelabelError::Rule {
                rule: number,
                problem,
            })
        });
        Ok(Self(steps.collect::<Result<_, _>>()?))
    }

    /// Applies the rules; `None` if they drop the series.
    #[must_use]
    pub fn apply(&self, labels: Labels) -> Option<Labels> {
        self.0.iter().try_fold(labels, |labels, step| step.apply(labels))
    }
}

impl Step {
    fn new(rule: &Rule) -> Result<Self, String> {
        let series = |rule: &SeriesRule, keep| {
            let (label, regex) = (rule.label.as_str().into(), anchored(&rule.regex)?);
            Ok(Self::Series { label, regex, keep })
        };
        match rule {
            Rule::DropSeries(rule) => series(rule, false),
            Rule::KeepSeries(rule) => series(rule, true),
            Rule::LabelDrop(regex) => Ok(Self::Labels {
                regex: anchored(regex)?,
                keep: false,
            }),
            Rule::LabelKeep(regex) => Ok(Self::Labels {
                regex: anchored(regex)?,
                keep: true,
            }),
            Rule::LabelRename(rename) if rename.from.is_empty() || rename.to.is_empty() => {
                Err("`from` and `to` of label_rename may not be empty".to_owned())
            }
            Rule::LabelRename(rename) if rename.from == METRIC_NAME => Err(format!(
                "`{METRIC_NAME}` may not be renamed: every series needs it"
            )),
            Rule::LabelRename(rename) => Ok(Self::Rename(rename.clone())),
        }
    }

    fn apply(&self, mut labels: Labels) -> Option<Labels> {
        match self {
            Self::Series { label, regex, keep } => {
                let matches = regex.is_match(labels.get(label).unwrap_or_default());
                (matches == *keep).then_some(labels)
            }
            Self::Labels { regex, keep } => {
                let stays = |name: &str| name == METRIC_NAME || regex.is_match(name) == *keep;
                Some(labels.iter().filter(|(name, _)| stays(name)).collect())
            }
            Self::Rename(rename) => {
                if let Some(value) = labels.get(&rename.from).map(str::to_owned) {
                    labels.set(&rename.from, "");
                    labels.set(&rename.to, &value);
                }
                Some(labels)
            }
        }
    }
}

fn anchored(pattern: &str) -> Result<Regex, String> {
    let build = |pattern: &str| {
        RegexBuilder::new(pattern)
            .size_limit(REGEX_BYTES_MAX)
            .nest_limit(REGEX_DEPTH_MAX)
            .dot_matches_new_line(true)
            .build()
            .map_err(|error| error.to_string())
    };
    // By itself first: `a)(b` must not become valid by the anchors around it.
    build(pattern)?;
    build(&format!("^(?:{pattern})$"))
}
