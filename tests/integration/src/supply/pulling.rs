//! Modules out of registries.

use reqwest::Method;
use serde_json::{Value, json};

use super::registry::{DockerRegistry, MANIFEST, Registry, Reply, WASM, blob_path, digest, manifest};
use super::signing::{Minisign, policy, trust};
use super::{acme, version};
use crate::harness::{Answer, Api, Server, guest};

/// Pulls as `mine`, over http.
async fn pull(api: &Api, reference: &str, more: Value) -> Answer {
    let mut wanted = json!({"reference": reference, "plain_http": true});
    if let (Value::Object(wanted), Value::Object(more)) = (&mut wanted, more) {
        wanted.extend(more);
    }
    let body = wanted.to_string().into_bytes();
    let answer = api.ask(Method::POST, "/v1/modules/mine/pull", body).await;
    answer.unwrap_or_else(|e| panic!("{e}"))
}

#[tokio::test]
async fn a_module_comes_by_tag_or_by_digest() {
    let wasm = guest("evaluate");
    let (registry, manifest) = Registry::with_module(&wasm);
    let server = Server::start().await;
    let api = server.api();
    let tagged = format!("{}/rules/mine:1", registry.host());
    let answer = pull(api, &tagged, json!({})).await;
    assert_eq!(answer.status, 201, "{answer}");
    let shown = version(api, "mine", 1).await;
    assert_eq!(shown["digest"], digest(&wasm));
    let source = json!({"kind": "oci", "reference": tagged, "digest": manifest});
    assert_eq!(shown["provenance"]["source"], source);
    assert_eq!(shown["provenance"]["uploaded_by"], "operator");
    let pinned = format!("{}/rules/mine@{manifest}", registry.host());
    let again = pull(api, &pinned, json!({})).await;
    assert_eq!(
        (again.status, again.json()["version"].clone()),
        (200, json!(1)),
        "{again}"
    );
    let beside = pull(api, &tagged, json!({"digest": manifest})).await;
    assert_eq!(beside.status, 200, "{beside}");
    let bytes = api.get("/v1/modules/mine/versions/1/wasm").await;
    assert!(bytes.expect("the server answers").body == wasm);
    let text = server.cli(&[
        "pull",
        &tagged,
        "--plain-http",
        "--digest",
        &manifest,
        "--name",
        "theirs",
    ]);
    assert!(text.contains("theirs"), "{text}");
    let shown = server.cli(&["get", "module", "theirs", "--version", "1"]);
    assert!(shown.contains(&tagged) && shown.contains(&manifest), "{shown}");
}

#[tokio::test]
async fn a_module_comes_from_the_registry_of_debian() {
    let wasm = guest("evaluate");
    let registry = DockerRegistry::start().await;
    let manifest = registry.push("rules/mine", "1", &wasm).await;
    let server = Server::start().await;
    let tagged = format!("{}/rules/mine:1", registry.host());
    let answer = pull(server.api(), &tagged, json!({})).await;
    assert_eq!(answer.status, 201, "{answer}");
    assert_eq!(answer.json()["digest"], digest(&wasm));
    assert_eq!(answer.json()["provenance"]["source"]["digest"], manifest);
    let pinned = format!("{}/rules/mine@{manifest}", registry.host());
    assert_eq!(pull(server.api(), &pinned, json!({})).await.status, 200);
    let none = pull(
        server.api(),
        &format!("{}/rules/mine:2", registry.host()),
        json!({}),
    )
    .await;
    assert_eq!(none.problem(422), "reference_not_found");
}

#[tokio::test]
async fn what_a_registry_says_is_not_believed() {
    let wasm = guest("evaluate");
    let (registry, good) = Registry::with_module(&wasm);
    let server = Server::start().await;
    let api = server.api();
    let tagged = format!("{}/rules/mine:1", registry.host());
    let refused = async |status: u16| pull(api, &tagged, json!({})).await.problem(status);

    let other = manifest(&[(WASM, b"other")]);
    registry.put(
        &format!("/v2/rules/mine/manifests/{good}"),
        Reply::Bytes(MANIFEST, other),
    );
    let pinned = pull(api, &tagged, json!({"digest": good})).await;
    assert_eq!(
        pinned.problem(422),
        "digest_mismatch",
        "another manifest than was asked for"
    );

    let mut changed = wasm.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    let bytes = |bytes: &[u8]| Reply::Bytes("application/octet-stream", bytes.to_vec());
    registry.put(&blob_path(&wasm), bytes(&changed));
    assert_eq!(refused(422).await, "digest_mismatch", "other bytes");
    registry.put(&blob_path(&wasm), bytes(&wasm[..wasm.len() - 1]));
    assert_eq!(refused(422).await, "digest_mismatch", "too few bytes");
    registry.put(&blob_path(&wasm), bytes(&[&wasm[..], b"more"].concat()));
    assert_eq!(
        refused(413).await,
        "too_large",
        "more bytes than the manifest says"
    );
    registry.put(&blob_path(&wasm), Reply::Endless("application/octet-stream"));
    assert_eq!(refused(413).await, "too_large", "bytes without end");

    registry.put("/v2/rules/mine/manifests/1", Reply::Endless(MANIFEST));
    assert_eq!(refused(413).await, "too_large", "a manifest without end");
    registry.module(
        "application/vnd.oci.image.index.v1+json",
        manifest(&[(WASM, &wasm)]),
    );
    assert_eq!(refused(422).await, "manifest_invalid", "an index");
    let layer = "application/vnd.oci.image.layer.v1.tar+gzip";
    registry.module(MANIFEST, manifest(&[(layer, &wasm)]));
    assert_eq!(
        refused(422).await,
        "manifest_invalid",
        "a layer of another media type"
    );
    registry.module(MANIFEST, b"hello".to_vec());
    assert_eq!(refused(422).await, "manifest_invalid", "no manifest");
    let none = api.get("/v1/modules/mine").await.expect("the server answers");
    assert_eq!(none.problem(404), "not_found", "nothing is kept");
    // What comes is WebAssembly, but no module of ours.
    let empty = b"\0asm\x01\0\0\0";
    registry.module(MANIFEST, manifest(&[(WASM, empty)]));
    registry.put(&blob_path(empty), bytes(empty));
    assert_eq!(refused(422).await, "no_component_type");
}

