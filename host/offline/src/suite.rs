//! Test files: what they say, and the rule files that belong to them.
//!
//! The format is that of `promtool test rules`, with more kinds of checks.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::alert::NotifyReason;
use wasmalert_core::id::{GroupKey, TenantId};
use wasmalert_core::spec::External;
use wasmalert_promql::Query;
use wasmalert_promql::notation::Described;
use wasmalert_sandbox::{HttpResponse, NotifyBatch, World};

use crate::glob;
use wasmalert_rulefile::problem::{Problem, ReadError, read_text};
use wasmalert_rulefile::rules::{self, Group, RuleFile};
use wasmalert_rulefile::yaml::{self, Kind};

/// A test file with its rule files.
#[derive(Debug)]
pub struct Suite {
    pub(crate) file: Arc<str>,
    /// In the order of evaluation.
    pub(crate) groups: Vec<Group>,
    /// Components of the rule files and of the test file, by name.
    pub(crate) modules: BTreeMap<String, PathBuf>,
    pub(crate) every: Every,
    pub(crate) fuzzy: bool,
    pub(crate) tests: Vec<Test>,
}

/// When groups are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Every {
    /// All together, whatever their intervals, as promtool does it.
    Ms(i64),
    /// Each at its own interval.
    Group,
}

/// The key that a group has in every test.
pub(crate) fn key_of(group: &Group) -> GroupKey {
    GroupKey {
        tenant: TenantId::new(TenantId::DEFAULT).expect("the default tenant's name is a name"),
        namespace: group.namespace.as_str().into(),
        group: group.name.as_str().into(),
    }
}

/// One item of `tests`.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) line: u64,
    /// Time 0 of the test.
    pub(crate) start_ms: i64,
    /// Between two samples of the input series.
    pub(crate) interval_ms: i64,
    /// Known to templates.
    pub(crate) external: External,
    pub(crate) inputs: Vec<Described>,
    pub(crate) checks: Vec<Check>,
    /// Told one after the other.
    pub(crate) deliveries: Vec<Delivery>,
}

/// Alerts for a notifier, and what it is to make of them.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) line: u64,
    pub(crate) module: String,
    pub(crate) batch: NotifyBatch,
    /// None accepts any answer but an error.
    pub(crate) requests: Option<Vec<ExpectedRequest>>,
    /// A part of the error that it is to fail with.
    pub(crate) error: Option<String>,
    pub(crate) responses: Vec<ExpectedDisposition>,
}

#[derive(Debug)]
pub(crate) struct ExpectedRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    /// Those that matter, by name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<ExpectedBody>,
}

#[derive(Debug)]
pub(crate) enum ExpectedBody {
    Text(String),
    Json(serde_json::Value),
}

/// An answer to a request, and what the notifier is to say that it means.
#[derive(Debug)]
pub(crate) struct ExpectedDisposition {
    pub(crate) line: u64,
    pub(crate) request: u32,
    pub(crate) response: HttpResponse,
    /// `delivered`, `retry` or `failed`.
    pub(crate) kind: String,
    /// None accepts any.
    pub(crate) retry_after_ms: Option<i64>,
    /// None accepts any.
    pub(crate) reason: Option<String>,
}

/// What is to be so at a time.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) line: u64,
    /// After time 0.
    pub(crate) at_ms: i64,
    pub(crate) expected: Expected,
}

#[derive(Debug)]
pub(crate) enum Expected {
    /// The firing alerts of that name.
    Alerts {
        alertname: String,
        alerts: Vec<(Labels, BTreeMap<String, String>)>,
    },
    Samples {
        expr: String,
        query: Query,
        samples: Vec<(Labels, f64)>,
    },
    /// Everything that a rule keeps.
    State {
        rule: RuleRef,
        state: BTreeMap<String, Vec<u8>>,
    },
    Timers {
        rule: RuleRef,
        timers: Vec<ExpectedTimer>,
    },
    /// What the last evaluations told receivers.
    Notifications {
        alertname: String,
        notifications: Vec<(NotifyReason, Labels)>,
    },
}

#[derive(Debug)]
pub(crate) struct ExpectedTimer {
    pub(crate) name: String,
    /// After time 0.
    pub(crate) due_ms: i64,
    /// None accepts any.
    pub(crate) payload: Option<Vec<u8>>,
}

/// A rule of the suite: the places of its group and of itself in that.
#[derive(Debug, Clone)]
pub(crate) struct RuleRef {
    pub(crate) name: String,
    pub(crate) group: usize,
    pub(crate) rule: usize,
}

/// Why a suite cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// Every problem of the test file and of its rule files.
    #[error("{} problems", .0.len())]
    Problems(Vec<Problem>),
}

impl Suite {
    /// Reads and checks a test file and its rule files.
    ///
    /// # Errors
    /// The test file or a rule file cannot be read, or one has problems.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let text = read_text(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let file = path.display().to_string();
        let (header, mut problems) = parse::header(&file, folder, &text);
        let (files, wrong) = read_rules(&header.rule_files)?;
        problems.extend(wrong);
        let (suite, wrong) = parse::suite(header, files);
        problems.extend(wrong);
        if problems.is_empty() {
            return Ok(suite);
        }
        // Files in the order they were found, each from its top.
        let mut order: Vec<Arc<str>> = Vec::new();
        for problem in &problems {
            if !order.contains(&problem.file) {
                order.push(problem.file.clone());
            }
        }
        problems.sort_by_key(|problem| {
            let file = order.iter().position(|file| *file == problem.file);
            (file, problem.line)
        });
        Err(LoadError::Problems(problems))
    }

    /// The file's name as it was given.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The tests' names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().map(|test| &*test.name)
    }

    /// The modules that its rules and tests use, each once, and what they are to be.
    #[must_use]
    pub(crate) fn wanted_modules(&self) -> Vec<(&str, World)> {
        let rules = self.groups.iter().flat_map(|group| &group.spec.rules);
        let rules = rules.map(|rule| (&*rule.module, World::Rule));
        let deliveries = self.tests.iter().flat_map(|test| &test.deliveries);
        let notifiers = deliveries.map(|delivery| (&*delivery.module, World::Notifier));
        let mut names: Vec<(&str, World)> = rules.chain(notifiers).collect();
        names.sort_unstable_by_key(|(name, world)| (*name, world.as_str()));
        names.dedup();
        names
    }
}

/// Whether a file is a test file, by its first document's fields.
#[must_use]
pub fn is_suite(text: &str) -> bool {
    let documents = yaml::parse(text).unwrap_or_default();
    documents.first().is_some_and(|node| match &node.kind {
        Kind::Map(entries) => entries
            .iter()
            .any(|(key, _)| key.name == "tests" || key.name == "rule_files"),
        _ => false,
    })
}

fn read_rules(paths: &[PathBuf]) -> Result<(Vec<RuleFile>, Vec<Problem>), ReadError> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        let text = read_text(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let (file, wrong) = rules::read(&path.display().to_string(), folder, &text);
        files.push(file);
        problems.extend(wrong);
    }
    Ok((files, problems))
}

/// The files of a pattern, each once even if an earlier pattern has it.
fn add_matches(folder: &Path, pattern: &str, files: &mut Vec<PathBuf>) -> bool {
    let found = glob::matches(folder, pattern);
    let any = !found.is_empty();
    for path in found {
        if !files.contains(&path) {
            files.push(path);
        }
    }
    any
}
