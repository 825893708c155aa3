//! The boundaries between the crates, held as absences.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::workspace_root;

/// What pure crates may never depend on.
const IO: [&str; 9] = [
    "tokio",
    "sqlx",
    "wasmtime",
    "axum",
    "reqwest",
    "hyper",
    "tracing",
    "rustix",
    "getrandom",
];

/// Crates that decide and compute, and leave IO to the server.
const PURE: [&str; 4] = ["core", "ingest", "promql", "tsdb"];

#[test]
fn pure_crates_have_no_io() {
    for pure in PURE {
        let manifest = read(&workspace_root().join(format!("host/{pure}/Cargo.toml")));
        let names = manifest
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next());
        for name in names {
            assert!(!IO.contains(&name), "host/{pure} depends on {name}");
        }
        for file in sources(&format!("host/{pure}/src")) {
            if file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs") {
                continue;
            }
            let text = read(&file);
            for ambient in [
                "SystemTime",
                "Instant::now",
                "std::env",
                "std::fs",
                "std::net",
                "thread::sleep",
            ] {
                assert!(!text.contains(ambient), "{} uses {ambient}", file.display());
            }
        }
    }
}

#[test]
fn each_outside_library_has_one_home() {
    only_in("wasmtime::", &["host/sandbox/"]);
    only_in("sqlx::", &["host/server/src/store"]);
    only_in("axum::", &["host/server/src/api"]);
    only_in("jsonschema::", &["host/server/src/schema"]);
    only_in("ring::aead", &["host/server/src/secrets"]);
    only_in("minisign_verify::", &["host/server/src/signing.rs"]);
    only_in("oci_spec::", &["host/server/src/oci"]);
    only_in("jsonwebtoken::", &["host/server/src/access/oidc"]);
    only_in("tokio_rustls::", &["host/server/src/api"]);
    // The one request that is sent for no tenant.
    only_in(".without_policy(", &["host/server/src/access/oidc"]);
    // A client made elsewhere would send past the tenants' policies.
    for made in [
        "Client::builder(",
        "ClientBuilder::new(",
        "reqwest::Client::new(",
        "reqwest::get(",
    ] {
        only_in(
            made,
            &["host/server/src/http_client.rs", "host/cli/src/client.rs"],
        );
    }
}

/// No source file of the host names `library` but those under `homes`.
fn only_in(library: &str, homes: &[&str]) {
    let root = workspace_root();
    for file in sources("host") {
        let path = file.strip_prefix(root).expect("it lies in the workspace");
        // Tests have servers of their own.
        let in_tests = path
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        let at_home = in_tests || homes.iter().any(|home| path.to_string_lossy().starts_with(home));
        let named = read(&file)
            .lines()
            .any(|line| !line.trim_start().starts_with("//") && line.contains(library));
        assert!(at_home || !named, "{} names {library}", path.display());
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every Rust file under a folder of the workspace.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![workspace_root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "no sources in {folder}");
    files
}
