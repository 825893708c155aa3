//! Runs files of the promqltest format: `load`, `clear`, `eval`, expectations.
//!
//! A case that needs native histograms or experimental syntax is skipped, with
//! its reason; every other case passes or fails.

mod expect;
mod script;

use std::collections::BTreeMap;

use wasmalert_core::Labels;
use wasmalert_promql::{Error, Limits, MemoryStorage, Options, Query, Value};

pub(crate) use script::{Case, Command, Kind, parse};

/// What became of the cases of a file.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    /// Lines of skipped cases by reason.
    pub(crate) skipped: BTreeMap<String, Vec<usize>>,
    pub(crate) failures: Vec<String>,
}

impl Report {
    pub(crate) fn skipped_count(&self) -> usize {
        self.skipped.values().map(Vec::len).sum()
    }
}

enum Verdict {
    Passed,
    Skipped(String),
}

/// Stored samples, and the series that would be native histograms.
#[derive(Default)]
struct Data {
    storage: MemoryStorage,
    native: Vec<Labels>,
}

pub(crate) fn run(text: &str) -> Report {
    let mut report = Report::default();
    let mut data = Data::default();
    for command in parse(text).unwrap() {
        match command {
            Command::Clear => data = Data::default(),
            Command::Load {
                interval_ms,
                lines,
                with_native,
            } => data.load(interval_ms, &lines, with_native),
            Command::Eval(case) => match data.check(&case) {
                Ok(Verdict::Passed) => report.passed += 1,
                Ok(Verdict::Skipped(reason)) => report.skipped.entry(reason).or_default().push(case.line),
                Err(error) => report
                    .failures
                    .push(format!("line {}: {}: {error}", case.line, case.expr)),
            },
        }
    }
    report
}

impl Data {
    fn load(&mut self, interval_ms: i64, lines: &[String], with_native: bool) {
        for line in lines {
            if line.contains("{{") {
                let (name, _) = line.split_at(line.find("{{").unwrap());
                let series = name.trim_end_matches(|c: char| c != '}' && c != ' ' && c != '\t');
                let labels = wasmalert_promql::notation::parse_series(series);
                self.native
                    .push(labels.unwrap_or_else(|error| panic!("{line}: {error}")).labels);
                continue;
            }
            let series = wasmalert_promql::notation::parse_series(line)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            for (at, value) in series.values.iter().enumerate() {
                if let Some(value) = value {
                    self.storage
                        .append(&series.labels, at as i64 * interval_ms, *value);
                }
            }
            if with_native {
                self.native.extend(native_of(&series.labels));
            }
        }
    }

    fn check(&self, case: &Case) -> Result<Verdict, String> {
        let query = match Query::parse(&case.expr, &Limits::default()) {
            Ok(query) => query,
            Err(Error::NotSupported { construct, .. }) => return Ok(Verdict::Skipped(construct)),
            Err(_) if case.fails => return Ok(Verdict::Passed),
            Err(error) => return Err(error.to_string()),
        };
        if case.expected.iter().any(|line| line.contains("{{")) || self.touches_native(&query) {
            return Ok(Verdict::Skipped("native histograms in the data".to_owned()));
        }
        let options = Options::default();
        let result = match case.kind {
            Kind::Instant { time_ms } => query.instant(&self.storage, time_ms, &options),
            Kind::Range {
                start_ms,
                end_ms,
                step_ms,
            } => query.range(&self.storage, start_ms, end_ms, step_ms, &options),
        };
        match (result, case.fails) {
            (Err(_), true) => return Ok(Verdict::Passed),
            (Ok(outcome), true) => return Err(format!("should have failed, got {:?}", outcome.value)),
            (Err(error), false) => return Err(error.to_string()),
            (Ok(outcome), false) => expect::compare(case, &outcome.value)?,
        }
        self.check_as_range(case, &query)?;
        Ok(Verdict::Passed)
    }

    /// An instant query yields what a range query yields at that step.
    fn check_as_range(&self, case: &Case, query: &Query) -> Result<(), String> {
        let Kind::Instant { time_ms } = case.kind else {
            return Ok(());
        };
        let depends_on_range = case.expr.contains("start()") || case.expr.contains("end()");
        let is_instant = matches!(
            query.kind(),
            wasmalert_promql::Type::Scalar | wasmalert_promql::Type::Vector
        );
        if depends_on_range || !is_instant {
            return Ok(());
        }
        let options = Options::default();
        let outcome = query
            .range(
                &self.storage,
                time_ms - 60_000,
                time_ms + 60_000,
                60_000,
                &options,
            )
            .map_err(|error| format!("as a range query: {error}"))?;
        let Value::Matrix(series) = outcome.value else {
            return Err("no matrix".to_owned());
        };
        expect::compare_step(case, &series, time_ms).map_err(|error| format!("as a range query: {error}"))
    }

    fn touches_native(&self, query: &Query) -> bool {
        query.selections().iter().any(|selection| {
            self.native.iter().any(|labels| {
                selection
                    .matchers
                    .iter()
                    .all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or("")))
            })
        })
    }
}

/// The native histogram that a classic bucket would be part of.
fn native_of(labels: &Labels) -> Option<Labels> {
    let name = labels.get("__name__")?;
    let base = ["_bucket", "_count", "_sum"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))?;
    let mut native = labels.clone();
    native.set("__name__", base);
    native.set("le", "");
    Some(native)
}
