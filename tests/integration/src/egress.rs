//! Where requests of the real binary go. Policies in all their forms are tested in the
//! server's own tests.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use reqwest::Method;
use serde_json::json;

use crate::harness::fake::Fake;
use crate::harness::{Api, FakeSource, PAGE_WITHIN, Reply, Server, Webhook, eventually};

/// A tenant with a receiver, a source and a target, all on loopback. Its rule `Pages` asks
/// nobody, its rule `Asks` the source.
async fn tenant(server: &Server, source: &FakeSource, webhook: &Webhook) -> Api {
    server.api().put("/v1/tenants/acme", &json!({})).await;
    let api = server.api().for_tenant("acme");
    let target = webhook.url().replace("http://", "");
    for (path, body) in [
        ("sources/prom", json!({"kind": "prometheus", "url": source.url()})),
        ("scrapes/node", json!({"targets": [target], "interval": "1s"})),
        (
            "receivers/hook",
            json!({"module": "webhook", "config": {"url": format!("{}/hook", webhook.url())}}),
        ),
    ] {
        api.put(&format!("/v1/{path}"), &body).await;
    }
    let rules = json!([
        {"alert": "Pages", "expr": "vector(1)", "receivers": ["hook"]},
        {"alert": "Asks", "expr": "load", "source": "prom"},
    ]);
    api.put("/v1/groups/test/acme", &json!({"interval": "1s", "rules": rules}))
        .await;
    api
}

const DENIED: &str = "egress: 127.0.0.1 is a loopback address, which this tenant's policy does not allow";

#[tokio::test]
async fn a_tenant_does_not_reach_the_operators_machine() {
    let (source, webhook) = (FakeSource::start(Reply::Value(1.0)), Webhook::start());
    let server = Server::start().await;
    let api = tenant(&server, &source, &webhook).await;
    eventually("the page is given up", PAGE_WITHIN, async || {
        let notifications = api.notifications().await?;
        let mut dead = notifications.iter().filter(|it| it.status == "dead");
        let is_denied = dead.any(|it| it.last_error.as_deref() == Some(DENIED));
        if is_denied {
            Ok(())
        } else {
            Err(format!("{notifications:?}"))
        }
    })
    .await;
    eventually("the query fails", PAGE_WITHIN, async || {
        let rules = api.get("/v1/rules").await?.json();
        let mut rules = rules["rules"].as_array().cloned().unwrap_or_default().into_iter();
        let error = rules.find_map(|rule| rule["error"].is_object().then(|| rule["error"].clone()));
        let error = error.ok_or("no rule fails")?;
        let says = error["message"].as_str().unwrap_or_default();
        if error["code"] == "egress_denied" && says.contains(DENIED) {
            Ok(())
        } else {
            Err(error.to_string())
        }
    })
    .await;
    eventually("the target is down", PAGE_WITHIN, async || {
        let scrape = api.get("/v1/scrapes/node").await?.json();
        let error = scrape["targets"][0]["error"].as_str().unwrap_or_default();
        if error.contains(DENIED) {
            Ok(())
        } else {
            Err(scrape.to_string())
        }
    })
    .await;
    let metrics = server
        .api()
        .get("/metrics")
        .await
        .expect("the server answers")
        .text();
    let refused = "wasmalert_egress_refused_total{tenant=\"acme\"}";
    assert!(metrics.contains(refused), "{metrics}");
    assert!(
        metrics.contains("wasmalert_faults_total{tenant=\"acme\",code=\"egress_denied\"}"),
        "{metrics}"
    );
    assert!(webhook.captured().is_empty(), "nobody came");
}

async fn source_is_asked(api: &Api) {
    eventually("the source is asked", PAGE_WITHIN, async || {
        let alert = api.alert("Asks").await?;
        if alert.state == "firing" {
            Ok(())
        } else {
            Err(alert.state)
        }
    })
    .await;
}

#[tokio::test]
async fn the_operator_opens_a_network_to_tenants() {
    let (source, webhook) = (FakeSource::start(Reply::Value(1.0)), Webhook::start());
    let server = Server::start_with(&[("WASMALERT_EGRESS_PRIVATE", "127.0.0.0/8")]).await;
    let api = tenant(&server, &source, &webhook).await;
    eventually("the page arrives", PAGE_WITHIN, async || {
        let accepted = webhook.accepted();
        let page = accepted.iter().find(|request| request.path == "/hook");
        page.map(|_| ()).ok_or("nothing yet")
    })
    .await;
    source_is_asked(&api).await;
}

