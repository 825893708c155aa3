//! 10,000 PromQL rules in 1,000 groups every five seconds, beside Debian's vmalert: evaluations for each second of
//! processor time, and slots missed. Both ask the same source, which costs next to nothing and counts what it is asked.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use wasmalert_bench::process::Process;
use wasmalert_bench::{Scratch, report};

const GROUPS: usize = 1_000;
const RULES_PER_GROUP: usize = 10;
const INTERVAL: &str = "5s";
/// Groups of one request.
const GROUPS_AT_ONCE: usize = 250;
/// Time until what is measured is like any other.
const SETTLE: Duration = Duration::from_secs(15);
const MEASURED: Duration = Duration::from_secs(30);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Answers every query alike, in the words of Prometheus' API, and takes whatever an Alertmanager is sent.
struct Source {
    address: String,
    asked: Arc<AtomicU64>,
    /// Whether there is a series for each query.
    fires: Arc<AtomicBool>,
}

impl Source {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let source = Self {
            address: listener.local_addr()?.to_string(),
            asked: Arc::default(),
            fires: Arc::default(),
        };
        let (asked, fires) = (source.asked.clone(), source.fires.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, fires) = (asked.clone(), fires.clone());
                // A connection that breaks off is the client's business.
                thread::spawn(move || drop(answer(&stream, &asked, &fires)));
            }
        });
        Ok(source)
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

fn answer(stream: &TcpStream, asked: &AtomicU64, fires: &AtomicBool) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let mut line = String::new();
    loop {
        let (mut length, mut is_query) = (0, false);
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let lower = line.trim().to_ascii_lowercase();
            if lower.is_empty() {
                break;
            }
            is_query |= lower.contains("/api/v1/query");
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        asked.fetch_add(u64::from(is_query), Ordering::Relaxed);
        let series = match fires.load(Ordering::Relaxed) {
            true => r#"{"metric":{"instance":"a.example:9100","job":"node"},"value":[1700000000,"1"]}"#,
            false => "",
        };
        let body = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#);
        let length = body.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        writer.write_all((head + &body).as_bytes())?;
    }
}

fn main() -> Result<()> {
    let scratch = Scratch::new("rules")?;
    let source = Source::start()?;
    let vmalert = scratch.path().join("rules.yml");
    fs::write(&vmalert, rule_file())?;
    for (name, fires) in [("quiet", false), ("all_fire", true)] {
        source.fires.store(fires, Ordering::Relaxed);
        let dir = scratch.path().join(name);
        fs::create_dir_all(&dir)?;
        let server = Process::wasmalert(&dir, &[])?;
        let spec = json!({"kind": "prometheus", "url": format!("http://{}", source.address)});
        ask(&server, "PUT", "/v1/sources/default", &spec)?;
        let receiver = json!({"module": "alertmanager", "config": {"url": spec["url"]}});
        ask(&server, "PUT", "/v1/receivers/default", &receiver)?;
        for first in (0..GROUPS).step_by(GROUPS_AT_ONCE) {
            let groups: Vec<Value> = (first..first + GROUPS_AT_ONCE).map(group).collect();
            ask(&server, "POST", "/v1/config", &json!({"put": {"groups": groups}}))?;
        }
        let ours = measure(&server, &source)?;
        let missed = missed(&server)?;
        server.stop()?;
        let reference = Process::vmalert(scratch.path(), &vmalert, &source.address, INTERVAL)?;
        let theirs = measure(&reference, &source)?;
        reference.stop()?;
        let unit = "evaluations per core-second";
        report(&format!("rules/{name}"), ours.0, theirs.0, unit);
        report(
            &format!("rules/{name}_per_second"),
            ours.1,
            theirs.1,
            "evaluations per second",
        );
        let slots = (SETTLE + MEASURED).as_secs_f64() / 5.0 * (GROUPS * RULES_PER_GROUP) as f64;
        report(&format!("rules/{name}_missed"), missed, slots, "evaluations");
    }
    Ok(())
}

/// Evaluations for each second of processor time, and for each second.
fn measure(server: &Process, source: &Source) -> Result<(f64, f64)> {
    thread::sleep(SETTLE);
    let (asked, cpu) = (source.asked(), server.cpu_seconds()?);
    thread::sleep(MEASURED);
    let asked = (source.asked() - asked) as f64;
    Ok((
        asked / (server.cpu_seconds()? - cpu),
        asked / MEASURED.as_secs_f64(),
    ))
}

/// Evaluations that slots were missed of.
fn missed(server: &Process) -> Result<f64> {
    let answer: Value = serde_json::from_str(&server.ask("GET", "/v1/rules", &[], b"")?)?;
    let rules = answer["rules"].as_array().ok_or("no rules")?;
    Ok(rules.iter().filter_map(|rule| rule["missed"].as_f64()).sum())
}

fn ask(server: &Process, method: &str, path: &str, body: &Value) -> Result<()> {
    let json = [("Content-Type", "application/json")];
    server
        .ask(method, path, &json, body.to_string().as_bytes())
        .map(drop)
}

/// Different from rule to rule, so that no question is asked for two.
fn expr(group: usize, rule: usize) -> String {
    format!("up{{job=\"node\",shard=\"{group}-{rule}\"}} == 0")
}

fn group(at: usize) -> Value {
    let rule = |rule: usize| {
        json!({"alert": format!("Down{rule}"), "expr": expr(at, rule), "labels": {"severity": "page"},
            "annotations": {"summary": "an instance is down"}})
    };
    let rules: Vec<Value> = (0..RULES_PER_GROUP).map(rule).collect();
    json!({"namespace": "bench", "name": format!("g{at}"), "spec": {"interval": INTERVAL, "rules": rules}})
}

/// The same as a rule file.
fn rule_file() -> String {
    let mut text = String::from("groups:\n");
    for at in 0..GROUPS {
        let _ = writeln!(text, "- name: g{at}\n  interval: {INTERVAL}\n  rules:"); // into memory
        for rule in 0..RULES_PER_GROUP {
            let _ = writeln!(
                text,
                "  - alert: Down{rule}\n    expr: '{}'\n    labels: {{severity: page}}\n    \
                 annotations: {{summary: an instance is down}}",
                expr(at, rule)
            );
        }
    }
    text
}
