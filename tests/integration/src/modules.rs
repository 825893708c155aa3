//! Modules and their versions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Server, component, guest};

const STOCK: [(&str, &str); 17] = [
    ("alertmanager", "notifier"),
    ("anomaly", "rule"),
    ("burn-rate", "rule"),
    ("composite", "rule"),
    ("deadman", "rule"),
    ("discord", "notifier"),
    ("email", "notifier"),
    ("flatline", "rule"),
    ("forecast", "rule"),
    ("hysteresis", "rule"),
    ("opsgenie", "notifier"),
    ("pagerduty", "notifier"),
    ("prometheus", "rule"),
    ("slack", "notifier"),
    ("teams", "notifier"),
    ("telegram", "notifier"),
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

const WITHOUT_STOCK: &[(&str, &str)] = &[("WASMALERT_STOCK_COMPONENTS", "false")];

/// Every version's digest, the newest first; empty where there is no such module.
async fn digests(server: &Server, name: &str) -> Vec<String> {
    let answer = server.api().get(&format!("/v1/modules/{name}")).await;
    let versions = answer.expect("the server answers").json()["versions"].clone();
    let digests = versions.as_array().map(|versions| {
        let digest = |version: &Value| version["digest"].as_str().unwrap_or_default().to_owned();
        versions.iter().map(digest).collect()
    });
    digests.unwrap_or_default()
}

#[tokio::test]
async fn a_start_brings_the_stock_modules_that_are_missing_and_no_others() {
    let mut server = Server::start_with(WITHOUT_STOCK).await;
    assert!(
        server
            .api()
            .modules()
            .await
            .is_ok_and(|modules| modules.is_empty())
    );
    let own = server.api().push("slack", component("webhook")).await.digest;
    server.restart_with(&[]).await;
    assert_eq!(
        server.api().modules().await.map(|modules| modules.len()),
        Ok(STOCK.len())
    );
    assert_eq!(
        digests(&server, "slack").await,
        [own],
        "the tenant's own stays alone"
    );

    let stock = digests(&server, "webhook").await;
    let own = server.api().push("webhook", guest("evaluate")).await.digest;
    let delete = server.api().delete("/v1/modules/deadman").await;
    assert_eq!(delete.expect("the server answers").status, 204);
    server.restart().await;
    assert_eq!(
        digests(&server, "webhook").await,
        [own.clone(), stock[0].clone()],
        "the own one stays in front"
    );
    let delete = server.api().delete("/v1/modules/webhook/versions/1").await;
    assert_eq!(delete.expect("the server answers").status, 204);
    server.restart().await;
    assert_eq!(
        digests(&server, "webhook").await,
        [own],
        "what was deleted does not come back"
    );
    assert_eq!(digests(&server, "deadman").await, Vec::<String>::new());
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
