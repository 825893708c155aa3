//! Modules and their versions.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::{Server, component, guest};

const STOCK: [(&str, &str); 6] = [
    ("alertmanager", "notifier"),
    ("deadman", "rule"),
    ("hysteresis", "rule"),
    ("prometheus", "rule"),
    ("slack", "notifier"),
    ("webhook", "notifier"),
];

#[tokio::test]
async fn a_fresh_store_has_the_stock_components() {
    let server = Server::start().await;
    let modules = server.api().modules().await.unwrap_or_else(|e| panic!("{e}"));
    let worlds: BTreeMap<_, _> = modules
        .iter()
        .map(|m| (m.name.as_str(), m.world.as_str()))
        .collect();
    assert_eq!(worlds, BTreeMap::from(STOCK));
}

#[tokio::test]
async fn the_same_bytes_are_the_same_version() {
    let server = Server::start().await;
    let api = server.api();
    let first = api.push("mine", guest("evaluate")).await;
    let again = api.push("mine", guest("evaluate")).await;
    assert_eq!((first.version, again.version), (1, 1));
    assert_eq!(first.digest, again.digest);
    assert!(first.digest.starts_with("sha256:"), "{first:?}");
    let other = api.push("mine", component("deadman")).await;
    assert_eq!(other.version, 2);
    assert_ne!(other.digest, first.digest);
    let wasm = api
        .get("/v1/modules/mine/versions/2/wasm")
        .await
        .expect("the server answers");
    assert_eq!(wasm.status, 200, "{wasm}");
    assert!(wasm.body == component("deadman"), "other bytes came back");
}

#[tokio::test]
async fn a_module_in_use_cannot_be_deleted() {
    let server = Server::start().await;
    let api = server.api();
    api.push("mine", guest("evaluate")).await;
    server
        .group(
            "user",
            json!([{"alert": "A", "module": "mine", "config": {"do": "ok"}}]),
        )
        .await;
    let answer = api.delete("/v1/modules/mine").await.expect("the server answers");
    assert_eq!(answer.problem(409), "in_use");
    assert!(answer.text().contains("user"), "it names who uses it: {answer}");
    api.delete("/v1/groups/test/user")
        .await
        .and_then(|a| a.ok())
        .unwrap_or_else(|e| panic!("{e}"));
    api.delete("/v1/modules/mine")
        .await
        .and_then(|a| a.ok())
        .unwrap_or_else(|e| panic!("{e}"));
    let gone = api.get("/v1/modules/mine").await.expect("the server answers");
    assert_eq!(gone.problem(404), "not_found");
}
