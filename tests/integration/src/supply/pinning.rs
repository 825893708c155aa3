//! Rules and receivers that are pinned to the bytes of their modules.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, PAGE_WITHIN, Server, component, eventually, guest};

async fn put(server: &Server, path: &str, body: &Value) -> Answer {
    let body = body.to_string().into_bytes();
    let answer = server.api().ask(Method::PUT, path, body).await;
    answer.unwrap_or_else(|e| panic!("{e}"))
}

fn rule(version: Option<u32>, digest: &str) -> Value {
    let mut rule = json!({"alert": "A", "module": "mine", "digest": digest, "config": {"do": "ok"}});
    if let Some(version) = version {
        rule["version"] = version.into();
    }
    json!({"interval": "1s", "rules": [rule]})
}

#[tokio::test]
async fn other_bytes_are_refused_and_pinned_ones_cannot_be_deleted() {
    let server = Server::start().await;
    let old = server.api().push("mine", guest("evaluate")).await;
    let new = server.api().push("mine", component("deadman")).await;
    let path = "/v1/groups/test/pinned";
    let mismatch = put(&server, path, &rule(Some(1), &new.digest)).await;
    assert_eq!(mismatch.problem(422), "invalid");
    assert!(
        mismatch
            .text()
            .contains("rules[0].module: the module mine version 1 is sha256:")
    );
    let nobody = format!("sha256:{}", "0".repeat(64));
    let unknown = put(&server, path, &rule(None, &nobody)).await;
    assert!(
        unknown.text().contains("no version of the module mine"),
        "{unknown}"
    );
    let malformed = put(&server, path, &rule(None, "sha256:ABC")).await;
    assert!(
        malformed.text().contains("rules[0].digest: is not sha256:"),
        "{malformed}"
    );

    // Without a version, the one that has the bytes: here not the newest.
    let pinned = put(&server, path, &rule(None, &old.digest)).await;
    assert_eq!(pinned.status, 201, "{pinned}");
    let shown = server
        .api()
        .get("/v1/rules")
        .await
        .expect("the server answers")
        .json();
    assert_eq!(shown["rules"][0]["digest"], old.digest.as_str());
    eventually("the old bytes run", PAGE_WITHIN, async || {
        let rule = server.api().rule("test", "pinned", "A").await?;
        if rule.health == "ok" {
            Ok(())
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
    let deleted = server.api().delete("/v1/modules/mine/versions/1").await;
    assert_eq!(deleted.expect("the server answers").problem(409), "in_use");

    let hook = server.api().push("hook", component("webhook")).await;
    let receiver =
        |digest: &str| json!({"module": "hook", "digest": digest, "config": {"url": "http://127.0.0.1:1"}});
    let refused = put(&server, "/v1/receivers/r", &receiver(&old.digest)).await;
    assert_eq!(refused.problem(422), "invalid");
    let malformed = put(&server, "/v1/receivers/r", &receiver("latest")).await;
    assert!(malformed.text().contains("digest: is not sha256:"), "{malformed}");
    let taken = put(&server, "/v1/receivers/r", &receiver(&hook.digest)).await;
    assert_eq!(taken.status, 201, "{taken}");
}

/// As when a backup, or somebody with the file in hand, changed what is stored.
#[tokio::test]
async fn a_rule_whose_module_has_other_bytes_is_in_error() {
    let mut server = Server::start().await;
    let module = server.api().push("mine", guest("evaluate")).await;
    let pinned = put(&server, "/v1/groups/test/pinned", &rule(Some(1), &module.digest)).await;
    assert_eq!(pinned.status, 201, "{pinned}");
    server.stop();
    let file = server.data_dir().join("wasmalert.sqlite");
    let mut bytes = std::fs::read(&file).expect("the store is a file");
    let needle = format!("\"digest\":\"{}\"", module.digest).into_bytes();
    let other = format!("\"digest\":\"sha256:{}\"", "0".repeat(64)).into_bytes();
    let places: Vec<usize> = bytes
        .windows(needle.len())
        .enumerate()
        .filter_map(|(at, window)| (window == needle).then_some(at))
        .collect();
    assert!(!places.is_empty(), "the group is in the file as it was given");
    for at in places {
        bytes[at..at + other.len()].copy_from_slice(&other);
    }
    std::fs::write(&file, bytes).expect("the store is writable");
    server.restart().await;
    eventually("the rule is in error", PAGE_WITHIN, async || {
        let rule = server.api().rule("test", "pinned", "A").await?;
        let message = rule.error.as_ref().map_or("", |error| error.message.as_str());
        if rule.code() == "module_unavailable" && message.contains("that it is pinned to") {
            Ok(())
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
}

/// What was compiled is a cache: without it the stored bytes are compiled anew, if they are
/// those of the digest.
#[tokio::test]
async fn stored_bytes_that_were_changed_are_not_run() {
    let mut server = Server::start().await;
    let wasm = guest("evaluate");
    let module = server.api().push("mine", wasm.clone()).await;
    let pinned = put(&server, "/v1/groups/test/pinned", &rule(None, &module.digest)).await;
    assert_eq!(pinned.status, 201, "{pinned}");
    server.stop();
    std::fs::remove_dir_all(server.data_dir().join("cwasm")).expect("there is a cache");
    let file = server.data_dir().join("wasmalert.sqlite");
    let mut bytes = std::fs::read(&file).expect("the store is a file");
    // A piece that lies on one page of the file.
    let piece = &wasm[wasm.len() / 2..][..32];
    let at = bytes.windows(piece.len()).position(|window| window == piece);
    bytes[at.expect("the module is in the file")] ^= 1;
    std::fs::write(&file, bytes).expect("the store is writable");
    server.restart().await;
    eventually("the rule is in error", PAGE_WITHIN, async || {
        let rule = server.api().rule("test", "pinned", "A").await?;
        let message = rule.error.as_ref().map_or("", |error| error.message.as_str());
        if rule.code() == "module_unavailable" && message.contains("the bytes in the store are others") {
            Ok(())
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
}