#[tokio::test]
async fn a_signature_comes_along_where_one_is_required() {
    let wasm = guest("evaluate");
    let (registry, _) = Registry::with_module(&wasm);
    let server = Server::start().await;
    let minisign = Minisign::new();
    trust(server.api(), &minisign).await;
    policy(server.api(), "require").await;
    let tagged = format!("{}/rules/mine:1", registry.host());
    let missing = pull(server.api(), &tagged, json!({})).await;
    assert_eq!(missing.problem(422), "signature_missing");
    let signature = minisign.sign(&wasm, &[]);
    let taken = pull(server.api(), &tagged, json!({"signature": signature})).await;
    assert_eq!(taken.status, 201, "{taken}");
    assert_eq!(taken.json()["trust"], "signed");
}

/// A secret `registry` that may go to these hosts.
async fn secret(api: &Api, hosts: &[String]) {
    let secret = json!({"value": "pa55word", "hosts": hosts});
    api.put("/v1/secrets/registry", &secret).await;
}

/// `ci:pa55word`
const BASIC: &str = "Basic Y2k6cGE1NXdvcmQ=";

fn credentials() -> Value {
    json!({"basic_auth": {"username": "ci", "password": "{{secret:registry}}"}})
}

#[tokio::test]
async fn a_token_is_got_where_the_secret_may_go_and_goes_to_the_registry_alone() {
    let wasm = guest("evaluate");
    let (registry, _) = Registry::with_module(&wasm);
    let (tokens, storage) = (Registry::start(), Registry::start());
    let challenge = format!("Bearer realm=\"{}/token\",service=\"ours\"", tokens.url());
    registry.guard(&challenge, "Bearer t0ken");
    tokens.put(
        "/token",
        Reply::Bytes("application/json", br#"{"token": "t0ken"}"#.to_vec()),
    );
    registry.put(
        &blob_path(&wasm),
        Reply::Redirect(format!("{}/bytes?signed=yes", storage.url())),
    );
    storage.put("/bytes", Reply::Bytes("application/octet-stream", wasm.clone()));
    let server = Server::start().await;
    let api = server.api();
    let tagged = format!("{}/rules/mine:1", registry.host());

    secret(api, &[registry.host()]).await;
    let unbound = pull(api, &tagged, credentials()).await;
    assert_eq!(unbound.problem(422), "secret_unusable");
    assert!(
        unbound.text().contains(&tokens.host()),
        "it says where to: {unbound}"
    );
    assert!(tokens.asked().is_empty(), "{:?}", tokens.asked());

    secret(api, &[registry.host(), tokens.host()]).await;
    let taken = pull(api, &tagged, credentials()).await;
    assert_eq!(taken.status, 201, "{taken}");
    let asked = tokens.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].authorization, BASIC);
    assert_eq!(
        asked[0].uri,
        "/token?service=ours&scope=repository%3Arules%2Fmine%3Apull"
    );
    let with: Vec<String> = registry.asked().into_iter().map(|it| it.authorization).collect();
    assert_eq!(with, ["", "", "Bearer t0ken", "Bearer t0ken"]);
    let stored = storage.asked();
    assert_eq!(
        (stored.len(), stored[0].authorization.as_str()),
        (1, ""),
        "{stored:?}"
    );
    // Without credentials a token may be had as well, as for what is public.
    assert_eq!(pull(api, &tagged, json!({})).await.status, 200);
    registry.guard(&challenge, "Bearer another");
    assert_eq!(
        pull(api, &tagged, json!({})).await.problem(502),
        "registry_unauthorized"
    );
}

