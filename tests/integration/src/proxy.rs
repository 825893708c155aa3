//! Proxies that are believed about who calls, and from where.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::harness::{PAGE_WITHIN, Server, eventually};

const TRUSTED: (&str, &str) = ("WASMALERT_PROXY_NETWORKS", "127.0.0.0/8, 10.9.0.0/16");

async fn server(settings: &[(&'static str, &str)]) -> Server {
    let server = Server::start_with(settings).await;
    server.api().put("/v1/tenants/acme", &json!({})).await;
    server
}

/// A call with these headers and no others.
async fn call(
    server: &Server,
    method: reqwest::Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, Value) {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).expect("a name");
        all.append(name, HeaderValue::try_from(*value).expect("a value"));
    }
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client can be made");
    let request = client.request(method, format!("{}{path}", server.api().base()));
    let answer = request
        .headers(all)
        .body("{}")
        .send()
        .await
        .expect("the server answers");
    let status = answer.status().as_u16();
    let body = answer.bytes().await.expect("a whole answer");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn whoami(server: &Server, headers: &[(&str, &str)]) -> (u16, Value) {
    call(server, reqwest::Method::GET, "/v1/whoami", headers).await
}

const ACME: (&str, &str) = ("x-scope-orgid", "acme");

#[tokio::test]
async fn a_proxy_names_the_tenant() {
    let server = server(&[TRUSTED]).await;
    let (status, who) = whoami(&server, &[ACME]).await;
    let expected = json!({"tenant": "acme", "actor": "proxy", "scopes": ["read", "write", "deploy"]});
    assert_eq!((status, who), (200, expected));
    let unauthorized = whoami(&server, &[("authorization", "Bearer wrong")]).await;
    assert_eq!(unauthorized.0, 401);
    for headers in [
        &[][..],
        &[("x-scope-orgid", "nobody")],
        &[("x-scope-orgid", "")],
        &[("x-scope-orgid", "acme|default")],
        &[ACME, ("x-scope-orgid", "default")],
        &[ACME, ("authorization", "")],
        &[ACME, ("authorization", "Basic YTpi")],
        &[ACME, ("authorization", "Bearer wrong")],
        &[
            ACME,
            ("authorization", "Bearer token-of-the-tests"),
            ("authorization", "Bearer wrong"),
        ],
    ] {
        assert_eq!(whoami(&server, headers).await, unauthorized, "{headers:?}");
    }
    // Neither keys nor tenants: not even by asking for the operator's own.
    for (method, path) in [
        (reqwest::Method::GET, "/v1/keys"),
        (reqwest::Method::GET, "/v1/tenants"),
        (reqwest::Method::PUT, "/v1/tenants/new"),
        (reqwest::Method::GET, "/v1/audit/export"),
    ] {
        let default = ("x-scope-orgid", "default");
        let (status, answer) = call(&server, method, path, &[default]).await;
        assert_eq!((status, &answer["code"]), (403, &json!("forbidden")), "{path}");
    }
    // Who has a token is who the token says.
    let operator = ("authorization", "Bearer token-of-the-tests");
    assert_eq!(whoami(&server, &[ACME, operator]).await.1["actor"], "operator");
}

#[tokio::test]
async fn scopes_of_a_proxy_are_a_setting() {
    let server = server(&[TRUSTED, ("WASMALERT_PROXY_SCOPES", "read")]).await;
    assert_eq!(whoami(&server, &[ACME]).await.1["scopes"], json!(["read"]));
    let put = call(&server, reqwest::Method::PUT, "/v1/sources/a", &[ACME]).await;
    assert_eq!(put.0, 403, "{put:?}");
}

#[tokio::test]
async fn without_the_setting_nobody_is_believed() {
    for settings in [&[][..], &[("WASMALERT_PROXY_NETWORKS", "10.9.0.0/16,::1")]] {
        let server = server(settings).await;
        assert_eq!(whoami(&server, &[ACME]).await.0, 401);
        let forwarded = ("x-forwarded-for", "203.0.113.7");
        assert_eq!(whoami(&server, &[ACME, forwarded]).await.0, 401);
        assert_eq!(addresses(&server, 2).await, ["127.0.0.1", "127.0.0.1"]);
    }
}

/// Where calls came from that were turned away, once there are so many; the first first.
async fn addresses(server: &Server, count: usize) -> Vec<String> {
    eventually("the calls are on record", PAGE_WITHIN, async || {
        let log = server.api().get("/v1/audit/all?turned_away=true").await?.json();
        let entries = log["entries"].as_array().cloned().unwrap_or_default();
        let text = |entry: &Value| entry["address"].as_str().unwrap_or_default().to_owned();
        if entries.len() == count {
            Ok(entries.iter().rev().map(text).collect())
        } else {
            Err(log.to_string())
        }
    })
    .await
}

#[tokio::test]
async fn a_proxy_says_where_a_call_comes_from() {
    let server = server(&[TRUSTED]).await;
    let cases: [(&[&str], &str); 9] = [
        (&["203.0.113.7"], "203.0.113.7"),
        // What the client itself has sent is before what the proxy has added.
        (&["1.1.1.1, 203.0.113.8"], "203.0.113.8"),
        (&["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        (&["203.0.113.10, 10.9.1.1, 127.0.0.2"], "203.0.113.10"),
        (&["1.1.1.1, 203.0.113.11, 10.9.1.1"], "203.0.113.11"),
        (&["[2001:db8::1]:4711"], "2001:db8::1"),
        (&["203.0.113.12:80"], "203.0.113.12"),
        (&["::ffff:203.0.113.13"], "203.0.113.13"),
        // What cannot be read is not passed over.
        (&["203.0.113.14, unknown"], "127.0.0.1"),
    ];
    for (values, _) in cases {
        let headers: Vec<_> = values.iter().map(|value| ("x-forwarded-for", *value)).collect();
        assert_eq!(whoami(&server, &headers).await.0, 401);
    }
    let expected: Vec<_> = cases.iter().map(|(_, address)| *address).collect();
    assert_eq!(addresses(&server, cases.len()).await, expected);
}

#[tokio::test]
async fn clients_behind_a_proxy_have_rates_of_their_own() {
    let server = server(&[TRUSTED, ("WASMALERT_KEY_CALLS_PER_SECOND", "1")]).await;
    let from = async |address: &str| whoami(&server, &[ACME, ("x-forwarded-for", address)]).await.0;
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(from("203.0.113.7").await);
    }
    assert!(
        codes[..10].iter().all(|code| *code == 200) && codes.contains(&429),
        "{codes:?}"
    );
    assert_eq!(from("203.0.113.8").await, 200);
    // Guesses count where they come from too.
    let mut codes = Vec::new();
    for _ in 0..110 {
        codes.push(whoami(&server, &[("x-forwarded-for", "203.0.113.9")]).await.0);
    }
    assert!(codes.contains(&429), "{codes:?}");
    assert_eq!(
        whoami(&server, &[("x-forwarded-for", "203.0.113.10")]).await.0,
        401
    );
}