#[tokio::test]
async fn a_tenant_has_a_policy_of_its_own() {
    let (source, webhook) = (FakeSource::start(Reply::Value(1.0)), Webhook::start());
    let mut server = Server::start().await;
    tenant(&server, &source, &webhook).await;
    let path = "/v1/tenants/acme/egress";
    let shown = server.api().get(path).await.expect("the server answers").json();
    let default = json!({"own": false, "policy": {"allow": [{"scheme": "any", "host": "*"}], "private": []}});
    assert_eq!(shown, default);
    let own = json!({"allow": [{"scheme": "http", "host": "127.0.0.1"}], "private": ["127.0.0.1/32"]});
    server.api().put(path, &own).await;
    // It outlives a restart.
    server.restart().await;
    let shown = server.api().get(path).await.expect("the server answers").json();
    assert_eq!(shown, json!({"own": true, "policy": own}));
    let api = server.api().for_tenant("acme");
    source_is_asked(&api).await;
    let gone = server.api().delete(path).await.expect("the server answers");
    assert_eq!(gone.status, 204, "{gone}");
    let shown = server.api().get(path).await.expect("the server answers").json();
    assert_eq!(shown, default);
    for (path, body, status) in [
        ("/v1/tenants/nobody/egress", json!({"allow": []}), 404),
        (path, json!({"allow": [{"host": "*", "ports": []}]}), 422),
    ] {
        let body = body.to_string().into_bytes();
        let refused = server
            .api()
            .ask(Method::PUT, path, body)
            .await
            .expect("the server answers");
        assert_eq!(refused.status, status, "{refused}");
    }
}

#[tokio::test]
async fn a_receiver_cannot_send_a_page_on_to_somebody_else() {
    let inner = Webhook::start();
    let location = format!("{}/taken", inner.url());
    let redirect = move || async move {
        let mut headers = HeaderMap::new();
        headers.insert("location", location.parse().expect("a header's value"));
        (StatusCode::TEMPORARY_REDIRECT, headers)
    };
    let outer = Fake::start(Router::new().fallback(redirect));
    let source = FakeSource::start(Reply::Value(1.0));
    let server = Server::start().await;
    server.source(&source.url()).await;
    server.receiver("hook", "webhook", &outer.url()).await;
    let rule = json!([{"alert": "Down", "expr": "load", "source": "prom", "receivers": ["hook"]}]);
    server.group("down", rule).await;
    eventually("the redirect is refused", PAGE_WITHIN, async || {
        let notifications = server.api().notifications().await?;
        let errors = notifications.iter().filter_map(|it| it.last_error.as_deref());
        let refused = errors.filter(|error| error.contains("redirected to another host or port"));
        if refused.count() > 0 {
            Ok(())
        } else {
            Err(format!("{notifications:?}"))
        }
    })
    .await;
    assert!(inner.captured().is_empty(), "nobody came");
}

#[tokio::test]
async fn the_command_line_sets_what_holds() {
    let server = Server::start().await;
    server.api().put("/v1/tenants/acme", &json!({})).await;
    let shown = |own: &str, allow: &str, private: &str| {
        format!("policy:   {own}\nallow:    {allow}\nprivate:  {private}\n")
    };
    let default = shown("the server's default", "*", "none");
    assert_eq!(server.cli(&["get", "egress", "acme"]), default);
    let set = [
        "set",
        "egress",
        "acme",
        "--allow",
        "https://A.example:443",
        "--allow",
        "[::1]:9090",
        "--private",
        "::1",
    ];
    assert_eq!(server.cli(&set), "egress acme  set\n");
    let own = shown("the tenant's own", "https://a.example:443 [::1]:9090", "::1/128");
    assert_eq!(server.cli(&["get", "egress", "acme"]), own);
    server.cli(&["set", "egress", "acme", "--nothing"]);
    assert_eq!(
        server.cli(&["get", "egress", "acme"]),
        shown("the tenant's own", "none", "none")
    );
    assert_eq!(
        server.cli(&["delete", "egress", "acme"]),
        "egress acme  deleted\n"
    );
    assert_eq!(server.cli(&["get", "egress", "acme"]), default);
    let said = server.cli_fails(&["set", "egress", "nobody", "--nothing"]);
    assert!(said.contains("there is no tenant nobody"), "{said}");
}