#[tokio::test]
async fn credentials_go_to_the_registry_that_asks_for_them() {
    let wasm = guest("evaluate");
    let (registry, _) = Registry::with_module(&wasm);
    registry.guard("Basic realm=\"ours\"", BASIC);
    let server = Server::start().await;
    let api = server.api();
    let tagged = format!("{}/rules/mine:1", registry.host());
    assert_eq!(
        pull(api, &tagged, json!({})).await.problem(502),
        "registry_unauthorized"
    );
    let plain = json!({"basic_auth": {"username": "ci", "password": "pa55word"}});
    assert_eq!(pull(api, &tagged, plain).await.problem(422), "invalid");
    assert_eq!(
        pull(api, &tagged, credentials()).await.problem(422),
        "secret_unusable"
    );
    secret(api, &["registry.example.com".to_owned()]).await;
    assert_eq!(
        pull(api, &tagged, credentials()).await.problem(422),
        "secret_unusable"
    );
    assert!(
        registry
            .asked()
            .iter()
            .all(|asked| asked.authorization.is_empty())
    );
    secret(api, &[registry.host()]).await;
    let taken = pull(api, &tagged, credentials()).await;
    assert_eq!(taken.status, 201, "{taken}");
    assert!(!taken.text().contains("pa55word"));
}

#[tokio::test]
async fn every_request_of_a_pull_is_under_the_tenants_policy() {
    let wasm = guest("evaluate");
    let (registry, _) = Registry::with_module(&wasm);
    let (tokens, storage) = (Registry::start(), Registry::start());
    storage.put("/bytes", Reply::Bytes("application/octet-stream", wasm.clone()));
    let server = Server::start().await;
    let api = acme(&server).await;
    for host in [registry.host(), registry.host().replace("127.0.0.1", "localhost")] {
        let denied = pull(&api, &format!("{host}/rules/mine:1"), json!({})).await;
        assert_eq!(denied.problem(403), "egress_denied", "{denied}");
    }
    assert!(registry.asked().is_empty(), "nobody came");

    let port = |of: &Registry| {
        of.host()
            .rsplit(':')
            .next()
            .and_then(|port| port.parse::<u16>().ok())
    };
    let allow = async |scheme: &str, ports: &[Option<u16>]| {
        let allow = json!([{"scheme": scheme, "host": "127.0.0.1", "ports": ports}]);
        let policy = json!({"allow": allow, "private": ["127.0.0.1/32"]});
        server.api().put("/v1/tenants/acme/egress", &policy).await;
    };
    let tagged = format!("{}/rules/mine:1", registry.host());
    allow("https", &[port(&registry)]).await;
    assert_eq!(pull(&api, &tagged, json!({})).await.problem(403), "egress_denied");
    assert!(registry.asked().is_empty(), "nobody came by http");

    allow("http", &[port(&registry)]).await;
    registry.put(
        &blob_path(&wasm),
        Reply::Redirect(format!("{}/bytes", storage.url())),
    );
    assert_eq!(pull(&api, &tagged, json!({})).await.problem(403), "egress_denied");
    assert!(
        storage.asked().is_empty(),
        "nobody came to where it was redirected"
    );
    registry.guard(
        &format!("Bearer realm=\"{}/token\"", tokens.url()),
        "Bearer t0ken",
    );
    assert_eq!(pull(&api, &tagged, json!({})).await.problem(403), "egress_denied");
    assert!(tokens.asked().is_empty(), "nobody came for a token");

    tokens.put(
        "/token",
        Reply::Bytes("application/json", br#"{"access_token": "t0ken"}"#.to_vec()),
    );
    allow("http", &[port(&registry), port(&storage), port(&tokens)]).await;
    let taken = pull(&api, &tagged, json!({})).await;
    assert_eq!(taken.status, 201, "{taken}");
    let by = taken.json()["provenance"]["uploaded_by"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(by.starts_with("key "), "{by}");
}

#[tokio::test]
async fn what_leads_nowhere_ends() {
    let wasm = guest("evaluate");
    let (registry, _) = Registry::with_module(&wasm);
    let server = Server::start().await;
    let api = server.api();
    let tagged = format!("{}/rules/mine:1", registry.host());
    registry.put(&blob_path(&wasm), Reply::Redirect(blob_path(&wasm)));
    let round = pull(api, &tagged, json!({})).await;
    assert_eq!(round.problem(502), "registry_failed");
    assert!(round.text().contains("redirected more than 5 times"), "{round}");
    registry.put(
        &blob_path(&wasm),
        Reply::Redirect("file:///etc/passwd".to_owned()),
    );
    assert_eq!(
        pull(api, &tagged, json!({})).await.problem(502),
        "registry_failed"
    );
    for reference in ["mine:1", "", "http://127.0.0.1/mine:1"] {
        assert_eq!(
            pull(api, reference, json!({})).await.problem(422),
            "reference_invalid"
        );
    }
    // TLS is talked where http is not asked for, and this registry does not.
    let body = json!({"reference": tagged}).to_string().into_bytes();
    let secure = api.ask(Method::POST, "/v1/modules/mine/pull", body).await;
    assert_eq!(
        secure.expect("the server answers").problem(502),
        "registry_failed"
    );
}
