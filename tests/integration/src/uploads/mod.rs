//! Uploads that must be refused, at no cost that lasts.

mod patch;

use std::time::Duration;

use serde_json::json;

use crate::harness::{PAGE_WITHIN, Server, component, eventually, guest};
use patch::{with_functions, with_start};

/// Resident bytes that the server may keep after all refusals.
const GROWTH_BYTES_MAX: u64 = 32 << 20;

/// A bad upload: its name, its bytes, the code of the problem, and a word that
/// its text has to have.
type Bad = (&'static str, Vec<u8>, &'static str, &'static str);

fn bad_uploads() -> Vec<Bad> {
    let good = component("prometheus");
    let module = guest("evaluate");
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    vec![
        ("empty", Vec::new(), "empty_module", "empty"),
        ("text", b"this is no wasm at all".to_vec(), "not_wasm", "wasm"),
        (
            "html",
            b"<html><body>404</body></html>".to_vec(),
            "not_wasm",
            "wasm",
        ),
        ("magic alone", b"\0asm".to_vec(), "invalid_wasm", ""),
        ("truncated component", cut(&good), "invalid_wasm", ""),
        ("truncated module", cut(&module), "invalid_wasm", ""),
        (
            "module without world",
            b"\0asm\x01\0\0\0".to_vec(),
            "no_component_type",
            "component",
        ),
        ("wrong world", guest("wrong_world"), "world_unknown", "notifier"),
        (
            "extra import",
            guest("extra_import"),
            "world_mismatch",
            "wall-clock",
        ),
        (
            "1 GB of memory",
            guest("memory_1gb"),
            "memory_too_large",
            "memories",
        ),
        (
            "100,000 functions",
            with_functions(&module, 100_000),
            "too_complex",
            "functions",
        ),
        (
            "endless start function",
            with_start(&guest("start_loop"), "spin"),
            "fuel_exceeded",
            "fuel",
        ),
        (
            "endless describe",
            guest("describe_loop"),
            "fuel_exceeded",
            "fuel",
        ),
        ("trap in describe", guest("describe_trap"), "trap", "describe"),
    ]
}

#[tokio::test]
async fn are_refused_with_a_reason() {
    // On a busy machine the deadline would come before the fuel is used up.
    let server = Server::start_with(&[("WASMALERT_LIMIT_DEADLINE_MS", "60000")]).await;
    let mut wrong = Vec::new();
    for (name, bytes, code, word) in bad_uploads() {
        let answer = server.api().upload("bad", bytes).await;
        let problem = answer.json();
        let refused = (400..500).contains(&answer.status);
        let clear = answer.content_type == "application/problem+json"
            && problem["code"] == code
            && problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(word));
        if !refused || !clear {
            wrong.push(format!("{name}: expected {code} with '{word}', but {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let none = server
        .api()
        .get("/v1/modules/bad")
        .await
        .expect("the server answers");
    assert_eq!(none.problem(404), "not_found");
}

#[tokio::test]
async fn leave_nothing_behind() {
    let server = Server::start().await;
    server.api().push("guest", guest("evaluate")).await;
    server
        .group(
            "neighbour",
            json!([{"alert": "Neighbour", "module": "guest", "config": {"do": "ok"}}]),
        )
        .await;
    // The first round warms up what is allocated once.
    for (_, bytes, ..) in bad_uploads() {
        server.api().upload("bad", bytes).await;
    }
    let before = server.resident_bytes();
    for _ in 0..3 {
        for (_, bytes, ..) in bad_uploads() {
            server.api().upload("bad", bytes).await;
        }
    }
    eventually(
        "memory is back where it was",
        Duration::from_secs(10),
        async || {
            let growth = server.resident_bytes().saturating_sub(before);
            if growth < GROWTH_BYTES_MAX {
                Ok(())
            } else {
                Err(format!("{growth} bytes more"))
            }
        },
    )
    .await;
    eventually("the neighbour is well", PAGE_WITHIN, async || {
        let rule = server.api().rule("test", "neighbour", "Neighbour").await?;
        if rule.health == "ok" {
            Ok(())
        } else {
            Err(format!("{rule:?}"))
        }
    })
    .await;
    server.api().push("good", component("prometheus")).await;
}

#[tokio::test]
async fn larger_than_the_limit_are_cut_off() {
    const BYTES: usize = 256 << 20;
    let server = Server::start().await;
    let before = server.resident_bytes();
    // The server may close while we still send; both count as a refusal.
    let upload = server
        .api()
        .ask(reqwest::Method::POST, "/v1/modules/big", vec![0; BYTES])
        .await;
    if let Ok(answer) = upload {
        assert_eq!(answer.problem(413), "too_large");
    }
    let growth = server.resident_bytes().saturating_sub(before);
    assert!(growth < BYTES as u64, "the server keeps {growth} bytes");
    let none = server
        .api()
        .get("/v1/modules/big")
        .await
        .expect("the server still answers");
    assert_eq!(none.problem(404), "not_found");
}
