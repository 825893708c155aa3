//! The worker's side: limits itself, checks one job after the other, answers each.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::process::ExitCode;

use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value;
use wasmalert_sandbox::limit_process;

use super::{Answer, CPU_SECONDS_MAX, JOBS_BYTES_MAX, Job, MEMORY_BYTES_MAX, MISMATCHES_MAX, Mismatch};

/// A pointer, and what is said of a mismatch; the rest is cut off.
const TEXT_CHARS_MAX: usize = 300;
/// One compiled pattern of a schema.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Checks the jobs that come in on standard input, a line each, and answers each
/// with a line on standard output: what the hidden subcommand
/// [`super::WORKER_COMMAND`] runs.
#[must_use]
pub fn schema_worker() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE, // whoever started it is gone, or is not the server
    }
}

fn work() -> io::Result<()> {
    limit_process(MEMORY_BYTES_MAX, CPU_SECONDS_MAX)?;
    let jobs = io::stdin().lock().take(JOBS_BYTES_MAX as u64);
    for line in jobs.lines() {
        let job: Job = serde_json::from_str(&line?)?;
        let mut answer = serde_json::to_vec(&answer(&job))?;
        answer.push(b'\n');
        let mut output = io::stdout().lock();
        output.write_all(&answer)?;
        // What was answered stays answered when the next job ends the process.
        output.flush()?;
    }
    Ok(())
}

fn answer(job: &Job) -> Answer {
    let validator = match compile(&job.schema) {
        Ok(validator) => validator,
        Err(why) => return Answer::BadSchema(cut(&why)),
    };
    let mut mismatches = Vec::new();
    for (at, config) in job.configs.iter().enumerate() {
        let left = MISMATCHES_MAX - mismatches.len();
        mismatches.extend(check(&validator, at, config).into_iter().take(left));
    }
    Answer::Mismatches(mismatches)
}

/// Nothing outside of the schema is looked at, and patterns are of the kind that
/// matches in linear time.
fn compile(schema: &str) -> Result<Validator, String> {
    let schema: Value = serde_json::from_str(schema).map_err(|error| format!("it is not JSON: {error}"))?;
    jsonschema::options()
        .with_retriever(Nowhere)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
        .build(&schema)
        .map_err(|error| format!("at {}: {error}", pointer(&error)))
}

struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{uri} lies outside of the schema and is not fetched; copy it into $defs").into())
    }
}

fn check(validator: &Validator, at: usize, config: &str) -> Vec<Mismatch> {
    let mismatch = |pointer: &str, expected: &str| Mismatch {
        config: at,
        pointer: cut(pointer),
        expected: cut(expected),
    };
    let config: Value = match serde_json::from_str(config) {
        Ok(config) => config,
        Err(error) => return vec![mismatch("", &format!("it is not JSON: {error}"))],
    };
    let errors = validator.iter_errors(&config).take(MISMATCHES_MAX);
    errors
        .map(|error| mismatch(error.instance_path().as_str(), &said(&error)))
        .collect()
}

/// What is wrong, with the value where it is short.
fn said(error: &ValidationError<'_>) -> String {
    if error.instance().is_object() || error.instance().is_array() {
        error.masked_with("it").to_string()
    } else {
        error.to_string()
    }
}

fn pointer(error: &ValidationError<'_>) -> String {
    match error.instance_path().as_str() {
        "" => "its root".to_owned(),
        path => path.to_owned(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
