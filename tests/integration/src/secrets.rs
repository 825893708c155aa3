//! Secrets go out in requests, and nowhere else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{FakeSource, PAGE_WITHIN, Reply, Server, Webhook, eventually};

const KEY: &str = "s3cr3t-of-the-header";
const PATH: &str = "s3cr3t-of-the-path";

/// A server whose rule `Down` fires to a receiver that is reached with two secrets.
async fn firing(webhook: &Webhook) -> (Server, FakeSource) {
    let source = FakeSource::start(Reply::Value(1.0));
    // Whatever is logged, no secret is.
    let server = Server::start_with(&[("WASMALERT_LOG", "trace")]).await;
    let api = server.api();
    server.source(&source.url()).await;
    api.put("/v1/secrets/key", &json!({"value": KEY})).await;
    api.put("/v1/secrets/path", &json!({"value": PATH})).await;
    let config = json!({
        "url": format!("{}/{{{{secret:path}}}}/in", webhook.url()),
        "headers": {"X-Key": "Key {{secret:key}}"},
    });
    api.put(
        "/v1/receivers/hook",
        &json!({"module": "webhook", "config": config}),
    )
    .await;
    let rule = json!([{
        "alert": "Down", "expr": "load", "source": "prom", "receivers": ["hook"],
        // A template, which has it expanded in the sandbox.
        "annotations": {"summary": "take {{ \"{{secret:key}}\" }} along"},
    }]);
    server.group("down", rule).await;
    (server, source)
}

#[tokio::test]
async fn the_request_has_them_and_what_alerts_say_does_not() {
    let webhook = Webhook::start();
    let (_server, _source) = firing(&webhook).await;
    let request = eventually("the page arrives", PAGE_WITHIN, async || {
        webhook.accepted().first().cloned().ok_or("nothing yet")
    })
    .await;
    assert_eq!(request.path, format!("/{PATH}/in"));
    assert_eq!(request.headers["x-key"], format!("Key {KEY}"));
    // Who writes an alert, or a label in a query's result, must not draw a secret out.
    let alert = &request.alerts()[0];
    assert_eq!(
        alert["annotations"]["summary"], "take {{secret:key}} along",
        "{alert}"
    );
}

#[tokio::test]
async fn nothing_that_is_shown_has_them() {
    let webhook = Webhook::start();
    // The receiver sends back what it got, as many do in their errors.
    webhook.answer(400);
    webhook.echo();
    let (server, _source) = firing(&webhook).await;
    eventually("the notification is given up", PAGE_WITHIN, async || {
        let notifications = server.api().notifications().await?;
        let dead = notifications.iter().find(|it| it.status == "dead");
        let error = dead.and_then(|it| it.last_error.clone()).ok_or("none is dead")?;
        // So what came back was looked at.
        if error.contains("/in") { Ok(()) } else { Err(error) }
    })
    .await;
    assert!(
        webhook.captured()[0].headers["x-key"]
            .to_str()
            .is_ok_and(|key| key.ends_with(KEY))
    );
    let mut shown = vec![server.log()];
    for path in [
        "/v1/receivers",
        "/v1/receivers/hook",
        "/v1/secrets",
        "/v1/groups",
        "/v1/rules",
        "/v1/alerts",
        "/v1/notifications",
        "/v1/logs?follow=false",
        "/v1/rules/test/down/Down/evaluations",
        "/metrics",
    ] {
        let answer = server.api().get(path).await.expect("the server answers");
        assert_eq!(answer.status, 200, "{answer}");
        assert!(!answer.body.is_empty(), "{path} shows something");
        shown.push(answer.text());
    }
    let evaluations = server.api().evaluations("test", "down", "Down").await;
    for evaluation in evaluations.unwrap_or_else(|e| panic!("{e}")) {
        let id = evaluation.id.as_str().unwrap_or_default();
        let answer = server.api().get(&format!("/v1/evaluations/{id}")).await;
        let answer = answer.expect("the server answers");
        assert_eq!(answer.status, 200, "{answer}");
        shown.push(answer.text());
    }
    for text in shown {
        assert!(!text.contains(KEY) && !text.contains(PATH), "a secret in {text}");
    }
    check_files(&server);
    let receiver = server
        .api()
        .get("/v1/receivers/hook")
        .await
        .expect("the server answers");
    assert_eq!(
        receiver.json()["spec"]["config"]["headers"]["X-Key"],
        "Key {{secret:key}}"
    );
}

/// No file of the data directory has a value as it is, nor has the log.
fn check_files(server: &Server) {
    let mut texts = vec![("the log".to_owned(), server.log().into_bytes())];
    for entry in std::fs::read_dir(server.data_dir()).expect("there is a folder") {
        let path = entry.expect("it can be read").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("it can be read");
            texts.push((path.display().to_string(), bytes));
        }
    }
    assert!(texts.len() > 3, "the database is among {} files", texts.len());
    for (place, bytes) in texts {
        for value in [KEY, PATH] {
            let found = bytes.windows(value.len()).any(|part| part == value.as_bytes());
            assert!(!found, "{place} has {value}");
        }
    }
}

