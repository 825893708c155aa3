//! Tenants who do what they can to be in the way of others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use wasmalert_bench::process::{Process, TOKEN};
use wasmalert_bench::{component, guest};

use crate::good::put;
use crate::sink::Sink;
use crate::{ATTACKERS, Result};

/// The argument that makes this program the process of the attackers.
pub(crate) const COMMAND: &str = "attack";
const RULES: usize = 10;
/// After a call that failed.
const PAUSE: Duration = Duration::from_millis(20);
/// Answers wait no longer.
const PATIENCE: Duration = Duration::from_secs(90);

fn name(at: usize) -> String {
    format!("bad-{at}")
}

/// Rules that run as long, take as much memory, ask as much and notify as often as they may.
pub(crate) fn set_up(server: &Process, sink: &Sink, at: usize) -> Result<()> {
    let tenant = name(at);
    put(server, "default", &format!("/v1/tenants/{tenant}"), &json!({}))?;
    let headers = [
        ("Content-Type", "application/wasm"),
        ("X-Scope-OrgID", tenant.as_str()),
    ];
    server.ask("POST", "/v1/modules/hostile", &headers, &guest("evaluate")?)?;
    let receiver = json!({"module": "webhook", "config": {"url": sink.slow_url()}});
    for receiver_name in ["one", "two", "three"] {
        put(
            server,
            &tenant,
            &format!("/v1/receivers/{receiver_name}"),
            &receiver,
        )?;
    }
    let hostile = |what: &str| json!({"module": "hostile", "config": {"do": what}});
    let floods = [
        ("fuel", hostile("fuel_exceeded")),
        ("more_fuel", hostile("fuel_exceeded")),
        ("memory", hostile("memory_bytes_exceeded")),
        ("findings", hostile("findings_exceeded")),
        (
            "queries",
            json!({"expr": "count_over_time(vector(1)[20d:1s]) > 1e9"}),
        ),
        (
            "notifications",
            json!({"expr": "vector(time()) % 2 == 1", "receivers": ["one", "two", "three"]}),
        ),
    ];
    for (group, rule) in floods {
        let rule = |at: usize| {
            let mut rule = rule.clone();
            rule["alert"] = Value::from(format!("{group}{at}"));
            rule
        };
        let rules: Vec<Value> = (0..RULES).map(rule).collect();
        for copy in 0..5 {
            let path = format!("/v1/groups/bench/{group}-{copy}");
            put(server, &tenant, &path, &json!({"interval": "1s", "rules": rules}))?;
        }
    }
    Ok(())
}

/// Calls without end, until the process is ended.
pub(crate) fn run(address: &str) -> Result<()> {
    let module = component("prometheus")?;
    let floods = (0..ATTACKERS).flat_map(|at| (0..5).map(move |what| (at, what)));
    let threads: Vec<_> = floods
        .map(|(at, what)| {
            let (address, module) = (address.to_owned(), module.clone());
            thread::spawn(move || flood(&address, &name(at), what, &module))
        })
        .collect();
    for thread in threads {
        let _ = thread.join();
    }
    Ok(())
}

fn flood(address: &str, tenant: &str, what: usize, module: &[u8]) {
    let query = "/api/v1/query?query=count_over_time(vector(1)%5B20d%3A1s%5D)";
    for number in 0..u64::MAX {
        let called = match what {
            0 => {
                let path = format!("/v1/modules/flood{}", number % 20);
                call(
                    address,
                    tenant,
                    "POST",
                    &path,
                    "application/wasm",
                    &changed(module, number),
                )
            }
            1 => call(
                address,
                tenant,
                "DELETE",
                &format!("/v1/modules/flood{}", number % 20),
                "",
                b"",
            ),
            2 | 3 => call(address, tenant, "GET", query, "", b""),
            _ => {
                let rule = json!({"alert": format!("A{number}"), "expr": "vector(1) > 2"});
                let group = json!({"interval": "1s", "rules": [rule]}).to_string();
                let path = format!("/v1/groups/flood/{}", number % 100);
                call(
                    address,
                    tenant,
                    "PUT",
                    &path,
                    "application/json",
                    group.as_bytes(),
                )
            }
        };
        if called.is_none() {
            thread::sleep(PAUSE);
        }
    }
}

/// The same module with another custom section, which makes it another one.
fn changed(module: &[u8], number: u64) -> Vec<u8> {
    let mut changed = module.to_vec();
    // A custom section of 11 bytes: a name of two, and the number.
    changed.extend([0, 11, 2, b'n', b'o']);
    changed.extend(number.to_le_bytes());
    changed
}

/// One call as the operator for a tenant; none when it was not taken.
fn call(address: &str, tenant: &str, method: &str, path: &str, kind: &str, body: &[u8]) -> Option<()> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\nX-Scope-OrgID: {tenant}\r\n\
         Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    answer.starts_with(b"HTTP/1.1 2").then_some(())
}
