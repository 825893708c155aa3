//! Components of every version of the contract that is served, from sources that are never changed.

use std::path::{Path, PathBuf};

use wasmalert_core::evaluation::State;
use wasmalert_core::limits::Limits;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::fixture::*;

#[test]
fn components_of_older_versions_still_run() {
    let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/contract");
    let folders = std::fs::read_dir(versions).unwrap();
    let folders: Vec<PathBuf> = folders.map(|folder| folder.unwrap().path()).collect();
    assert!(!folders.is_empty());
    for folder in folders {
        let mut resolve = Resolve::new();
        let (package, _) = resolve.push_path(folder.join("wit")).unwrap();
        let world = resolve.packages[package].worlds["rule"];
        let mut wasm = wat::parse_file(folder.join("rule.wat")).unwrap();
        embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8).unwrap();
        let journal = journal(&[(up(), Ok(frame()))], State::new());
        let evaluation = load(&sandbox(), &wasm).evaluate(&context(), &journal, &Limits::default());
        assert_eq!(evaluation.asked, [up()], "{}", folder.display());
        let (outcome, effects) = done(evaluation);
        assert_eq!(outcome.findings.len(), 1);
        assert_eq!(outcome.findings[0].given.get("job"), Some("b"));
        assert_eq!(effects.log[0].message, "hello");
    }
}
