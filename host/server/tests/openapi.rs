//! The committed description of the API is that of the code.

use std::path::Path;

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for people who change the API")]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let mut current = serde_json::to_string_pretty(&wasmalert_server::openapi()).unwrap();
    current.push('\n');
    if std::env::var("UPDATE_GOLDENS").is_ok() {
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "docs/openapi.json is out of date: UPDATE_GOLDENS=1 cargo test --release --workspace --test openapi"
    );
}
