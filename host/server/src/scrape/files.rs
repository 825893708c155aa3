//! Files of targets, in the shape of Prometheus' `file_sd_config`.
//!
//! The operator names one folder in which each tenant has its own; what a scrape
//! names are files there, so no tenant reads anything else.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use wasmalert_core::TenantId;
use wasmalert_core::glob::is_match;
use wasmalert_ingest::target::{FILE_BYTES_MAX, Target, TargetGroup, parse_file};

use super::spec::Plan;

/// Patterns of one scrape.
const PATTERNS_MAX: usize = 100;
const PATTERN_BYTES_MAX: usize = 255;
/// Files of one scrape.
const FILES_MAX: usize = 1_000;
const ENDINGS: [&str; 3] = [".json", ".yml", ".yaml"];

/// What tells that a file has changed.
type Stamp = (Option<SystemTime>, u64);

/// The files that a scrape's patterns match, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing(BTreeMap<String, Stamp>);

/// The targets of a scrape's files.
#[derive(Debug, Default)]
pub(super) struct FileTargets {
    pub(super) listing: Listing,
    /// The targets of each file. One that cannot be read has those it had before.
    pub(super) of_file: BTreeMap<String, Vec<Target>>,
    /// What is wrong with files.
    pub(super) errors: Vec<String>,
}

impl FileTargets {
    /// None, and why.
    pub(super) fn failed(error: String) -> Self {
        Self {
            errors: vec![error],
            ..Self::default()
        }
    }
}

/// Checks the names of files that a scrape asks for; gives what is wrong.
pub(super) fn check(patterns: &[String], errors: &mut Vec<String>) {
    if patterns.len() > PATTERNS_MAX {
        errors.push(format!("files: more than {PATTERNS_MAX}"));
    }
    for pattern in patterns {
        let is_name = pattern.len() <= PATTERN_BYTES_MAX
            && !pattern.starts_with('.')
            && !pattern.contains(|c: char| matches!(c, '/' | '\\') || c.is_control());
        if !is_name || !ENDINGS.iter().any(|ending| pattern.ends_with(ending)) {
            errors.push(format!(
                "files: {pattern:?} is not the name of a .json, .yml or .yaml file, such as \"node*.json\", without a folder"
            ));
        }
    }
}

/// A tenant's folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn of(dir: &Path, tenant: &TenantId) -> Self {
        Self(dir.join(tenant.as_str()))
    }

    /// The files that the patterns match.
    ///
    /// # Errors
    /// The folder cannot be read, or too many files match.
    pub(super) fn list(&self, patterns: &[String]) -> Result<Listing, String> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
            Err(error) => return Err(format!("the folder of target files: {error}")),
        };
        let mut found = BTreeMap::new();
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !patterns.iter().any(|pattern| is_match(pattern, &name)) {
                continue;
            }
            // As Prometheus, links are followed: Kubernetes mounts files by them.
            let Ok(about) =
                fs::metadata(entry.path()).map(|about| (about.is_file(), about.modified().ok(), about.len()))
            else {
                continue;
            };
            let (true, modified, bytes) = about else { continue };
            found.insert(name, (modified, bytes));
            if found.len() > FILES_MAX {
                return Err(format!("more than {FILES_MAX} target files match"));
            }
        }
        Ok(Listing(found))
    }

    /// Whether the files are as they were when they were read last, as far as can be told.
    pub(super) fn is_as(&self, plan: &Plan, read: &FileTargets) -> bool {
        let now = self.list(&plan.spec.files);
        now.is_err() || now.is_ok_and(|now| now == read.listing)
    }

    /// The targets of all files; `before` are those that were read last.
    pub(super) fn targets(&self, plan: &Plan, before: &FileTargets) -> FileTargets {
        let listing = match self.list(&plan.spec.files) {
            Ok(listing) => listing,
            Err(error) => {
                return FileTargets {
                    listing: before.listing.clone(),
                    of_file: before.of_file.clone(),
                    errors: vec![error],
                };
            }
        };
        let (mut of_file, mut errors) = (BTreeMap::new(), Vec::new());
        for name in listing.0.keys() {
            match self.read(name).and_then(|groups| targets(plan, groups)) {
                Ok(targets) => drop(of_file.insert(name.clone(), targets)),
                Err(error) => {
                    errors.push(format!("{name}: {error}"));
                    let before = before.of_file.get(name).cloned();
                    of_file.insert(name.clone(), before.unwrap_or_default());
                }
            }
        }
        FileTargets {
            listing,
            of_file,
            errors,
        }
    }

    fn read(&self, name: &str) -> Result<Vec<TargetGroup>, String> {
        let file = File::open(self.0.join(name)).map_err(|error| error.to_string())?;
        let mut text = Vec::new();
        file.take(FILE_BYTES_MAX as u64 + 1)
            .read_to_end(&mut text)
            .map_err(|error| error.to_string())?;
        parse_file(&text).map_err(|error| error.to_string())
    }
}

fn targets(plan: &Plan, mut groups: Vec<TargetGroup>) -> Result<Vec<Target>, String> {
    for group in &mut groups {
        for (name, value) in &plan.spec.labels {
            group.labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    plan.rules
        .job
        .targets(&groups)
        .map_err(|errors| match &errors[..] {
            [one] => one.to_string(),
            [first, rest @ ..] => format!("{first}, and {} more", rest.len()),
            [] => "no targets".to_owned(),
        })
}
