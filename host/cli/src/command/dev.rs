//! `dev`: builds, tests and previews a project whenever one of its files changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use wasmalert_author::Project;
use wasmalert_core::units::format_duration_ms;
use wasmalert_rulefile::{read_text, rules};
use wasmalert_sandbox::World;

use super::{project, run, test};
use crate::Io;
use crate::args::{Dev, Run};
use crate::error::Error;
use crate::output::Format;
use crate::text::clean;

pub(crate) const HELP: &str = "\
Each change of a file builds the project, runs its tests (*_test.yml), and with --source evaluates the
rules that name it in its rule files (the other *.yml) as of now: what would fire, what was asked and
logged, and what it cost. Ends with Ctrl-C.

Examples:
  wasmalert dev
  wasmalert dev disk-full --source http://127.0.0.1:9090";

/// Between two looks at the files.
const LOOK: Duration = Duration::from_millis(300);
/// Files that are looked at.
const FILES_MAX: usize = 10_000;
/// Folders that tools write to.
const LEFT_OUT: [&str; 7] = [
    "build",
    "target",
    "node_modules",
    ".venv",
    ".git",
    ".zig-cache",
    "__pycache__",
];

/// When each file was last changed, and how long it is.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

pub(crate) fn dev(dev: &Dev, io: &mut Io<'_>) -> Result<(), Error> {
    let mut project = Project::open(&dev.dir).map_err(project::failed)?;
    loop {
        let seen = look(&dev.dir);
        let result = round(&project, dev, io);
        if dev.once {
            return result;
        }
        if let Err(error) = result {
            writeln!(io.err, "{}", error.report())?;
        }
        writeln!(
            io.err,
            "watching {}; Ctrl-C ends",
            clean(&dev.dir.display().to_string())
        )?;
        while look(&dev.dir) == seen {
            thread::sleep(LOOK);
        }
        writeln!(io.err)?;
        project = Project::open(&dev.dir).unwrap_or(project);
    }
}

/// Builds, tests, and evaluates.
fn round(project: &Project, dev: &Dev, io: &mut Io<'_>) -> Result<(), Error> {
    project::build(&dev.dir, Format::Table, io)?;
    let (tests, others): (Vec<PathBuf>, Vec<PathBuf>) =
        documents(&dev.dir).into_iter().partition(|path| is_test(path));
    if !tests.is_empty() {
        test::test(&tests, None, Format::Table, io)?;
    }
    if dev.sources.is_empty() || project.kind == World::Notifier {
        return Ok(());
    }
    for path in others {
        preview(project, &path, dev, io)?;
    }
    Ok(())
}

/// Evaluates the rules of a file that are the project's.
fn preview(project: &Project, path: &Path, dev: &Dev, io: &mut Io<'_>) -> Result<(), Error> {
    let text = read_text(path).map_err(|error| Error::Usage(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let (file, problems) = rules::read(&path.display().to_string(), folder, &text);
    if !problems.is_empty() {
        return Err(Error::Files(
            problems
                .iter()
                .map(|problem| clean(&problem.to_string()))
                .collect(),
        ));
    }
    for group in &file.groups {
        for rule in group.spec.rules.iter().filter(|rule| rule.module == project.name) {
            let wanted = Run {
                file: project.component(),
                sources: dev.sources.clone(),
                headers: dev.headers.clone(),
                config: rule.config.to_string(),
                at: None,
                interval: format_duration_ms(group.spec.interval_ms),
                labels: rule.labels.clone().into_iter().collect(),
            };
            writeln!(
                io.out,
                "\n{} of {}, now:",
                clean(&rule.name),
                clean(&path.display().to_string())
            )?;
            // What failed is in what is printed; the next rule may do better.
            run::run(&wanted, Format::Table, io).or_else(|error| match error {
                Error::Failed(_) => Ok(()),
                other => Err(other),
            })?;
        }
    }
    Ok(())
}

fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().ends_with("_test")
}

/// The YAML files of a folder, sorted.
fn documents(dir: &Path) -> Vec<PathBuf> {
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|of| of == "yml" || of == "yaml");
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_yaml).collect();
    paths.sort();
    paths
}

fn look(dir: &Path) -> Seen {
    let mut seen = Seen::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if LEFT_OUT.iter().any(|left_out| name == *left_out) || seen.len() >= FILES_MAX {
                continue;
            }
            // Of a link itself, so that no circle is followed.
            let Ok(metadata) = entry.metadata() else { continue };
            match metadata.is_dir() {
                true => folders.push(entry.path()),
                false => drop(seen.insert(entry.path(), (metadata.modified().ok(), metadata.len()))),
            }
        }
    }
    seen
}