#[tokio::test]
async fn a_secret_goes_to_the_hosts_it_is_bound_to() {
    let webhook = Webhook::start();
    let (server, _source) = firing(&webhook).await;
    eventually("the page arrives", PAGE_WITHIN, async || {
        webhook.accepted().first().cloned().ok_or("nothing yet")
    })
    .await;
    let api = server.api();
    let elsewhere = json!({"value": KEY, "hosts": ["hooks.example.com", "*.example.org:443"]});
    api.put("/v1/secrets/key", &elsewhere).await;
    let before = webhook.captured().len();
    let rule = json!([{"alert": "Other", "expr": "load", "source": "prom", "receivers": ["hook"]}]);
    server.group("other", rule).await;
    let host = webhook.url().replace("http://", "");
    eventually("the request is refused", PAGE_WITHIN, async || {
        let notifications = api.notifications().await?;
        let says = format!("the secret \"key\" is not bound to {host}");
        let mut errors = notifications.iter().filter_map(|it| it.last_error.as_deref());
        if errors.any(|error| error.contains(&says)) {
            Ok(())
        } else {
            Err(format!("{notifications:?} does not say {says}"))
        }
    })
    .await;
    assert_eq!(webhook.captured().len(), before, "nothing was sent");
    let listed = api.get("/v1/secrets").await.expect("the server answers").json();
    let hosts = json!(["hooks.example.com", "*.example.org:443"]);
    assert_eq!(listed["secrets"][0]["hosts"], hosts, "{listed}");
    assert_eq!(listed["secrets"][1]["hosts"], json!(["*"]), "{listed}");
    let shown = server.cli(&["get", "secrets"]);
    assert!(shown.contains("hooks.example.com *.example.org:443"), "{shown}");

    // Bound to it, the notification that waits goes out.
    api.put("/v1/secrets/key", &json!({"value": KEY, "hosts": [host]}))
        .await;
    eventually("the page arrives after all", PAGE_WITHIN, async || {
        let count = webhook.accepted().len();
        if count > before { Ok(()) } else { Err(count) }
    })
    .await;
    for wrong in [
        json!([]),
        json!(["a b"]),
        json!(["https://a.example"]),
        json!("a.example"),
    ] {
        let body = json!({"value": KEY, "hosts": wrong}).to_string().into_bytes();
        let refused = api
            .ask(Method::PUT, "/v1/secrets/key", body)
            .await
            .expect("the server answers");
        assert!((400..=422).contains(&refused.status), "{refused}");
    }
    check_files(&server);
}

#[tokio::test]
async fn secrets_outlive_restarts_and_a_change_of_keys() {
    let webhook = Webhook::start();
    let (mut server, _source) = firing(&webhook).await;
    let made = server.data_dir().join("secrets.key");
    assert!(made.exists(), "a key was made");
    let pages = async |server: &Server, alert: &str| {
        let rule = json!([{"alert": alert, "expr": "load", "source": "prom", "receivers": ["hook"]}]);
        server.group(&alert.to_lowercase(), rule).await;
        eventually(&format!("{alert} arrives"), PAGE_WITHIN, async || {
            let accepted = webhook.accepted();
            let page = accepted
                .iter()
                .find(|page| page.alerts()[0]["labels"]["alertname"] == alert);
            page.map(|page| page.headers["x-key"].clone())
                .ok_or("nothing yet")
        })
        .await
    };
    server.restart().await;
    assert_eq!(pages(&server, "Restarted").await, format!("Key {KEY}"));

    let (one, two) = (
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
        "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
    );
    server.restart_with(&[("WASMALERT_SECRETS_KEY", one)]).await;
    std::fs::remove_file(&made).expect("the made key is not needed any more");
    let both = format!("{two},{one}");
    server.restart_with(&[("WASMALERT_SECRETS_KEY", &both)]).await;
    server.restart_with(&[("WASMALERT_SECRETS_KEY", two)]).await;
    assert_eq!(pages(&server, "Rotated").await, format!("Key {KEY}"));
    assert!(!server.log().contains(two) && !server.log().contains(one));
    check_files(&server);

    // Without its key a secret is lost, and says so; the server runs.
    server.restart_with(&[("WASMALERT_SECRETS_KEY", one)]).await;
    let log = server.log();
    assert!(log.contains("a stored secret cannot be opened"), "{log}");
    assert!(
        log.contains("secret=\"key\"") && log.contains("tenant=default"),
        "{log}"
    );
}

#[tokio::test]
async fn a_secret_is_written_and_never_read() {
    let server = Server::start().await;
    server.api().put("/v1/secrets/key", &json!({"value": KEY})).await;
    let listed = server.api().get("/v1/secrets").await.expect("the server answers");
    assert_eq!(listed.json()["secrets"][0]["name"], "key", "{listed}");
    assert_eq!(listed.json()["secrets"][0]["value"], Value::Null, "{listed}");
    let one = server.api().ask(Method::GET, "/v1/secrets/key", Vec::new()).await;
    assert_eq!(
        one.expect("the server answers").problem(405),
        "method_not_allowed"
    );
}
