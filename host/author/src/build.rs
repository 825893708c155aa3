//! From a project to a component.
//!
//! The language's own tools make a core module or a component. A core module is given its world where it
//! carries none, and is made a component twice: as it is, for traps that tell functions and lines, and
//! without what only helps to read it, to be uploaded.

mod assemblyscript;
mod go;
mod javascript;
mod python;
mod rust;
mod zig;

use std::fs;
use std::path::{Path, PathBuf};

use wasmalert_sandbox::compile::{TextEncoding, carries_world, debug_of, embed_world, is_component, strip};
use wasmalert_sandbox::{CompileError, Inspection, componentize, inspect};

use crate::project::MANIFEST;
use crate::tool::Tool;
use crate::{Error, Language, Project, embedded};

/// A component that was built.
#[derive(Debug)]
pub struct Built {
    pub component: PathBuf,
    pub inspection: Inspection,
}

/// What a language's tools have made.
struct Made {
    file: PathBuf,
    /// Of a core module that carries no world.
    texts: TextEncoding,
}

impl Made {
    fn utf8(file: PathBuf) -> Self {
        Self {
            file,
            texts: TextEncoding::Utf8,
        }
    }
}

/// What is told while a project is built: each command, as one would type it.
pub type Tell<'a> = &'a mut dyn FnMut(&str);

/// Builds the component of a project, with the tools of its language.
///
/// # Errors
/// A tool is missing or fails, or what it makes is no component of the contract.
pub fn build(project: &Project, tell: Tell<'_>) -> Result<Built, Error> {
    // Nothing of the contract of another version stays.
    let wit = project.dir.join("build/wit");
    if wit.is_dir() {
        fs::remove_dir_all(&wit).map_err(|error| Error::file(&wit, error))?;
    }
    for (path, text) in embedded::under("wit") {
        embedded::write(&wit.join(path), text)?;
    }
    let made = match project.language {
        Language::Rust => rust::make(project, tell),
        Language::TypeScript | Language::JavaScript => javascript::make(project, tell),
        Language::Python => python::make(project, tell),
        Language::Go => go::make(project, tell),
        Language::C | Language::Cpp | Language::Zig => zig::make(project, tell),
        Language::AssemblyScript => assemblyscript::make(project, tell),
    }?;
    finish(project, &made)
}

fn finish(project: &Project, made: &Made) -> Result<Built, Error> {
    let refused = |error: CompileError| Error::NotAComponent {
        path: made.file.clone(),
        error,
    };
    let made_of = fs::read(&made.file).map_err(|error| Error::file(&made.file, error))?;
    let (component, debug) = (project.component(), project.debug_component());
    let uploaded = if is_component(&made_of) {
        remove(&debug)?;
        made_of
    } else {
        let core = match carries_world(&made_of) {
            true => made_of,
            false => embed_world(&made_of, project.kind, made.texts).map_err(refused)?,
        };
        // What gets the stub of WASI is made a component by the host, which alone may put it in.
        let stays = inspect(&core).map_err(refused)?.wasi_stub;
        let encode = |core: Vec<u8>| match stays {
            true => Ok(core),
            false => componentize(&core),
        };
        let stripped = strip(&core).and_then(encode).map_err(refused)?;
        let readable = encode(core).map_err(refused)?;
        write(&component, &stripped)?;
        write(&debug, &debug_of(&readable, &stripped))?;
        stripped
    };
    let inspection = inspect(&uploaded).map_err(refused)?;
    let (wanted, made_world) = (project.kind, inspection.world);
    if made_world.is_some_and(|world| world != wanted) {
        let made_world = made_world.map_or("none", |world| world.as_str());
        let reason = format!(
            "the project is a {}, and what was built is a {made_world}",
            wanted.as_str()
        );
        return Err(Error::file(project.dir.join(MANIFEST), reason));
    }
    Ok(Built {
        component,
        inspection,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|error| Error::file(path, error))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(path, error)),
        _ => Ok(()),
    }
}

/// A tool that is installed into the project itself.
fn own(project: &Project, name: &str) -> Result<Tool, Error> {
    let install = project.language.install().unwrap_or_default();
    Tool::need(project, name, &format!("Run: {install}"))
}

/// Runs a command, having told of it, and gives the file that it is to leave: never that of another time.
fn run(tool: &Tool, leaves: PathBuf, tell: Tell<'_>) -> Result<PathBuf, Error> {
    remove(&leaves)?;
    tell(&tool.to_string());
    tool.run()?;
    match leaves.is_file() {
        true => Ok(leaves),
        false => Err(Error::NothingBuilt {
            command: tool.to_string(),
            path: leaves,
        }),
    }
}
