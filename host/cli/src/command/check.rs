//! `check`: what is wrong with files, without running anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wasmalert_offline::Suite;
use wasmalert_offline::suite::{LoadError, is_suite};
use wasmalert_rulefile::{read_text, rules};

use crate::Io;
use crate::document::files::within;
use crate::error::Error;
use crate::text::clean;

pub(crate) const FORMAT: &str = "\
Rule files of Prometheus, documents of `wasmalert apply` and test files are told
apart by what is in them; a file that ends in .toml holds settings of the server.
Every error of every file is shown, with its line.

Examples:
  wasmalert check alerts/
  wasmalert check wasmalert.toml

Exit codes: 0 all files are fine, 2 a file is wrong or cannot be read.";

pub(crate) fn check(files: &[PathBuf], io: &mut Io<'_>) -> Result<(), Error> {
    let mut errors = Vec::new();
    for path in files {
        let all = match path.is_dir() {
            true => within(path, &mut errors),
            false => vec![path.clone()],
        };
        for path in all {
            match file(&path) {
                Ok(what) => writeln!(io.out, "{}: {what}", clean(&path.display().to_string()))?,
                Err(wrong) => errors.extend(wrong.iter().map(|error| clean(error))),
            }
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Error::Files(errors)),
    }
}

/// What a file holds.
fn file(path: &Path) -> Result<String, Vec<String>> {
    let text = read_text(path).map_err(|error| vec![error.to_string()])?;
    if path.extension().is_some_and(|extension| extension == "toml") {
        return settings(path, &text);
    }
    if is_suite(&text) {
        return match Suite::load(path) {
            Ok(suite) => Ok(count(suite.names().count(), "test")),
            Err(LoadError::Unreadable(error)) => Err(vec![error.to_string()]),
            Err(LoadError::Problems(problems)) => Err(problems.iter().map(ToString::to_string).collect()),
        };
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let (read, problems) = rules::read(&path.display().to_string(), folder, &text);
    if !problems.is_empty() {
        return Err(problems.iter().map(ToString::to_string).collect());
    }
    let rules = read.groups.iter().map(|group| group.spec.rules.len()).sum();
    Ok(format!(
        "{}, {}",
        count(read.groups.len(), "group"),
        count(rules, "rule")
    ))
}

fn count(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

fn settings(path: &Path, text: &str) -> Result<String, Vec<String>> {
    let loaded = wasmalert_server::config::load(Some(path), &|_| None, &BTreeMap::new());
    let wrong = match loaded {
        Ok(_) => return Ok("settings".to_owned()),
        Err(errors) => errors.0,
    };
    let place = path.display().to_string();
    let mut errors: Vec<(usize, String)> = wrong.iter().map(|error| placed(error, &place, text)).collect();
    errors.sort();
    let errors = errors.into_iter();
    Err(errors
        .map(|(line, error)| format!("{place}:{line}: {error}"))
        .collect())
}

/// The line that an error of the settings is about, and the error without its place.
fn placed(error: &str, place: &str, text: &str) -> (usize, String) {
    let prefix = format!("{place}: ");
    let error = error.strip_prefix(&prefix).unwrap_or(error);
    // The parser tells line, excerpt and reason, each on lines of their own.
    if let Some(rest) = error.strip_prefix("TOML parse error at line ") {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let reason = error.lines().last().unwrap_or(error);
        return (digits.parse().unwrap_or(1), reason.to_owned());
    }
    let name = match error.split_once('`') {
        Some(("" | "no setting is called ", rest)) => rest.split('`').next(),
        _ => error.split(':').next(),
    };
    let is_of_name = |line: &str| {
        let key = line.split(['=', ']']).next().unwrap_or(line);
        name.is_some_and(|name| key.trim().trim_matches(['"', '\'', '[']) == name)
    };
    let line = text.lines().position(is_of_name).map_or(1, |at| at + 1);
    (line, error.to_owned())
}
