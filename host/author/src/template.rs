//! A new project, from the templates of its language.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::{MANIFEST, check_name};
use wasmalert_sandbox::World;

use crate::{Error, Language, Project, embedded};

/// Stands for the project's name in templates, in contents and in the names of files.
const NAME: &str = "{{name}}";
/// The same with `_` for `-`.
const NAME_: &str = "{{name_}}";
/// The crates of this repository that a project in Rust has a copy of.
const RUST_CRATES: &str = r#"members = ["guest-sdk/rust", "host/core"]"#;

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// The folder, whose name is the project's.
    pub dir: PathBuf,
    pub language: Language,
    pub kind: World,
}

/// Makes a project in a folder that is not there or empty.
///
/// # Errors
/// The name is not one, the folder is in use, or a file cannot be written.
pub fn new(new: &New) -> Result<Project, Error> {
    let name = new.dir.file_name().unwrap_or_default().to_string_lossy();
    check_name(&name).map_err(Error::Usage)?;
    let mut there = match fs::read_dir(&new.dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(&new.dir).map_err(|error| Error::file(&new.dir, error))?;
            fs::read_dir(&new.dir).map_err(|error| Error::file(&new.dir, error))?
        }
        Err(error) => return Err(Error::file(&new.dir, error)),
    };
    if there.next().is_some() {
        return Err(Error::file(
            &new.dir,
            "is not empty: name a folder that is not there yet",
        ));
    }
    let project = Project {
        dir: new.dir.clone(),
        name: name.into_owned(),
        language: new.language,
        kind: new.kind,
    };
    embedded::write(&project.dir.join(MANIFEST), &project.manifest())?;
    copy_sdk(&project)?;
    for language in ["template", &format!("{}/template", new.language.id())] {
        let folder = format!("guest-sdk/{language}/{}", new.kind.as_str());
        for (path, contents) in embedded::under(&folder) {
            let path = project.dir.join(fill(path, &project));
            match std::str::from_utf8(contents) {
                Ok(text) => embedded::write(&path, fill(text, &project).as_bytes())?,
                Err(_) => embedded::write(&path, contents)?,
            }
        }
    }
    Ok(project)
}

/// The names of what [`new`] has made, without the SDK's files, sorted.
#[must_use]
pub fn files(project: &Project) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&project.dir, Path::new(""), &mut files);
    files.sort();
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
        let path = folder.join(entry.file_name());
        match entry.path().is_dir() {
            true if path == Path::new("sdk") => files.push(path),
            true => collect(root, &path, files),
            false => files.push(path),
        }
    }
}

fn fill(text: &str, project: &Project) -> String {
    text.replace(NAME, &project.name).replace(NAME_, &project.name_())
}

/// Puts the SDK into the project: that of this program, whatever was there.
fn copy_sdk(project: &Project) -> Result<(), Error> {
    for (from, to) in project.language.sdk() {
        let files = embedded::under(from).filter(|(path, _)| !path.starts_with("template/"));
        for (path, contents) in files {
            embedded::write(&project.dir.join(to).join(path), contents)?;
        }
    }
    if project.language == Language::Rust {
        // The SDK and what it needs are packages of a workspace, as in this repository.
        let root = embedded::file("Cargo.toml").unwrap_or_default();
        let root = String::from_utf8_lossy(root);
        let (before, rest) = root.split_once("members = [").unwrap_or((&root, "]"));
        let (_, after) = rest.split_once(']').unwrap_or(("", ""));
        let text = format!("{before}{RUST_CRATES}{after}");
        embedded::write(&project.dir.join("sdk/Cargo.toml"), text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
