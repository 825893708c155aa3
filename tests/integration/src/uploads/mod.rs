//! Uploads that must be refused, at no cost that lasts.

mod attacks;
mod bombs;
mod descriptions;
pub(crate) mod patch;

use serde_json::json;

use crate::harness::{PAGE_WITHIN, Server, component, eventually, guest};
pub(crate) use attacks::{BadUpload, bad_uploads};

/// Resident bytes that the server may keep after all refusals.
const GROWTH_BYTES_MAX: u64 = 64 << 20;
/// What a compilation may take here, so that what grows without end is stopped soon.
const COMPILE_MEMORY_BYTES: &str = "805306368";
/// The longest text of a refusal.
const TEXT_BYTES_MAX: usize = 1_100;

#[tokio::test]
async fn are_refused_with_a_reason_and_leave_nothing_behind() {
    let server = Server::start_with(&[
        // On a busy machine the usual deadline would come before the fuel is used up.
        ("WASMALERT_LIMIT_DEADLINE_MS", "60000"),
        ("WASMALERT_COMPILE_CPU_SECONDS", "3"),
        ("WASMALERT_COMPILE_MEMORY_BYTES", COMPILE_MEMORY_BYTES),
    ])
    .await;
    server.api().push("guest", guest("evaluate")).await;
    let good = json!([{"alert": "Neighbour", "module": "guest", "config": {"do": "ok"}}]);
    server.group("neighbour", good).await;
    let mut wrong = Vec::new();
    for upload in bad_uploads() {
        wrong.extend(refused(&server, upload).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What is allocated once is there by now.
    let before = server.resident_bytes();
    for _ in 0..2 {
        for upload in bad_uploads() {
            if upload.code != "compile_timeout" {
                wrong.extend(refused(&server, upload).await.err());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let bad = server.api().get("/v1/modules/bad").await;
    assert_eq!(bad.expect("the server answers").problem(404), "not_found");
    server.grows_by_less_than(before, GROWTH_BYTES_MAX).await;
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

async fn refused(server: &Server, upload: BadUpload) -> Result<(), String> {
    let BadUpload {
        name,
        code,
        word,
        bytes,
    } = upload;
    let answer = server.api().upload("bad", bytes).await;
    let problem = answer.json();
    let detail = problem["detail"].as_str().unwrap_or_default();
    let listed = problem["problems"].as_array().cloned().unwrap_or_default();
    let texts = || listed.iter().filter_map(|text| text.as_str()).chain([detail]);
    let is_clear = detail.contains(word)
        && answer.content_type == "application/problem+json"
        && texts().all(|text| !text.is_empty() && text.len() <= TEXT_BYTES_MAX)
        && !texts().any(|text| text.chars().any(char::is_control));
    if problem["code"] == code && answer.status == 422 && is_clear {
        Ok(())
    } else {
        Err(format!("{name}: expected {code} with '{word}', but {answer}"))
    }
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
