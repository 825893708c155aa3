//! The API, called by schemathesis in all ways that its description allows and forbids.

use std::process::Command;

use reqwest::Method;
use serde_json::json;

use super::{Plan, assert_no_panic, setting};
use crate::harness::{Server, TOKEN, workspace_root};

/// Where `scripts/setup --tests` puts it.
const PYTHON: &str = "target/tools/schemathesis/bin/python";
/// Seconds of a plain run.
const SECONDS: u64 = 25;
/// How much longer it may take to start, to make failures smaller, and to end.
const SLACK_SECONDS: u64 = 60;
/// What is called, and what is looked at.
const CONFIG: &str = "tests/integration/schemathesis.toml";
/// One key makes all calls.
const UNLIMITED: [(&str, &str); 1] = [("WASMALERT_KEY_CALLS_PER_SECOND", "100000")];

/// A tenant's key may end itself; then nothing else would be tried.
const ENDS_THE_KEY: [&str; 2] = ["DELETE /v1/keys/{id}", "POST /v1/keys/{id}/rotate"];

#[tokio::test]
async fn answers_the_operator_as_it_says() {
    let server = Server::start_with(&UNLIMITED).await;
    run(&server, "the operator", TOKEN, &[]).await;
}

#[tokio::test]
async fn answers_a_tenant_as_it_says() {
    let server = Server::start_with(&UNLIMITED).await;
    server.api().put("/v1/tenants/fuzzed", &json!({})).await;
    let wanted = json!({"title": "of the fuzzer", "scopes": ["admin"]}).to_string();
    let tenant = server.api().for_tenant("fuzzed");
    let made = tenant.ask(Method::POST, "/v1/keys", wanted.into_bytes()).await;
    let made = made.unwrap_or_else(|e| panic!("{e}"));
    let key = made.json()["key"].as_str().map(str::to_owned);
    let key = key.unwrap_or_else(|| panic!("{made}"));
    run(&server, "a tenant", &key, &ENDS_THE_KEY).await;
}

/// Lets schemathesis call everything with that token, but for some calls.
async fn run(server: &Server, who: &str, token: &str, but: &[&str]) {
    let python = workspace_root().join(PYTHON);
    assert!(
        python.exists(),
        "{PYTHON} is missing: run `make setup`, which needs Python 3 and PyPI"
    );
    let seconds = setting("FUZZ_SECONDS").unwrap_or(SECONDS);
    let ended = Command::new("timeout")
        .args(["--signal=KILL", &(seconds + SLACK_SECONDS).to_string()])
        .arg(python)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(workspace_root().join(CONFIG))
        .args(["run", "--no-color", "--max-time", &seconds.to_string()])
        .args(["--seed", &Plan::new(0).seed.to_string()])
        .args(but.iter().flat_map(|name| ["--exclude-name", name]))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .arg(format!("{}/openapi.json", server.api().base()))
        // It leaves a folder behind.
        .current_dir(server.data_dir())
        .output()
        .expect("timeout can be started");
    let said = String::from_utf8_lossy(&ended.stdout);
    let failed = String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.success(),
        "as {who}: {}\n{said}\n{failed}",
        ended.status
    );
    let summary = said.lines().skip_while(|line| !line.contains(" SUMMARY "));
    eprintln!("as {who}: {}", summary.collect::<Vec<_>>().join("\n"));
    assert_no_panic(server);
    let still = server.api().with_token(token).get("/v1/whoami").await;
    still
        .and_then(|answer| answer.ok())
        .unwrap_or_else(|e| panic!("{who} is locked out: {e}"));
}
