//! C, C++ and Zig, with Zig's compiler.

use std::ffi::OsString;
use std::fs;

use super::{Made, Tell, run};
use crate::tool::{Tool, missing};
use crate::{Error, Language, Project};

/// Zig breaks between minor versions.
const VERSION: &str = "0.17.";
const INSTALL: &str = "Get Zig 0.17 from https://ziglang.org/download, or run: python3 -m venv .venv && .venv/bin/pip install ziglang==0.17.0";
/// What follows is for every C file up to the next flags. Asserts stay.
const C_FLAGS: [&str; 5] = ["-cflags", "-UNDEBUG", "-std=c11", "-Wall", "--"];
const CPP_FLAGS: [&str; 7] = [
    "-cflags",
    "-UNDEBUG",
    "-std=c++20",
    "-fno-exceptions",
    "-fno-rtti",
    "-Wall",
    "--",
];

pub(super) fn make(project: &Project, tell: Tell<'_>) -> Result<Made, Error> {
    let kind = project.kind.as_str();
    let tool = zig(project)?.args([
        "build-exe",
        "-fno-strip",
        "--stack",
        "65536",
        "-femit-bin=build/core.wasm",
        "--cache-dir",
        "build/zig",
    ]);
    let of_c = [
        "-target",
        "wasm32-wasi",
        "-mexec-model=reactor",
        "-O",
        "ReleaseSmall",
        "-Isdk/c",
    ];
    // The SDK comes before the author's files: it has `abort` without WASI, and the first one counts.
    let sdk_c = ["wasmalert", "json", kind].map(|name| format!("sdk/c/{name}.c"));
    let tool = match project.language {
        Language::Zig => tool
            .args([
                "-target",
                "wasm32-freestanding",
                "-fno-entry",
                "-O",
                "ReleaseSafe",
                "-fsingle-threaded",
                "-rdynamic",
            ])
            .args(["--dep", "wasmalert", "--dep", "component"])
            .arg(format!("-Mroot=sdk/zig/{kind}.zig"))
            .args(["-Mwasmalert=sdk/zig/wasmalert.zig", "--dep", "wasmalert"])
            .arg(format!("-Mcomponent=src/{kind}.zig")),
        Language::Cpp => tool
            .args(of_c)
            .args(["-Isdk/cpp", "-lc", "-lc++"])
            .args(C_FLAGS)
            .args(sdk_c)
            .args(CPP_FLAGS)
            .arg("sdk/cpp/wasmalert.cpp")
            .arg(format!("sdk/cpp/{kind}.cpp"))
            .args(sources(project, "cpp")?),
        _ => tool
            .args(of_c)
            .arg("-lc")
            .args(C_FLAGS)
            .args(sdk_c)
            .args(sources(project, "c")?),
    };
    Ok(Made::utf8(run(&tool, project.dir.join("build/core.wasm"), tell)?))
}

/// The author's files, sorted.
fn sources(project: &Project, extension: &str) -> Result<Vec<OsString>, Error> {
    let folder = project.dir.join("src");
    let entries = fs::read_dir(&folder).map_err(|error| Error::file(&folder, error))?;
    let mut names: Vec<OsString> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|of| of == extension))
        .filter_map(|path| {
            Some(
                std::path::Path::new("src")
                    .join(path.file_name()?)
                    .into_os_string(),
            )
        })
        .collect();
    names.sort();
    match names.is_empty() {
        true => Err(Error::file(folder, format!("has no .{extension} file"))),
        false => Ok(names),
    }
}

/// Zig itself, or the one that Python's package `ziglang` brings.
fn zig(project: &Project) -> Result<Tool, Error> {
    let itself = Tool::find(project, "zig");
    let pythons = ["python3", "python"]
        .into_iter()
        .filter_map(|name| Tool::find(project, name));
    let mut found = itself
        .into_iter()
        .chain(pythons.map(|python| python.args(["-m", "ziglang"])));
    let of_version = |zig: &Tool| {
        let version = zig.clone().arg("version").answer();
        version.is_some_and(|version| version.starts_with(VERSION))
    };
    found
        .find(of_version)
        .ok_or_else(|| missing(project, "Zig 0.17", INSTALL))
}
