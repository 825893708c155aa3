//! `wasmalert.json`: what a project is.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wasmalert_sandbox::World;
use wasmalert_sandbox::compile::debug_file_of;

use crate::{Error, Language};

/// The file that makes a folder a project.
pub const MANIFEST: &str = "wasmalert.json";
/// The longest name of a project, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Names that are packages, keywords or values to some language or to YAML, or files of the build.
const RESERVED: [&str; 20] = [
    "alloc",
    "core",
    "errors",
    "false",
    "json",
    "log",
    "net",
    "no",
    "null",
    "on",
    "proc-macro",
    "self",
    "serde",
    "std",
    "sync",
    "test",
    "time",
    "true",
    "wasmalert",
    "yes",
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    language: String,
    kind: String,
}

/// A folder with a component's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub dir: PathBuf,
    pub name: String,
    pub language: Language,
    /// What the component is for.
    pub kind: World,
}

impl Project {
    /// Reads the project of a folder.
    ///
    /// # Errors
    /// It is none, or its manifest is wrong.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(MANIFEST);
        let text = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Usage(format!(
                "{} has no {MANIFEST}: give the folder of a project, or make one with `wasmalert new`",
                dir.display()
            )),
            _ => Error::file(&path, error),
        })?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| Error::file(&path, error))?;
        check_name(&manifest.name).map_err(|reason| Error::file(&path, reason))?;
        let language = Language::parse(&manifest.language).ok_or_else(|| {
            let known = Language::ALL.map(Language::id).join(", ");
            Error::file(
                &path,
                format!("there is no language {:?}; known are {known}", manifest.language),
            )
        })?;
        let kind = World::parse(&manifest.kind).ok_or_else(|| {
            let known = World::ALL.map(World::as_str).join(", ");
            Error::file(
                &path,
                format!("there is no kind {:?}; known are {known}", manifest.kind),
            )
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            name: manifest.name,
            language,
            kind,
        })
    }

    pub(crate) fn manifest(&self) -> Vec<u8> {
        let manifest = Manifest {
            name: self.name.clone(),
            language: self.language.id().to_owned(),
            kind: self.kind.as_str().to_owned(),
        };
        let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// The name as languages have it in which `-` is no letter.
    #[must_use]
    pub fn name_(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Where the component is left.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.dir.join("build").join(format!("{}.wasm", self.name))
    }

    /// The component with the names of its functions and the lines of its source, where the language gives
    /// them. What runs is the same.
    #[must_use]
    pub fn debug_component(&self) -> PathBuf {
        debug_file_of(&self.component())
    }
}

/// Whether a project may have a name: it becomes that of packages, files and the module.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let bytes = name.as_bytes();
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let good = bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(letter)
        && bytes.len() <= NAME_BYTES_MAX
        && !name.ends_with('-')
        && !name.contains("--");
    if RESERVED.contains(&name) {
        return Err(format!(
            "{name:?} means something else to the tools of some language: take another name"
        ));
    }
    match good {
        true => Ok(()),
        false => Err(format!(
            "{name:?} cannot be the name of a project: it needs a letter a-z first, then letters a-z, digits and single -, \
             at most {NAME_BYTES_MAX}, such as disk-full"
        )),
    }
}
