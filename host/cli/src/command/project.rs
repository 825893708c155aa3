//! `new` and `build`: projects of components.

use std::path::Path;

use serde_json::json;
use wasmalert_author::language::Language;
use wasmalert_author::template::files;
use wasmalert_author::{Built, Error as AuthorError, New, Project};
use wasmalert_sandbox::World;

use super::inspect::refused;
use crate::Io;
use crate::error::Error;
use crate::output::{self, Format};
use crate::text::{clean, size};

pub(crate) const NEW_EXAMPLES: &str = "\
The folder gets a working rule or notifier with its tests, the SDK of the language, and files to
apply. Change what the component does in its source, then build and test it.

Examples:
  wasmalert new disk-full --lang rust
  wasmalert new pager --lang typescript --kind notifier
  cd disk-full && wasmalert build && wasmalert test rules_test.yml";

pub(crate) const BUILD_HELP: &str = "\
Calls the tools of the project's language and makes a component of what they leave:
  build/NAME.wasm        to upload with `wasmalert push`
  build/NAME.debug.wasm  the same with names of functions and lines, where the language gives them;
                         `wasmalert test` and `wasmalert run` take it so that a trap tells where

Tools are looked for in node_modules/.bin and .venv/bin of the project, then on the PATH.";

/// Makes a project in a folder.
pub(crate) fn new(
    dir: &Path,
    language: Language,
    kind: World,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let wanted = New {
        dir: dir.to_owned(),
        language,
        kind,
    };
    let project = wasmalert_author::new(&wanted).map_err(failed)?;
    let made = files(&project);
    if format != Format::Table {
        let files: Vec<String> = made.iter().map(|file| file.display().to_string()).collect();
        let answer =
            json!({"name": project.name, "language": language.id(), "kind": kind.as_str(), "files": files});
        output::answer(io, format, &answer, |_, _| String::new())?;
        return Ok(());
    }
    let shown = clean(&dir.display().to_string());
    writeln!(io.out, "{shown}: a {} in {}", kind.as_str(), language.title())?;
    for file in made {
        writeln!(io.out, "  {}", clean(&file.display().to_string()))?;
    }
    let test = match kind {
        World::Rule => "rules_test.yml",
        World::Notifier => "notifier_test.yml",
    };
    writeln!(io.out, "Next:")?;
    let tools = language
        .install()
        .map(|install| format!("{install} && "))
        .unwrap_or_default();
    writeln!(
        io.out,
        "  cd {shown} && {tools}wasmalert build && wasmalert test {test}"
    )?;
    Ok(())
}

/// Builds the component of a project.
pub(crate) fn build(dir: &Path, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let built = make(dir, io)?;
    let file = built.component.display().to_string();
    let inspection = &built.inspection;
    let world = inspection.world.map_or("none", |world| world.as_str());
    let answer = json!({"file": file, "world": world, "bytes": inspection.wasm_bytes,
        "minimum_memory_bytes": inspection.minimum_memory_bytes, "imports": inspection.imports,
        "warnings": inspection.warnings, "problems": inspection.problems});
    output::answer(io, format, &answer, |_, _| {
        output::fields(&[
            ("component", clean(&file)),
            ("world", world.to_owned()),
            ("size", size(inspection.wasm_bytes)),
            ("minimum memory", size(inspection.minimum_memory_bytes)),
        ])
    })?;
    for warning in &inspection.warnings {
        writeln!(io.err, "warning: {}", clean(warning))?;
    }
    super::inspect::conclude(inspection)
}

/// Builds a project, telling of each command.
pub(crate) fn make(dir: &Path, io: &mut Io<'_>) -> Result<Built, Error> {
    let project = Project::open(dir).map_err(failed)?;
    let err = &mut *io.err;
    let mut told = Ok(());
    let mut tell = |command: &str| {
        if told.is_ok() {
            told = writeln!(err, "$ {}", clean(command));
        }
    };
    let built = wasmalert_author::build(&project, &mut tell).map_err(failed)?;
    told?;
    Ok(built)
}

pub(super) fn failed(error: AuthorError) -> Error {
    match error {
        AuthorError::NotAComponent { path, error } => {
            let mut problem = refused(&error);
            problem.detail = format!("{}: {}", path.display(), problem.detail);
            Error::Problem(problem)
        }
        AuthorError::Usage(_) | AuthorError::File { .. } => Error::Usage(error.to_string()),
        _ => Error::Failed(error.to_string()),
    }
}
