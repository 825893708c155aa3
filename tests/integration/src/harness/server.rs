//! The server under test.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::files::release_dir;
use super::process::Process;
use super::{Api, TempDir, Trust, eventually};

/// How long a page may take from its cause to the receiver, on a busy machine.
pub(crate) const PAGE_WITHIN: Duration = Duration::from_secs(30);

pub(crate) const TOKEN: &str = "token-of-the-tests";
const LISTENING: &str = "listening on ";

/// `wasmalert serve` on a folder and a port of its own.
pub(crate) struct Server {
    process: Process,
    api: Api,
    dir: TempDir,
    settings: Vec<(&'static str, String)>,
    trust: Trust,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With further settings, as environment variables.
    pub(crate) async fn start_with(settings: &[(&'static str, &str)]) -> Self {
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        Self::start_trusting(&settings, &Trust::default()).await
    }

    /// One that is asked over TLS.
    pub(crate) async fn start_trusting(settings: &[(&'static str, String)], trust: &Trust) -> Self {
        let dir = TempDir::new("server");
        let (process, api) = launch(dir.path(), settings, trust).await;
        Self {
            process,
            api,
            dir,
            settings: settings.to_vec(),
            trust: trust.clone(),
        }
    }

    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// Where it keeps everything.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Lets it end in order.
    pub(crate) fn stop(&mut self) {
        self.process.stop();
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same folder; the port is another.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        (self.process, self.api) = launch(self.dir.path(), &self.settings, &self.trust).await;
    }

    /// Starts it again with other settings.
    pub(crate) async fn restart_with(&mut self, settings: &[(&'static str, &str)]) {
        self.settings = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        self.restart().await;
    }

    /// Runs another server with settings under which it has to end at once, and gives
    /// what it said.
    ///
    /// # Panics
    /// When it does not end.
    pub(crate) fn run_wrong(&self, settings: &[(&str, &str)]) -> String {
        let run = std::process::Command::new("timeout")
            .args(["--signal=KILL", "20"])
            .arg(binary())
            .arg("serve")
            .envs(environment(self.dir.path()))
            .envs(settings.iter().copied())
            .output();
        let run = run.expect("the binary can be started");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(matches!(run.status.code(), Some(1 | 2)), "{}: {said}", run.status);
        said
    }

    /// Runs another server on the same folder until it ends by itself; none when it
    /// goes on. With it comes what it said.
    pub(crate) fn run_second(&self) -> (Option<i32>, String) {
        let run = std::process::Command::new("timeout")
            .args(["--signal=KILL", "20"])
            .arg(binary())
            .arg("serve")
            .envs(environment(self.dir.path()))
            .output();
        let run = run.expect("the binary can be started");
        (
            run.status.code(),
            String::from_utf8_lossy(&run.stderr).into_owned(),
        )
    }

    /// Everything it has printed, over all its runs.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Runs a command against it that has to succeed, and gives what it printed.
    ///
    /// # Panics
    /// When it fails.
    pub(crate) fn cli(&self, args: &[&str]) -> String {
        self.cli_with(args, &[])
    }

    /// The same with variables of the environment.
    ///
    /// # Panics
    /// When it fails.
    pub(crate) fn cli_with(&self, args: &[&str], environment: &[(&str, &str)]) -> String {
        let (succeeded, out, err) = self.run_cli(args, environment);
        assert!(succeeded, "{args:?}: {out}\n{err}");
        out
    }

    /// Runs a command against it that has to fail, and gives what it said.
    ///
    /// # Panics
    /// When it succeeds.
    pub(crate) fn cli_fails(&self, args: &[&str]) -> String {
        let (succeeded, out, err) = self.run_cli(args, &[]);
        assert!(!succeeded, "{args:?}: {out}\n{err}");
        err
    }

    /// Whether a command succeeded, and what it printed and said.
    fn run_cli(&self, args: &[&str], environment: &[(&str, &str)]) -> (bool, String, String) {
        let run = std::process::Command::new(binary())
            .args(args)
            .args(["--url", self.api.base(), "--token", TOKEN])
            .envs(environment.iter().copied())
            .output();
        let run = run.expect("the binary can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (run.status.success(), text(&run.stdout), text(&run.stderr))
    }

    /// Memory that is resident, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line
            .and_then(|line| line.trim().strip_suffix(" kB"))
            .and_then(|kib| kib.parse::<u64>().ok());
        kib.expect("the kernel tells the resident size") << 10
    }

    /// Waits until it is back to the memory that it had, but for so many bytes.
    pub(crate) async fn grows_by_less_than(&self, before: u64, bytes_max: u64) {
        eventually("memory is back", PAGE_WITHIN, async || {
            let growth = self.resident_bytes().saturating_sub(before);
            if growth < bytes_max {
                Ok(())
            } else {
                Err(format!("{growth} bytes more"))
            }
        })
        .await;
    }

    /// Sets a source `prom`, which is also the default, at that address.
    pub(crate) async fn source(&self, url: &str) {
        for name in ["prom", "default"] {
            let source = json!({"kind": "prometheus", "url": url});
            self.api.put(&format!("/v1/sources/{name}"), &source).await;
        }
    }

    pub(crate) async fn receiver(&self, name: &str, module: &str, url: &str) {
        let receiver = json!({"module": module, "config": {"url": url}});
        self.api.put(&format!("/v1/receivers/{name}"), &receiver).await;
    }

    /// Puts a group `test/NAME` with an interval of a second.
    pub(crate) async fn group(&self, name: &str, rules: Value) {
        let group = json!({"interval": "1s", "rules": rules});
        self.api.put(&format!("/v1/groups/test/{name}"), &group).await;
    }
}

/// The binary that was built beside this test.
fn binary() -> PathBuf {
    let path = release_dir().join("wasmalert");
    assert!(
        path.exists(),
        "{} is missing: run `make build` first",
        path.display()
    );
    path
}

fn environment(dir: &Path) -> [(&'static str, String); 3] {
    [
        ("WASMALERT_LISTEN", "127.0.0.1:0".to_owned()),
        ("WASMALERT_DATA_DIR", dir.join("data").display().to_string()),
        ("WASMALERT_TOKEN", TOKEN.to_owned()),
    ]
}

async fn launch(dir: &Path, settings: &[(&'static str, String)], trust: &Trust) -> (Process, Api) {
    let mut environment = environment(dir).to_vec();
    environment.extend_from_slice(settings);
    let log_before = std::fs::read(dir.join("server.log")).map_or(0, |log| log.len());
    let mut process = Process::start("server", dir, &binary(), &["serve".into()], &environment);
    let api = eventually("the server is ready", Duration::from_secs(30), async || {
        process.assert_alive();
        let log = process.log();
        let base =
            address(log.get(log_before..).unwrap_or_default()).ok_or("it does not say where it listens")?;
        let api = Api::trusting(base, TOKEN, trust);
        api.get("/-/ready").await?.ok()?;
        Ok::<_, String>(api)
    })
    .await;
    (process, api)
}

/// `http://127.0.0.1:PORT`, or with https, from the line that says so.
fn address(log: &str) -> Option<&str> {
    const HOST: &str = "://127.0.0.1:";
    let (_, address) = log.split_once(LISTENING)?;
    let (scheme, port) = address.split_once(HOST)?;
    // The digits must have an end, or the line may not be whole yet.
    let digits = port.find(|c: char| !c.is_ascii_digit())?;
    address.get(..scheme.len() + HOST.len() + digits)
}
