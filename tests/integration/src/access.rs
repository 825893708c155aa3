//! Tenants, keys, scopes, the audit log.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, PAGE_WITHIN, Server, component, eventually};

const BAD_KEY: &str = "wak_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub(crate) async fn post(api: &Api, path: &str, body: Value) -> Answer {
    let answer = api.ask(Method::POST, path, body.to_string().into_bytes()).await;
    answer.expect("the server answers")
}

async fn tenant(server: &Server, name: &str) -> Api {
    server.api().put(&format!("/v1/tenants/{name}"), &json!({})).await;
    let operator = server.api().for_tenant(name);
    let key = key(&operator, json!({"scopes": ["admin"]})).await;
    server.api().with_token(&key.1)
}

/// The id and the text of a new key.
async fn key(api: &Api, wanted: Value) -> (String, String) {
    let made = post(api, "/v1/keys", wanted).await;
    assert_eq!(made.status, 201, "{made}");
    let text = |name: &str| made.json()[name].as_str().unwrap_or_default().to_owned();
    (text("id"), text("key"))
}

async fn status(api: &Api, method: Method, path: &str, body: &str) -> u16 {
    let answer = api.ask(method, path, body.as_bytes().to_vec()).await;
    answer.expect("the server answers").status
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_say() {
    let server = Server::start().await;
    let admin = tenant(&server, "acme").await;
    let source = r#"{"kind": "embedded"}"#;
    let calls = [
        ("read", Method::GET, "/v1/rules", "", 200),
        ("read", Method::POST, "/api/v1/query?query=1", "", 200),
        ("write", Method::PUT, "/v1/sources/a", source, 201),
        ("deploy", Method::DELETE, "/v1/modules/none", "", 404),
        ("admin", Method::GET, "/v1/keys", "", 200),
        ("operator", Method::GET, "/v1/tenants", "", 200),
    ];
    for scope in ["read", "write", "deploy", "admin"] {
        let api = server
            .api()
            .with_token(&key(&admin, json!({"scopes": [scope]})).await.1);
        let who = api.get("/v1/whoami").await.unwrap().json();
        assert_eq!(who["tenant"], "acme");
        for (needed, method, path, body, allowed) in &calls {
            let may = scope == *needed || *needed == "read" || (scope == "admin" && *needed != "operator");
            let got = status(&api, method.clone(), path, body).await;
            let expected = if may { *allowed } else { 403 };
            // The second to make a source finds it there.
            assert!(
                got == expected || (got, expected) == (200, 201),
                "{scope}: {method} {path}: {got}"
            );
        }
    }
    let none = post(&admin, "/v1/keys", json!({"scopes": ["operator"]})).await;
    assert_eq!(none.problem(422), "invalid");
    let none = post(&admin, "/v1/keys", json!({"scopes": []})).await;
    assert_eq!(none.problem(422), "invalid");
}

#[tokio::test]
async fn a_key_is_shown_once_and_ends() {
    let mut server = Server::start().await;
    let admin = tenant(&server, "acme").await;
    let (id, text) = key(&admin, json!({"scopes": ["read"], "title": "grafana"})).await;
    let api = server.api().with_token(&text);
    assert_eq!(status(&api, Method::GET, "/v1/rules", "").await, 200);
    let secret = text.rsplit('_').next().unwrap_or_default().to_owned();
    let listed = admin.get("/v1/keys").await.unwrap();
    assert!(!listed.text().contains(&secret), "{listed}");
    let of_id = |keys: &Value, id: &str| -> Value {
        let keys = keys["keys"].as_array().cloned().unwrap_or_default();
        keys.into_iter().find(|key| key["id"] == id).unwrap_or_default()
    };
    let shown = of_id(&listed.json(), &id);
    assert_eq!(
        (&shown["title"], &shown["scopes"]),
        (&json!("grafana"), &json!(["read"]))
    );
    assert!(shown["last_used_at"].is_string(), "{shown}");

    // It is good over a restart, and neither in the database nor in the log.
    server.stop();
    for file in ["wasmalert.sqlite", "wasmalert.sqlite-wal"] {
        let bytes = std::fs::read(server.data_dir().join(file)).unwrap_or_default();
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "the secret is in {file}");
    }
    assert!(!server.log().contains(&secret));
    server.restart().await;
    let (api, admin) = (server.api().with_token(&text), server.api().for_tenant("acme"));
    assert_eq!(status(&api, Method::GET, "/v1/rules", "").await, 200);
    let shown = of_id(&admin.get("/v1/keys").await.unwrap().json(), &id);
    assert!(shown["last_used_at"].is_string(), "{shown}");

    let rotated = post(&admin, &format!("/v1/keys/{id}/rotate"), json!({"overlap": "1h"})).await;
    assert_eq!(rotated.status, 201, "{rotated}");
    assert_eq!(
        (&rotated.json()["title"], &rotated.json()["scopes"]),
        (&json!("grafana"), &json!(["read"]))
    );
    let new = server.api().with_token(rotated.json()["key"].as_str().unwrap());
    for api in [&api, &new] {
        assert_eq!(
            status(api, Method::GET, "/v1/rules", "").await,
            200,
            "both are good for a while"
        );
    }
    let gone = post(&admin, &format!("/v1/keys/{id}/rotate"), json!({})).await;
    assert_eq!(gone.status, 201, "{gone}");
    assert_eq!(
        status(&api, Method::GET, "/v1/rules", "").await,
        401,
        "it ends at once"
    );
    let new_id = rotated.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        status(&admin, Method::DELETE, &format!("/v1/keys/{new_id}"), "").await,
        204
    );
    assert_eq!(status(&new, Method::GET, "/v1/rules", "").await, 401);

    let short = key(&admin, json!({"scopes": ["read"], "expires_in": "1s"}))
        .await
        .1;
    let short = server.api().with_token(&short);
    assert_eq!(status(&short, Method::GET, "/v1/rules", "").await, 200);
    eventually("the key has ended", PAGE_WITHIN, async || {
        match status(&short, Method::GET, "/v1/rules", "").await {
            401 => Ok(()),
            other => Err(other),
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_learns_why_they_are_turned_away() {
    let server = Server::start().await;
    let admin = tenant(&server, "acme").await;
    let (id, text) = key(&admin, json!({"scopes": ["read"]})).await;
    let wrong_secret = BAD_KEY.replace("0123456789abcdef_", &format!("{id}_"));
    let deleted = key(&admin, json!({"scopes": ["read"]})).await;
    admin.delete(&format!("/v1/keys/{}", deleted.0)).await.unwrap();
    let mut answers = Vec::new();
    for token in ["", "wrong", BAD_KEY, &wrong_secret, &deleted.1] {
        let answer = server.api().with_token(token).get("/v1/rules").await.unwrap();
        assert_eq!(answer.problem(401), "unauthorized");
        answers.push(answer.text());
    }
    // A key that asks for another tenant than its own is not told whether that is there.
    for name in ["default", "nobody"] {
        let other = server.api().with_token(&text).for_tenant(name);
        answers.push(other.get("/v1/rules").await.unwrap().text());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let own = server.api().with_token(&text).for_tenant("acme");
    assert_eq!(status(&own, Method::GET, "/v1/rules", "").await, 200);
}

#[tokio::test]
async fn who_guesses_or_hurries_is_slowed_down() {
    let server = Server::start_with(&[("WASMALERT_KEY_CALLS_PER_SECOND", "1")]).await;
    let admin = tenant(&server, "acme").await;
    // Ten at once, one of which was not the tenant's.
    let mut refused = None;
    for _ in 0..12 {
        let answer = admin.get("/v1/rules").await.unwrap();
        if answer.status != 200 {
            refused = Some(answer);
        }
    }
    assert_eq!(
        refused.expect("the eleventh is refused").problem(429),
        "too_many_calls"
    );
    let guess = server.api().with_token(BAD_KEY);
    let mut codes = Vec::new();
    for _ in 0..130 {
        codes.push(status(&guess, Method::GET, "/v1/rules", "").await);
    }
    assert!(codes[..50].iter().all(|code| *code == 401), "{codes:?}");
    assert!(codes[120..].contains(&429), "{codes:?}");
    // The operator comes from the same address and is let in.
    assert_eq!(status(server.api(), Method::GET, "/v1/rules", "").await, 200);
}

#[tokio::test]
async fn changes_and_refusals_are_on_record() {
    let server = Server::start().await;
    let admin = tenant(&server, "acme").await;
    let (id, text) = key(&admin, json!({"scopes": ["read"]})).await;
    admin.put("/v1/sources/a", &json!({"kind": "embedded"})).await;
    let reader = server.api().with_token(&text);
    // Samples are no change of what is configured, and come many times a second.
    assert_eq!(status(&admin, Method::POST, "/api/v1/write", "").await, 400);
    assert_eq!(status(&reader, Method::DELETE, "/v1/sources/a", "").await, 403);
    admin.get("/v1/rules").await.unwrap();
    let entries = eventually("the refusal is on record", PAGE_WITHIN, async || {
        let log = admin.get("/v1/audit").await?.json();
        let entries = log["entries"].as_array().cloned().unwrap_or_default();
        let refused = entries.iter().any(|entry| entry["status"] == 403);
        if refused {
            Ok(entries)
        } else {
            Err(log.to_string())
        }
    })
    .await;
    let texts: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {} {}", entry["method"], entry["path"], entry["status"]))
        .collect();
    let expected = [
        r#""DELETE" "/v1/sources/a" 403"#,
        r#""PUT" "/v1/sources/a" 201"#,
        r#""POST" "/v1/keys" 201"#,
        r#""POST" "/v1/keys" 201"#,
    ];
    assert_eq!(texts, expected, "the newest first, and nothing that only looks");
    assert_eq!(entries[0]["actor"], format!("key {id}"));
    assert_eq!(
        (&entries[3]["actor"], &entries[3]["address"]),
        (&json!("operator"), &json!("127.0.0.1"))
    );
    let printed = server.cli(&["--tenant", "acme", "get", "audit"]);
    assert!(printed.contains("/v1/sources/a"), "{printed}");
}

#[tokio::test]
async fn a_tenant_that_is_deleted_leaves_nothing() {
    let mut server = Server::start().await;
    let made = server.cli(&["create", "tenant", "acme", "--title", "ACME"]);
    assert_eq!(made, "tenant acme  created\n");
    let text = server.cli(&["--tenant", "acme", "create", "key", "--scope", "admin"]);
    let acme = server.api().with_token(text.trim());
    assert_eq!(
        acme.modules().await.unwrap().len(),
        server.api().modules().await.unwrap().len()
    );
    let group = json!({"interval": "1s", "rules": [{"alert": "Always", "expr": "vector(1)"}]});
    acme.put("/v1/groups/ns/g", &group).await;
    eventually("its rule fires", PAGE_WITHIN, async || acme.alert("Always").await).await;
    assert!(
        server.api().alerts().await.unwrap().is_empty(),
        "others see nothing of it"
    );
    server.restart().await;
    let acme = server.api().with_token(text.trim());
    eventually("it fires after a restart too", PAGE_WITHIN, async || {
        acme.alert("Always").await
    })
    .await;

    assert_eq!(
        server.cli(&["delete", "tenant", "acme"]),
        "tenant acme  deleted\n"
    );
    assert_eq!(status(&acme, Method::GET, "/v1/rules", "").await, 401);
    assert_eq!(
        status(&server.api().for_tenant("acme"), Method::GET, "/v1/rules", "").await,
        404
    );
    assert_eq!(
        status(server.api(), Method::DELETE, "/v1/tenants/acme", "").await,
        404
    );
    assert_eq!(
        status(server.api(), Method::DELETE, "/v1/tenants/default", "").await,
        409
    );
    // Whoever comes next under that name begins anew.
    let next = tenant(&server, "acme").await;
    assert_eq!(
        status(&acme, Method::GET, "/v1/rules", "").await,
        401,
        "old keys stay dead"
    );
    assert_eq!(
        next.get("/v1/groups").await.unwrap().json(),
        json!({"groups": []})
    );
    let samples = next.get("/api/v1/series?match[]=ALERTS").await.unwrap().json();
    assert_eq!(samples["data"], json!([]), "{samples}");
}

#[tokio::test]
async fn a_tenant_has_no_more_than_it_may_have() {
    let server = Server::start_with(&[("WASMALERT_QUOTA_SCRAPES", "0")]).await;
    let stock = server.api().modules().await.unwrap().len();
    let quotas = [
        ("groups", 1),
        ("rules", 3),
        ("sources", 1),
        ("secrets", 1),
        ("keys", 2),
        ("modules", stock),
    ];
    let mut create = vec!["create".to_owned(), "tenant".to_owned(), "acme".to_owned()];
    create.extend(
        quotas
            .iter()
            .map(|(name, value)| format!("--quota={name}={value}")),
    );
    server.cli(&create.iter().map(String::as_str).collect::<Vec<_>>());
    let admin = server.api().for_tenant("acme");
    let rules = |count: usize| {
        let rule = |at| json!({"alert": format!("A{at}"), "expr": "vector(0)"});
        json!({"interval": "1h", "rules": (0..count).map(rule).collect::<Vec<_>>()})
    };
    let put = async |path: &str, body: &Value| {
        let answer = admin
            .ask(Method::PUT, path, body.to_string().into_bytes())
            .await
            .unwrap();
        match answer.status {
            429 => answer.json()["detail"].as_str().unwrap_or_default().to_owned(),
            status => status.to_string(),
        }
    };
    assert_eq!(put("/v1/groups/ns/one", &rules(2)).await, "201");
    let over = "groups: 1 of 1 are used, and this needs 1 more";
    assert_eq!(put("/v1/groups/ns/two", &rules(1)).await, over);
    assert_eq!(put("/v1/groups/ns/one", &rules(3)).await, "200");
    let over = "rules: 3 of 3 are used, and this needs 1 more";
    assert_eq!(put("/v1/groups/ns/one", &rules(4)).await, over);
    let source = json!({"kind": "embedded"});
    assert_eq!(put("/v1/sources/a", &source).await, "201");
    assert_eq!(
        put("/v1/sources/b", &source).await,
        "sources: 1 of 1 are used, and this needs 1 more"
    );
    let changed = json!({"kind": "embedded", "timeout": "1s"});
    assert_eq!(
        put("/v1/sources/a", &changed).await,
        "200",
        "what is there may change"
    );
    assert_eq!(put("/v1/secrets/a", &json!({"value": "hush"})).await, "204");
    assert_eq!(put("/v1/secrets/a", &json!({"value": "hush2"})).await, "204");
    assert_eq!(
        put("/v1/secrets/b", &json!({"value": "hush"})).await,
        "secrets: 1 of 1 are used, and this needs 1 more"
    );
    let scrape = json!({"targets": ["127.0.0.1:1"]});
    assert_eq!(
        put("/v1/scrapes/a", &scrape).await,
        "scrapes: 0 of 0 are used, and this needs 1 more"
    );
    let upload = admin.upload("more", component("deadman")).await;
    assert_eq!(upload.problem(429), "modules_exceeded");
    for _ in 0..2 {
        key(&admin, json!({"scopes": ["read"]})).await;
    }
    let over = post(&admin, "/v1/keys", json!({"scopes": ["read"]})).await;
    assert_eq!(over.problem(429), "keys_exceeded");
    let limits = admin.get("/v1/limits").await.unwrap().json();
    let used: Vec<String> = limits["limits"]
        .as_array()
        .expect("limits")
        .iter()
        .filter(|limit| limit["used"] == limit["allowed"])
        .map(|limit| limit["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        used,
        [
            "modules", "groups", "rules", "sources", "secrets", "scrapes", "keys"
        ],
        "{limits}"
    );
    // Less than there is: nothing goes, and nothing comes.
    let fewer = json!({"quotas": {"rules": 1}});
    server.api().put("/v1/tenants/acme", &fewer).await;
    assert_eq!(put("/v1/groups/ns/one", &rules(2)).await, "200");
    let over = "rules: 2 of 1 are used, and this needs 1 more";
    assert_eq!(put("/v1/groups/ns/one", &rules(3)).await, over);
    let unknown = server
        .api()
        .ask(
            Method::PUT,
            "/v1/tenants/acme",
            br#"{"quotas": {"rule": 1}}"#.to_vec(),
        )
        .await;
    assert_eq!(unknown.unwrap().problem(422), "invalid");
}

#[tokio::test]
async fn the_audit_log_of_all_is_the_operators() {
    let server = Server::start().await;
    let (acme, other) = (tenant(&server, "acme").await, tenant(&server, "other").await);
    for api in [&acme, &other] {
        api.put("/v1/sources/a", &json!({"kind": "embedded"})).await;
        for path in ["/v1/audit/all", "/v1/audit/export"] {
            assert_eq!(api.get(path).await.unwrap().problem(403), "forbidden");
        }
    }
    assert_eq!(
        status(&server.api().with_token(BAD_KEY), Method::GET, "/v1/rules", "").await,
        401
    );
    let all = eventually("all is on record", PAGE_WITHIN, async || {
        let log = server.api().get("/v1/audit/all").await?.json();
        let entries = log["entries"].as_array().cloned().unwrap_or_default();
        let is_there = |status| entries.iter().any(|entry| entry["status"] == status);
        if is_there(401) && entries.iter().filter(|entry| entry["status"] == 403).count() == 4 {
            Ok(entries)
        } else {
            Err(log.to_string())
        }
    })
    .await;
    let of = |name: Value| all.iter().filter(|entry| entry["tenant"] == name).count();
    // A key made, a source, two refusals; two tenants made.
    assert_eq!(
        [of(json!("acme")), of(json!("other")), of(json!("default"))],
        [4, 4, 2]
    );
    let refused = all
        .iter()
        .find(|entry| entry["tenant"].is_null())
        .expect("who was turned away");
    assert_eq!(
        (&refused["actor"], &refused["path"]),
        (&json!("nobody"), &json!("/v1/rules"))
    );

    let exported = |text: &str| -> Vec<Value> {
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"));
        lines.collect()
    };
    let answer = server.api().get("/v1/audit/export").await.unwrap();
    assert_eq!(answer.content_type, "application/x-ndjson");
    let newest_first: Vec<_> = exported(&answer.text()).into_iter().rev().collect();
    assert_eq!(newest_first, all);
    assert_eq!(
        exported(&server.cli(&["export", "audit", "--since", "1h"])).len(),
        all.len()
    );
    assert_eq!(server.cli(&["export", "audit", "--until", "1h"]), "");
    let at = all[3]["at"].as_str().unwrap_or_default();
    let until = exported(&server.cli(&["export", "audit", "--until", at]));
    let since = exported(&server.cli(&["export", "audit", "--since", at]));
    assert_eq!((until.len() + since.len(), since.len() >= 4), (all.len(), true));
    let wrong = server
        .api()
        .get("/v1/audit/export?since=yesterday")
        .await
        .unwrap();
    assert_eq!(wrong.problem(400), "bad_request");
    let shown = server.cli(&["get", "audit", "--all-tenants", "--limit", "3"]);
    assert_eq!(shown.lines().count(), 4, "{shown}");
    assert!(server.cli(&["get", "audit", "--turned-away"]).contains("nobody"));
}
