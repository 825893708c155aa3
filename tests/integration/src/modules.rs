//! Modules and their versions.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, PAGE_WITHIN, Server, component, eventually, guest};

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

/// The newest evaluation of the rule `test/followers/A`: id, version of the module, and value of the finding.
async fn last_evaluation(api: &Api) -> Result<(String, u64, String), String> {
    let evaluations = api.evaluations("test", "followers", "A").await?;
    let last = evaluations.first().ok_or("no evaluation yet")?;
    let id = last.id.as_str().unwrap_or_default().to_owned();
    let shown = api.get(&format!("/v1/evaluations/{id}")).await?.json();
    let version = shown["version"].as_u64().ok_or_else(|| shown.to_string())?;
    let value = shown["outcome"]["findings"][0]["value"].as_str();
    Ok((id, version, value.unwrap_or_default().to_owned()))
}

/// The first evaluation after this moment whose module has that version.
async fn evaluated_by(api: &Api, version: u64) -> f64 {
    let (before, ..) = eventually("an evaluation", PAGE_WITHIN, || last_evaluation(api)).await;
    eventually("an evaluation of that version", PAGE_WITHIN, async || {
        let (id, by, value) = last_evaluation(api).await?;
        match id > before && by == version {
            true => value.parse().map_err(|_| format!("{value:?} is no number")),
            false => Err(format!("{id} is of version {by}")),
        }
    })
    .await
}

#[tokio::test]
async fn a_version_waits_until_it_is_promoted_and_can_be_taken_back() {
    let server = Server::start_with(WITHOUT_STOCK).await;
    let api = server.api();
    let path = "/v1/modules/mine";
    let post = async |path: &str, wasm: &[u8]| {
        let answer = api.ask(Method::POST, path, wasm.to_vec()).await;
        answer.unwrap_or_else(|e| panic!("{e}")).json()
    };
    let first = guest("evaluate");
    // The same with an empty custom section `x`.
    let second = [&first[..], &[0, 2, 1, b'x']].concat();
    let posted = post(path, &first).await;
    assert_eq!(
        (&posted["version"], &posted["promoted"]),
        (&json!(1), &json!(true))
    );
    let rules = json!([{"alert": "A", "module": "mine", "config": {"do": "count"}}]);
    server.group("followers", rules).await;
    assert!(evaluated_by(api, 1).await >= 1.0);

    let posted = post(path, &second).await;
    assert_eq!(
        (&posted["version"], &posted["promoted"]),
        (&json!(2), &json!(false))
    );
    assert!(evaluated_by(api, 1).await >= 2.0, "another one stays promoted");
    let listed = api.modules().await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(listed.iter().map(|it| it.version).collect::<Vec<_>>(), [1]);

    let told = server.cli(&["promote", "mine", "2"]);
    let is_promoted = |line: &str| line.split_whitespace().eq(["promoted:", "yes"]);
    assert!(told.lines().any(is_promoted), "{told}");
    let count = evaluated_by(api, 2).await;
    assert!(
        count >= 3.0,
        "the state is the rule's, not the version's: {count}"
    );
    let versions = server.cli(&["get", "module", "mine"]);
    let marks: Vec<_> = versions
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap_or_default())
        .collect();
    assert_eq!(marks, ["PROMOTED", "yes", "no"], "{versions}");
    let deleted = api.delete("/v1/modules/mine/versions/2").await;
    assert_eq!(deleted.expect("the server answers").problem(409), "in_use");

    // The same bytes again, as a push with --promote brings them.
    let posted = post(&format!("{path}?promote=true"), &first).await;
    assert_eq!(
        (&posted["version"], &posted["promoted"]),
        (&json!(1), &json!(true))
    );
    assert!(evaluated_by(api, 1).await > count);

    let put = async |body: &str| {
        let path = format!("{path}/promoted");
        let answer = api.ask(Method::PUT, &path, body.into()).await;
        answer.expect("the server answers")
    };
    assert_eq!(put(r#"{"version": 9}"#).await.problem(404), "not_found");
    assert_eq!(put(r#"{"version": 0}"#).await.problem(404), "not_found");
    assert_eq!(put(r#"{"version": -1}"#).await.status, 400);
    assert_eq!(put("{}").await.status, 400);
    let answer = api
        .ask(Method::POST, &format!("{path}?promote=perhaps"), first)
        .await;
    assert_eq!(answer.expect("the server answers").status, 400);
}
