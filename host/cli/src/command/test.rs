//! `test`: runs the tests of rules in simulated time.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use regex::Regex;
use serde_json::{Value, json};
use wasmalert_offline::report::junit;
use wasmalert_offline::suite::LoadError;
use wasmalert_offline::{Modules, Report, Suite};

use super::serve::STOCK;
use crate::Io;
use crate::error::Error;
use crate::output::Format;
use crate::text::{clean, json as json_text};

/// Tests that run at a time, whatever the machine.
const THREADS_MAX: usize = 64;

pub(crate) const FORMAT: &str = "\
A test file is one for `promtool test rules`: rule files, input series, and what is
expected at which time. Checks of a rule's state, timers and notifications are
added to that. Time is simulated: a year of evaluations passes in seconds.

  rule_files: [alerts.yml]
  tests:
    - name: a target that is gone
      interval: 1m
      input_series:
        - {series: 'up{instance=\"a\"}', values: 1 1 0x10}
      alert_rule_test:
        - eval_time: 10m
          alertname: Down
          exp_alerts:
            - exp_labels: {severity: page, instance: a}

Examples:
  wasmalert test alerts_test.yml
  wasmalert test tests/*.yml --run 'gone$'
  wasmalert test tests/*.yml --output junit > report.xml

Exit codes: 0 all tests passed, 1 some failed, 2 a file is wrong or cannot be read.";

pub(crate) fn test(
    files: &[PathBuf],
    run: Option<&str>,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let pattern = run.map(Regex::new).transpose();
    let pattern = pattern.map_err(|error| Error::Usage(format!("--run: {error}")))?;
    let selected = |name: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
    let mut errors = Vec::new();
    let suites = load(files, &mut errors);
    let any = suites.iter().flat_map(Suite::names).any(selected);
    if errors.is_empty() && !any {
        return Err(Error::Usage(
            "no test has a name that --run matches, or there is none".into(),
        ));
    }
    let mut reports = Vec::new();
    if any {
        let threads = std::thread::available_parallelism()
            .map_or(1, NonZeroUsize::get)
            .min(THREADS_MAX);
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let mut modules = modules(threads)?;
        for suite in &suites {
            match suite.run(&mut modules, threads, &selected) {
                Ok(report) => {
                    if format == Format::Table {
                        print(io, &report)?;
                    }
                    reports.push(report);
                }
                Err(problems) => errors.extend(problems.iter().map(ToString::to_string)),
            }
        }
    }
    match format {
        Format::Table => {}
        Format::Json => writeln!(io.out, "{}", json_text(&document(&reports)))?,
        Format::Junit => write!(io.out, "{}", junit(&reports))?,
    }
    conclude(&reports, errors, format, io)
}

fn load(files: &[PathBuf], errors: &mut Vec<String>) -> Vec<Suite> {
    let mut suites = Vec::new();
    for path in files {
        match Suite::load(path) {
            Ok(suite) => suites.push(suite),
            Err(LoadError::Unreadable(error)) => errors.push(error.to_string()),
            Err(LoadError::Problems(problems)) => {
                errors.extend(problems.iter().map(ToString::to_string));
            }
        }
    }
    // Two test files may have a wrong rule file in common.
    let mut seen = std::collections::BTreeSet::new();
    errors.retain(|error| seen.insert(error.clone()));
    suites
}

pub(super) fn modules(threads: NonZeroUsize) -> Result<Modules, Error> {
    let exe = std::env::current_exe()?;
    let instances = u32::try_from(threads.get()).unwrap_or(1);
    let stock = STOCK.iter().map(|module| (module.name, module.wasm)).collect();
    Modules::new(exe, stock, instances).map_err(|error| Error::Failed(error.to_string()))
}

fn print(io: &mut Io<'_>, report: &Report) -> std::io::Result<()> {
    let text = report.text();
    text.lines()
        .try_for_each(|line| writeln!(io.out, "{}", clean(line)))
}

fn conclude(reports: &[Report], errors: Vec<String>, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    if !errors.is_empty() {
        return Err(Error::Files(errors.iter().map(|error| clean(error)).collect()));
    }
    let tests: usize = reports.iter().map(|report| report.tests.len()).sum();
    let failed: usize = reports.iter().map(Report::failed).sum();
    let s = if tests == 1 { "" } else { "s" };
    if failed > 0 {
        return Err(Error::Failed(format!("{failed} of {tests} test{s} failed")));
    }
    if format == Format::Table {
        writeln!(io.out, "{tests} test{s} passed")?;
    }
    Ok(())
}

fn document(reports: &[Report]) -> Value {
    let files = reports.iter().map(|report| {
        let tests = report.tests.iter().map(|test| {
            let failures = test.failures.iter().map(|failure| {
                json!({"file": failure.file, "line": failure.line, "title": failure.title,
                    "details": failure.details})
            });
            json!({"name": test.name, "line": test.line, "passed": test.failures.is_empty(),
                "evaluations": test.evaluations, "failures": failures.collect::<Vec<_>>()})
        });
        json!({"file": report.file, "tests": tests.collect::<Vec<_>>()})
    });
    json!({"files": files.collect::<Vec<_>>()})
}
