//! Embeds what a new project starts from: the SDKs with their templates, the contract, and what the Rust
//! SDK's fake host is made of.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Seen from this package.
const ROOT: &str = "../..";
/// What is embedded, seen from the root.
const EMBEDDED: [&str; 5] = [
    "Cargo.toml",
    "guest-sdk",
    "host/core/Cargo.toml",
    "host/core/src",
    "wit",
];
/// What no project needs.
const LEFT_OUT: [&str; 10] = [
    "bindgen",
    "build",
    "dist",
    "examples",
    "node_modules",
    "package-lock.json",
    "target",
    "tests",
    "tests.rs",
    "__pycache__",
];

/// What begins with a dot and belongs to a template nevertheless.
const KEPT: [&str; 2] = [".cargo", ".gitignore"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?).join(ROOT);
    let root = fs::canonicalize(root)?;
    let mut files = Vec::new();
    for path in EMBEDDED {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
        collect(&root.join(path), &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        let (name, file) = (name.display().to_string(), file.display().to_string());
        let _ = writeln!(table, "    ({name:?}, include_bytes!({file:?})),");
    }
    table += "]\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("files.rs"), table)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') && !KEPT.contains(&name.as_ref());
    if hidden || LEFT_OUT.contains(&name.as_ref()) {
        return Ok(());
    }
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
