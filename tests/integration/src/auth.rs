//! Nothing under `/v1` without the token.

use reqwest::Method;

use crate::harness::Server;

const CALLS: &[(Method, &str)] = &[
    (Method::GET, "/v1/modules"),
    (Method::POST, "/v1/modules/new"),
    (Method::GET, "/v1/modules/prometheus/versions/1/wasm"),
    (Method::DELETE, "/v1/modules/prometheus"),
    (Method::PUT, "/v1/sources/prom"),
    (Method::GET, "/v1/sources/prom"),
    (Method::PUT, "/v1/receivers/am"),
    (Method::PUT, "/v1/secrets/key"),
    (Method::PUT, "/v1/groups/test/group"),
    (Method::DELETE, "/v1/groups/test/group"),
    (Method::GET, "/v1/alerts"),
    (Method::GET, "/v1/rules"),
    (Method::GET, "/v1/logs"),
    (Method::GET, "/v1/notifications"),
    (Method::GET, "/v1/metrics"),
];

#[tokio::test]
async fn every_call_wants_the_token() {
    let server = Server::start().await;
    for token in ["", "wrong", "token-of-the-test", "token-of-the-tests2"] {
        let api = server.api().with_token(token);
        for (method, path) in CALLS {
            let answer = api
                .ask(method.clone(), path, b"{}".to_vec())
                .await
                .expect("the server answers");
            assert_eq!(
                answer.problem(401),
                "unauthorized",
                "{method} {path} with token '{token}'"
            );
        }
    }
    let modules = server.api().get("/v1/modules").await.expect("the server answers");
    modules.ok().unwrap_or_else(|e| panic!("{e}"));
}

#[tokio::test]
async fn health_is_open_to_all() {
    let server = Server::start().await;
    let api = server.api().with_token("");
    for path in ["/-/healthy", "/-/ready"] {
        let answer = api.get(path).await.expect("the server answers");
        answer.ok().unwrap_or_else(|e| panic!("{e}"));
    }
}

#[tokio::test]
async fn the_token_is_not_in_the_log() {
    let server = Server::start().await;
    server
        .api()
        .with_token("wrong-but-secret")
        .get("/v1/modules")
        .await
        .expect("the server answers");
    let log = server.log();
    assert!(!log.contains("token-of-the-tests"), "{log}");
    assert!(!log.contains("wrong-but-secret"), "{log}");
}
