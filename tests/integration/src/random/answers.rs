//! Sources that answer anything: whatever comes, the query fails with a code or has a result.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::{Chance, Codes, GROWTH_BYTES_MAX, Plan, assert_no_panic, is_clear};
use crate::harness::{Server, eventually};

/// Answers of a plain run.
const ANSWERS: u64 = 150;
/// Rules that ask at a time, each a source of its own.
const RULES: usize = 15;
/// Changes of a good answer.
const CHANGES_MAX: usize = 6;
const PAUSE: Duration = Duration::from_millis(40);
/// How long a source waits for a request on a connection.
const IDLE: Duration = Duration::from_secs(30);

const BODIES: [&str; 5] = [
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"load","a":"b"},"value":[1700000000,"1.5"]}]}}"#,
    r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"\u00e9"},"values":[[1,"1"],[2.5,"NaN"]]}]}}"#,
    r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000.123,"+Inf"]},"warnings":["w"]}"#,
    r#"{"status":"error","errorType":"execution","error":"it is \"broken\"\n"}"#,
    r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
];
const STATUSES: [&str; 7] = [
    "204 No Content",
    "302 Found",
    "400 Bad Request",
    "503 Busy",
    "99 Low",
    "1000 High",
    "OK",
];
const HEADERS: [&str; 10] = [
    "content-type: application/json",
    "content-encoding: gzip",
    "content-encoding: zstd",
    "transfer-encoding: chunked",
    "content-length: 99999999999999999999",
    "content-length: 0",
    "connection: close",
    "location: //[::",
    "retry-after: -1",
    "no header at all",
];

#[tokio::test]
async fn end_with_a_code_and_leave_nothing_behind() {
    let (plan, codes) = (Plan::new(ANSWERS), Codes::read());
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a port");
    let url = format!(
        "http://{}",
        listener.local_addr().expect("a bound socket has an address")
    );
    let given = Arc::new(AtomicU64::new(0));
    let source = tokio::spawn(answer_all(listener, plan.seed, given.clone()));
    let server = Server::start().await;
    let mut rules = Vec::new();
    for at in 0..RULES {
        let source = format!("source-{at}");
        let spec =
            json!({"kind": "prometheus", "url": url, "timeout": "500ms", "max_response_bytes": 100_000});
        server.api().put(&format!("/v1/sources/{source}"), &spec).await;
        rules.push(json!({"alert": source, "expr": format!("load > {at}"), "source": source}));
    }
    server.group("random", json!(rules)).await;
    let mut before_bytes = None;
    let mut ends = BTreeMap::<String, u64>::new();
    while plan.goes_on(given.load(Ordering::Relaxed)) {
        sleep(Duration::from_secs(1)).await;
        before_bytes.get_or_insert_with(|| server.resident_bytes());
        assert_no_panic(&server);
        for rule in server.api().rules().await.unwrap_or_else(|e| panic!("{e}")) {
            let Some(fault) = &rule.error else {
                *ends.entry(rule.health).or_default() += 1;
                continue;
            };
            let is_clear = is_clear(&fault.message);
            assert!(
                codes.allow(&fault.code) && is_clear,
                "seed {}: {rule:?}",
                plan.seed
            );
            *ends.entry(fault.code.clone()).or_default() += 1;
        }
    }
    eprintln!("{} answers: {ends:#?}", given.load(Ordering::Relaxed));
    assert!(
        ends.contains_key("ok") && ends.contains_key("query_bad_response"),
        "{ends:?}"
    );
    source.abort();
    eventually("the source is gone", IDLE, async || {
        let rules = server.api().rules().await?;
        let gone = rules.iter().all(|rule| rule.health == "err");
        gone.then_some(()).ok_or(format!("{rules:?}"))
    })
    .await;
    server
        .grows_by_less_than(before_bytes.unwrap_or_default(), GROWTH_BYTES_MAX)
        .await;
}

async fn answer_all(listener: TcpListener, seed: u64, given: Arc<AtomicU64>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer_each(stream, seed, given.clone()));
    }
}

/// Answers until the answer says, or the server finds, that the connection has to end.
async fn answer_each(mut stream: TcpStream, seed: u64, given: Arc<AtomicU64>) {
    let mut request = [0; 4_096];
    // A request is small and comes in one piece.
    while let Ok(Ok(1..)) = timeout(IDLE, stream.read(&mut request)).await {
        let mut chance = Chance::new(seed, given.fetch_add(1, Ordering::Relaxed));
        let answer = answer(&mut chance);
        let pieces = if chance.below(8) == 0 {
            1 + chance.below(20)
        } else {
            1
        };
        for piece in answer.chunks(answer.len().div_ceil(pieces).max(1)) {
            if stream.write_all(piece).await.is_err() {
                return;
            }
            if pieces > 1 {
                sleep(PAUSE).await;
            }
        }
        if chance.below(8) == 0 {
            return;
        }
    }
}

/// A whole answer, or what nearly is one.
fn answer(chance: &mut Chance) -> Vec<u8> {
    let mut body = chance.one_of(&BODIES).as_bytes().to_vec();
    // About half of the answers are whole in each of their parts.
    let changes = chance.below(2) * chance.below(CHANGES_MAX);
    for _ in 0..changes {
        change(&mut body, chance);
    }
    if chance.below(20) == 0 {
        body = body.repeat(2_000);
    }
    let is_other = chance.below(4) == 0;
    let status = if is_other {
        chance.one_of(&STATUSES)
    } else {
        "200 OK"
    };
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for _ in 0..chance.below(2) * chance.below(3) {
        head.push_str(chance.one_of(&HEADERS));
        head.push_str("\r\n");
    }
    match chance.below(8) {
        0 => {}
        1 => head.push_str(&format!(
            "content-length: {}\r\n",
            chance.below(2 * body.len() + 1)
        )),
        2 => {
            head.push_str("transfer-encoding: chunked\r\n");
            body = chunked(&body, chance);
        }
        _ => head.push_str(&format!("content-length: {}\r\n", body.len())),
    }
    let mut answer = [head.as_bytes(), b"\r\n", &*body].concat();
    match chance.below(16) {
        0 => answer.truncate(chance.below(answer.len())),
        1 => change(&mut answer, chance),
        2 => answer = chance.bytes(100),
        _ => {}
    }
    answer
}

/// Changes a byte, takes some away, or doubles some.
fn change(bytes: &mut Vec<u8>, chance: &mut Chance) {
    if bytes.is_empty() {
        return;
    }
    let at = chance.below(bytes.len());
    let end = (at + 1 + chance.below(16)).min(bytes.len());
    match chance.below(4) {
        0 => bytes[at] = chance.bytes(1)[0],
        1 => drop(bytes.drain(at..end)),
        2 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => bytes[at] = chance.one_of(b"\"{}[],:\\0-.eN\n"),
    }
}

fn chunked(body: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut chunked = Vec::new();
    for chunk in body.chunks(1 + chance.below(64)) {
        let wrong = usize::from(chance.below(50) == 0);
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len() + wrong).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    if chance.below(8) > 0 {
        chunked.extend_from_slice(b"0\r\n\r\n");
    }
    chunked
}
