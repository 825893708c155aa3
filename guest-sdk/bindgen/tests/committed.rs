//! The committed bindings are those of the contract.

use std::fs;
use std::path::Path;

#[test]
fn the_committed_bindings_are_current() {
    let sdks = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_update = std::env::var_os("UPDATE_GOLDENS").is_some_and(|value| value == "1");
    let mut stale = Vec::new();
    for (name, text) in wasmalert_bindgen::bindings(&sdks.join("../wit")).unwrap() {
        let path = sdks.join(&name);
        if is_update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "out of date: {stale:?}; UPDATE_GOLDENS=1 cargo test --release -p wasmalert-bindgen writes them"
    );
}
