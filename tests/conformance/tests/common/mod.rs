//! What is there for every language.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Of the repository.
pub(crate) fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

/// The command `wasmalert`, built beside these tests.
pub(crate) fn program() -> PathBuf {
    let wasmalert = Path::new(env!("CARGO_BIN_EXE_conformance")).with_file_name("wasmalert");
    assert!(
        wasmalert.is_file(),
        "{} is not built: run `make guests`",
        wasmalert.display()
    );
    wasmalert
}

/// Where the set-up has installed the languages' tools.
pub(crate) fn tools() -> PathBuf {
    let tools = root().join("target/tools/languages");
    assert!(
        tools.join("pins").is_file(),
        "the languages' tools are missing: run `make setup`"
    );
    tools
}

/// The tools from PyPI before others.
pub(crate) fn path() -> OsString {
    let mut folders = vec![tools().join("venv/bin")];
    folders.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    std::env::join_paths(folders).unwrap()
}
