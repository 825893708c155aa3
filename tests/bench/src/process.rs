//! Servers under measurement: a wasmalert, a Prometheus, a vmalert.

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::{now, program};

/// The operator's token of every server here.
pub const TOKEN: &str = "token-of-the-benchmark";
const START_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);
/// Ticks of `/proc/PID/stat` in a second, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A server on a port of its own; dropping it ends it.
pub struct Process {
    child: Child,
    address: String,
}

impl Process {
    /// `wasmalert serve` with its data in a folder, once it is ready.
    ///
    /// # Errors
    /// It was not built, or is not ready in time.
    pub fn wasmalert(dir: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(program("wasmalert")?);
        command
            .arg("serve")
            .env("WASMALERT_LISTEN", &address)
            .env("WASMALERT_DATA_DIR", dir.join("data"))
            .env("WASMALERT_TOKEN", TOKEN)
            .envs(settings.iter().copied());
        Self::start(command, address, &dir.join("wasmalert.log"))
    }

    /// Debian's `prometheus`, which scrapes nothing and takes remote write, once it
    /// is ready.
    ///
    /// # Errors
    /// It is not installed, or is not ready in time.
    pub fn prometheus(dir: &Path) -> Result<Self> {
        let (address, config) = (free_address()?, dir.join("prometheus.yml"));
        fs::write(&config, "global: {}\n")?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("prometheus").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .args(["--web.enable-remote-write-receiver", "--log.level=warn"]);
        Self::start(command, address, &dir.join("prometheus.log"))
    }

    /// Debian's `vmalert` with a rule file and a source, which it tells of alerts too, once it answers.
    ///
    /// # Errors
    /// It is not installed (package `victoria-metrics`), or does not answer in time.
    pub fn vmalert(dir: &Path, rules: &Path, source: &str, interval: &str) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new("vmalert");
        command
            .arg(format!("-rule={}", rules.display()))
            .arg(format!("-datasource.url=http://{source}"))
            .arg(format!("-httpListenAddr={address}"))
            .arg(format!("-evaluationInterval={interval}"))
            .arg(format!("-notifier.url=http://{source}"))
            .arg("-loggerLevel=WARN");
        Self::start_until(command, address, &dir.join("vmalert.log"), "/health")
    }

    fn start(command: Command, address: String, log: &Path) -> Result<Self> {
        Self::start_until(command, address, log, "/-/ready")
    }

    /// Waits until a path is answered.
    fn start_until(mut command: Command, address: String, log: &Path, path: &str) -> Result<Self> {
        let output = File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let mut server = Self { child, address };
        let started = now();
        while started.elapsed() < START_WITHIN && server.child.try_wait()?.is_none() {
            if server.ask("GET", path, &[], b"").is_ok() {
                return Ok(server);
            }
            thread::sleep(PAUSE);
        }
        Err(format!("the server is not ready: {}", fs::read_to_string(log)?).into())
    }

    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request over a connection of its own and gives the body of the answer.
    ///
    /// # Errors
    /// There is no answer, or one whose status is not 2xx.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let (address, length) = (&self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        if head.starts_with("HTTP/1.1 2") {
            Ok(body.to_owned())
        } else {
            Err(format!("{method} {path}: {answer}").into())
        }
    }

    /// Processor time that it has taken, in seconds.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name before may hold anything but ends at the last bracket.
        let (_, fields) = stat.rsplit_once(") ").ok_or("the kernel tells no times")?;
        let ticks = |at: usize| fields.split(' ').nth(at)?.parse::<f64>().ok();
        let (user, system) = ticks(11).zip(ticks(12)).ok_or("the kernel tells no times")?;
        Ok((user + system) / TICKS_PER_SECOND)
    }

    /// Memory that is resident, in bytes.
    ///
    /// # Errors
    /// It has ended.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("the kernel tells no VmRSS")?.parse::<u64>()? << 10)
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// It goes on.
    pub fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status()?;
        let started = now();
        while started.elapsed() < STOP_WITHIN {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        Err(format!("the server did not end (kill: {asked})").into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
