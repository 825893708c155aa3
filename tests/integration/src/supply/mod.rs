//! Where modules come from: signatures, pinned bytes, provenance, registries.

mod pinning;
mod pulling;
mod registry;
mod signing;

use serde_json::{Value, json};

use crate::harness::{Api, Server};

/// An admin's key of the tenant `acme`.
async fn acme(server: &Server) -> Api {
    server.api().put("/v1/tenants/acme", &json!({})).await;
    key(server, "admin").await
}

/// A key of the tenant `acme` with that scope.
async fn key(server: &Server, scope: &str) -> Api {
    let wanted = json!({"scopes": [scope]}).to_string().into_bytes();
    let operator = server.api().for_tenant("acme");
    let made = operator.ask(reqwest::Method::POST, "/v1/keys", wanted).await;
    let made = made.expect("the server answers");
    assert_eq!(made.status, 201, "{made}");
    let text = made.json()["key"].as_str().expect("a key").to_owned();
    server.api().with_token(&text)
}

/// What the server says of a version.
async fn version(api: &Api, name: &str, version: u32) -> Value {
    let path = format!("/v1/modules/{name}/versions/{version}");
    let answer = api.get(&path).await.expect("the server answers");
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()
}
