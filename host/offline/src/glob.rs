//! The files that a pattern matches, as `rule_files` has them.

#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};

use wasmalert_core::glob::is_match;

/// The most files that one pattern may match.
pub(crate) const MATCHES_MAX: usize = 10_000;

/// The files that a pattern matches, sorted; relative ones start from `folder`.
/// Folders that cannot be read hold none.
pub(crate) fn matches(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    let joined = folder.join(pattern);
    for part in joined.components() {
        let Component::Normal(name) = part else {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        };
        found = match name.to_str().filter(|name| name.contains(['*', '?', '['])) {
            None => found.into_iter().map(|path| path.join(name)).collect(),
            Some(pattern) => found
                .iter()
                .flat_map(|path| within(path, pattern))
                .take(MATCHES_MAX)
                .collect(),
        };
    }
    found.retain(|path| path.is_file());
    found.sort();
    found
}

fn within(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = here.read_dir() else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter(|name| is_match(pattern, name))
        .map(|name| folder.join(name))
        .collect()
}
