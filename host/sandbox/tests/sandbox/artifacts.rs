//! The store of artifacts loads what it has written and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use wasmalert_sandbox::Artifacts;

use crate::fixture::*;

fn files(scratch: &Scratch, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

#[test]
fn what_is_put_is_found_again_also_by_another_process() {
    let (sandbox, scratch) = (sandbox(), Scratch::new());
    let artifacts = Artifacts::open(scratch.path()).unwrap();
    assert!(artifacts.get(&sandbox, "a").unwrap().is_none());
    artifacts
        .put(&sandbox, "a", &compile(&rule("", "")).unwrap().artifact)
        .unwrap();
    let artifacts = Artifacts::open(scratch.path()).unwrap();
    assert!(artifacts.get(&sandbox, "b").unwrap().is_none());
    let file = artifacts.get(&sandbox, "a").unwrap().unwrap();
    artifacts.remove(&sandbox, "a").unwrap();
    assert!(artifacts.get(&sandbox, "a").unwrap().is_none());
    sandbox
        .load(file)
        .expect("what was opened can be loaded although it was removed");
}

#[test]
fn a_changed_artifact_is_not_loaded_and_removed() {
    let (sandbox, scratch) = (sandbox(), Scratch::new());
    let artifacts = Artifacts::open(scratch.path()).unwrap();
    artifacts
        .put(&sandbox, "a", &compile(&rule("", "")).unwrap().artifact)
        .unwrap();
    let path = files(&scratch, "cwasm").remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(artifacts.get(&sandbox, "a").unwrap().is_none());
    assert!(files(&scratch, "cwasm").is_empty() && files(&scratch, "mac").is_empty());
}

#[test]
fn an_artifact_without_its_mac_or_under_another_name_is_not_loaded() {
    let (sandbox, scratch) = (sandbox(), Scratch::new());
    let artifacts = Artifacts::open(scratch.path()).unwrap();
    artifacts.put(&sandbox, "a", b"one").unwrap();
    fs::remove_file(files(&scratch, "mac").remove(0)).unwrap();
    assert!(artifacts.get(&sandbox, "a").unwrap().is_none());
    artifacts.put(&sandbox, "a", b"one").unwrap();
    let (cwasm, mac) = (
        files(&scratch, "cwasm").remove(0),
        files(&scratch, "mac").remove(0),
    );
    artifacts.put(&sandbox, "b", b"two").unwrap();
    let other = files(&scratch, "cwasm")
        .into_iter()
        .find(|path| *path != cwasm)
        .unwrap();
    fs::copy(&cwasm, &other).unwrap();
    fs::copy(&mac, other.with_extension("mac")).unwrap();
    assert!(artifacts.get(&sandbox, "b").unwrap().is_none());
    assert!(artifacts.get(&sandbox, "a").unwrap().is_some());
}

#[test]
fn directory_and_key_are_private() {
    let scratch = Scratch::new();
    Artifacts::open(scratch.path()).unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.path().to_owned()), 0o700);
    assert_eq!(mode(scratch.path().join("key")), 0o600);
    fs::write(scratch.path().join("key"), b"short").unwrap();
    assert!(
        Artifacts::open(scratch.path())
            .err()
            .unwrap()
            .to_string()
            .contains("is damaged")
    );
}
