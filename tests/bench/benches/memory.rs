//! What an idle rule keeps resident: 10,000 rules of one component in a running
//! server, none of them due, divided into what the server grows by.

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use wasmalert_bench::{Scratch, now, program, report};

const GROUPS: usize = 100;
const RULES_PER_GROUP: usize = 100;
/// What a rule may take.
const AIM_BYTES: f64 = 4_096.0;
const TOKEN: &str = "token-of-the-benchmark";
const START_WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);
/// Time that the server has to give back what it no longer needs.
const SETTLE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new("memory")?;
    let server = Server::start(scratch.path())?;
    let source = json!({"kind": "prometheus", "url": "http://127.0.0.1:9"});
    server.put("/v1/sources/prom", &source)?;
    // The first group pays for what all share.
    server.put("/v1/groups/bench/first", &group())?;
    thread::sleep(SETTLE);
    let before = server.resident_bytes()?;
    for at in 0..GROUPS {
        server.put(&format!("/v1/groups/bench/group-{at}"), &group())?;
    }
    thread::sleep(SETTLE);
    let grown = server.resident_bytes()?.saturating_sub(before);
    let rules = (GROUPS * RULES_PER_GROUP) as f64;
    report("memory/idle_rule", grown as f64 / rules, AIM_BYTES, "bytes");
    Ok(())
}

/// Rules as people write them. Once a day: next to none comes due meanwhile.
fn group() -> Value {
    let rule = |at: usize| {
        json!({
            "alert": format!("HighErrorRate{at:03}"),
            "expr": format!("sum by (job) (rate(http_errors_total{{shard=\"{at}\"}}[5m])) > 0.05"),
            "for": "5m",
            "source": "prom",
            "labels": {"severity": "page", "team": "platform"},
            "annotations": {"summary": "{{ $labels.job }} answers too many requests with errors"},
        })
    };
    json!({"interval": "1d", "rules": (0..RULES_PER_GROUP).map(rule).collect::<Vec<_>>()})
}

/// `wasmalert serve` in a folder and on a port of its own; dropping it ends it.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let log = dir.join("server.log");
        let output = File::create(&log)?;
        let child = Command::new(program("wasmalert")?)
            .arg("serve")
            .env("WASMALERT_LISTEN", "127.0.0.1:0")
            .env("WASMALERT_DATA_DIR", dir.join("data"))
            .env("WASMALERT_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()?;
        let mut server = Self {
            child,
            address: String::new(),
        };
        let started = now();
        while started.elapsed() < START_WITHIN {
            if let Some(address) = address(&fs::read_to_string(&log)?) {
                server.address = address;
                if server.ask("GET", "/-/ready", "").is_ok() {
                    return Ok(server);
                }
            }
            thread::sleep(PAUSE);
        }
        Err(format!("the server is not ready: {}", fs::read_to_string(&log)?).into())
    }

    fn put(&self, path: &str, body: &Value) -> Result<(), Box<dyn Error>> {
        self.ask("PUT", path, &body.to_string())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<(), Box<dyn Error>> {
        let mut stream = TcpStream::connect(&self.address)?;
        let (address, length) = (&self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 2") {
            Ok(())
        } else {
            Err(format!("{method} {path}: {answer}").into())
        }
    }

    fn resident_bytes(&self) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("the kernel tells no VmRSS")?.parse::<u64>()? << 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `127.0.0.1:PORT` of the line that says where the server listens.
fn address(log: &str) -> Option<String> {
    let (_, after) = log.split_once("listening on http://")?;
    let (address, _) = after.split_once(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'))?;
    Some(address.to_owned())
}
