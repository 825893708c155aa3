//! Rust, with cargo.

use std::path::Path;

use super::{Made, Tell, run};
use crate::tool::{Tool, missing};
use crate::{Error, Project};

const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's compiler and linker, which build the standard library on the way: where the usual one has not
/// the target and no rustup to fetch it.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const DEBIAN_LINKERS: [&str; 2] = ["wasm-ld-22", "wasm-ld-19"];

pub(super) fn make(project: &Project, tell: Tell<'_>) -> Result<Made, Error> {
    let args = ["build", "--release", "--target", TARGET, "--target-dir", "target"];
    let tool = match with_target(project) {
        true => Tool::need(project, "cargo", "Get rustup from https://rustup.rs")?.args(args),
        false => of_debian(project)?.args(args).arg("-Zbuild-std=std,panic_abort"),
    };
    let file = format!("target/{TARGET}/release/{}.wasm", project.name_());
    Ok(Made::utf8(run(&tool, project.dir.join(file), tell)?))
}

fn with_target(project: &Project) -> bool {
    let rustc =
        Tool::find(project, "rustc").map(|it| it.args(["--print", "target-libdir", "--target", TARGET]));
    let folder = rustc.and_then(|rustc| rustc.answer());
    folder.is_some_and(|folder| Path::new(&folder).is_dir())
}

fn of_debian(project: &Project) -> Result<Tool, Error> {
    let linker = DEBIAN_LINKERS
        .into_iter()
        .find(|name| Tool::find(project, name).is_some());
    let there = [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_LIBRARY]
        .iter()
        .all(|path| Path::new(path).exists());
    let (Some(linker), true) = (linker, there) else {
        let install = format!(
            "Run: rustup target add {TARGET}\n  Without rustup, on Debian: apt-get install rustc-web cargo-web rust-web-src lld-22"
        );
        return Err(missing(project, &format!("the Rust target {TARGET}"), &install));
    };
    Ok(Tool::need(project, DEBIAN_CARGO, "apt-get install cargo-web")?
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker))
}
