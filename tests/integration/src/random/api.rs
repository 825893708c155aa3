//! The API, called by schemathesis in all ways that its description allows and forbids.

use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{Plan, assert_no_panic, setting};
use crate::harness::{Server, TOKEN, workspace_root};

/// Where `scripts/setup --tests` puts it.
const PYTHON: &str = "target/tools/schemathesis/bin/python";
/// Seconds of a plain run.
const SECONDS: u64 = 25;
/// How much longer it may take to start, to make failures smaller, and to end.
const SLACK: Duration = Duration::from_secs(60);
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      missing_required_header,ignored_auth";
/// The log does not end by itself, and schemathesis makes neither protobuf nor components.
const LEFT_OUT: [&str; 3] = ["/v1/logs", "/api/v1/write", "/v1/modules/{name}"];

#[tokio::test]
async fn answers_the_operator_as_it_says() {
    let server = Server::start().await;
    run(&server, "the operator", TOKEN);
}

#[tokio::test]
async fn answers_a_tenant_as_it_says() {
    let server = Server::start().await;
    server.api().put("/v1/tenants/fuzzed", &json!({})).await;
    let wanted = json!({"title": "of the fuzzer", "scopes": ["admin"]}).to_string();
    let tenant = server.api().for_tenant("fuzzed");
    let made = tenant.ask(Method::POST, "/v1/keys", wanted.into_bytes()).await;
    let made = made.unwrap_or_else(|e| panic!("{e}"));
    let key = made.json()["key"].as_str().map(str::to_owned);
    run(&server, "a tenant", &key.unwrap_or_else(|| panic!("{made}")));
}

/// Lets schemathesis call everything with that token.
fn run(server: &Server, who: &str, token: &str) {
    let python = workspace_root().join(PYTHON);
    assert!(
        python.exists(),
        "{PYTHON} is missing: run `make setup`, which needs Python 3 and PyPI"
    );
    let seconds = setting("FUZZ_SECONDS").unwrap_or(SECONDS);
    let mut command = Command::new("timeout");
    let limit = Duration::from_secs(seconds) + SLACK;
    command.args(["--signal=KILL", &limit.as_secs().to_string()]);
    command.arg(python).args(["-m", "schemathesis.cli", "run"]);
    command.arg(format!("{}/openapi.json", server.api().base()));
    command.args(["--header", &format!("Authorization: Bearer {token}")]);
    command.args([
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing,stateful",
    ]);
    command.args([
        "--seed",
        &Plan::new(0).seed.to_string(),
        "--max-time",
        &seconds.to_string(),
    ]);
    command.args(["--request-timeout", "10", "--generation-database", "none"]);
    command.args(["--continue-on-failure", "--no-color", "--warnings", "off"]);
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    let ended = command.output().expect("timeout can be started");
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
}
