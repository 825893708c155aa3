//! The own tests of the SDKs that are not in Rust, with their languages' tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{path, root, tools};
use crate::copy;

/// A copy of an SDK, so that nothing is left in the repository.
fn sdk(language: &str) -> PathBuf {
    let dir = root().join("target/conformance/sdks").join(language);
    let _ = fs::remove_dir_all(&dir);
    copy(&root().join("guest-sdk").join(language), &dir);
    let modules = tools().join("node_modules");
    std::os::unix::fs::symlink(modules, dir.join("node_modules")).unwrap();
    dir
}

/// What a command says that succeeds.
fn run(dir: &Path, command: &[&str]) -> String {
    let output = Command::new(command[0])
        .args(&command[1..])
        .current_dir(dir)
        .env("PATH", path())
        .env("PYTHONPATH", "src")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        output.status.success(),
        "{} in {}:\n{said}",
        command.join(" "),
        dir.display()
    );
    said
}

#[test]
fn javascript() {
    let dir = sdk("javascript");
    run(&dir, &["node_modules/.bin/tsc", "-p", "tests"]);
    let said = run(&dir, &["npm", "test"]);
    assert!(said.contains("skipped 0") && !said.contains("pass 0"), "{said}");
}

#[test]
fn python() {
    let dir = sdk("python");
    let said = run(
        &dir,
        &["python3", "-m", "unittest", "discover", "-s", "tests", "-t", "."],
    );
    assert!(said.contains("Ran ") && !said.contains("Ran 0 "), "{said}");
}

#[test]
fn go() {
    let dir = sdk("go");
    run(&dir, &["go", "vet", "./..."]);
    let said = run(&dir, &["go", "test", "./..."]);
    assert!(said.contains("wasmalert.dev/sdk/tests"), "{said}");
}

#[test]
fn assemblyscript() {
    let said = run(&sdk("assemblyscript"), &["node", "tests/run.mjs"]);
    assert!(said.contains("ok    stub: "), "{said}");
}
