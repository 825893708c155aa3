//! Which files are read, and their texts.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use wasmalert_offline::suite::is_suite;

use super::FILE_BYTES_MAX;

/// How deep folders are followed.
const DEPTH_MAX: usize = 16;
/// The most files that one call reads.
const FILES_MAX: usize = 10_000;

/// The content of one file.
pub(super) struct Text {
    /// For people.
    pub(super) name: String,
    /// What paths in it start from.
    pub(super) folder: PathBuf,
    pub(super) content: String,
}

/// The texts of all files, those of a folder sorted and from all folders below, but for tests of rules.
pub(super) fn read(paths: &[PathBuf], stdin: &mut dyn Read, errors: &mut Vec<String>) -> Vec<Text> {
    let mut texts = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            texts.extend(text("<stdin>".into(), PathBuf::from("."), stdin, errors));
            continue;
        }
        if path.is_dir() {
            let all = within(path, errors).into_iter();
            let all = all.filter_map(|file| open(&file, errors));
            texts.extend(all.filter(|text| !is_suite(&text.content)));
        } else if is_document(path) {
            texts.extend(open(path, errors));
        } else {
            errors.push(format!(
                "{}: expected a .yaml, .yml or .json file, or a folder",
                path.display()
            ));
        }
    }
    texts
}

/// The files of a folder that may hold documents, sorted and with those of all folders below.
pub(crate) fn within(folder: &Path, errors: &mut Vec<String>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(folder, DEPTH_MAX, &mut files, errors);
    files
}

fn open(path: &Path, errors: &mut Vec<String>) -> Option<Text> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    match fs::File::open(path) {
        Ok(mut file) => text(path.display().to_string(), folder, &mut file, errors),
        Err(error) => {
            errors.push(format!("{}: {error}", path.display()));
            None
        }
    }
}

fn text(name: String, folder: PathBuf, from: &mut dyn Read, errors: &mut Vec<String>) -> Option<Text> {
    let mut bytes = Vec::new();
    let wrong = match from.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes) {
        Err(error) => error.to_string(),
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => format!("larger than {FILE_BYTES_MAX} bytes"),
        Ok(_) => match String::from_utf8(bytes) {
            Ok(content) => {
                return Some(Text {
                    name,
                    folder,
                    content,
                });
            }
            Err(_) => "is not UTF-8".into(),
        },
    };
    errors.push(format!("{name}: {wrong}"));
    None
}

fn is_document(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

/// Adds the documents of a folder in the order of their names; hidden ones are
/// left out.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>, errors: &mut Vec<String>) {
    let listed = fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
    });
    let mut paths = match listed {
        Ok(paths) => paths,
        Err(error) => return errors.push(format!("{}: {error}", folder.display())),
    };
    paths.sort();
    let is_hidden = |path: &Path| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    for path in paths.into_iter().filter(|path| !is_hidden(path)) {
        if path.is_dir() {
            match depth.checked_sub(1) {
                Some(depth) => collect(&path, depth, files, errors),
                None => errors.push(format!("{}: folders deeper than {DEPTH_MAX}", path.display())),
            }
        } else if is_document(&path) && files.len() < FILES_MAX {
            files.push(path);
        } else if is_document(&path) {
            errors.push(format!("{}: more than {FILES_MAX} files", path.display()));
        }
    }
}
