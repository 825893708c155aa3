//! What the program carries of this repository, by path from its root.

use std::path::Path;

use crate::Error;

pub(crate) static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The files of a folder, with their paths in it, sorted.
pub(crate) fn under(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let prefix = format!("{folder}/");
    FILES.iter().filter_map(move |(path, contents)| {
        let path = path.strip_prefix(prefix.as_str())?;
        Some((path, *contents))
    })
}

/// One file.
pub(crate) fn file(path: &str) -> Option<&'static [u8]> {
    let found = FILES.iter().find(|(of, _)| *of == path);
    found.map(|(_, contents)| *contents)
}

/// Writes a file and the folders that it lies in.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    std::fs::write(path, contents).map_err(|error| Error::file(path, error))
}
