//! The real Alertmanager.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::process::Process;
use super::{Api, TempDir, eventually, free_port};

/// Keeps alerts and sends them nowhere.
const CONFIG: &str = "route: {receiver: nobody, group_wait: 0s}\nreceivers: [{name: nobody}]\n";

/// An Alertmanager that need not run from the start.
pub(crate) struct Alertmanager {
    port: u16,
    process: Option<Process>,
    dir: TempDir,
}

impl Alertmanager {
    /// One whose port is known, but which does not run yet.
    pub(crate) fn stopped() -> Self {
        Self {
            port: free_port(),
            process: None,
            dir: TempDir::new("alertmanager"),
        }
    }

    pub(crate) async fn start() -> Self {
        let mut alertmanager = Self::stopped();
        alertmanager.run().await;
        alertmanager
    }

    pub(crate) async fn run(&mut self) {
        let dir = self.dir.path();
        let config = self.dir.write("alertmanager.yml", CONFIG);
        let args = [
            format!("--config.file={}", config.display()),
            format!("--storage.path={}", dir.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{}", self.port),
            // Empty: no gossip with others.
            "--cluster.listen-address=".into(),
            "--log.level=warn".into(),
        ];
        let mut process = Process::start(
            "alertmanager",
            dir,
            Path::new("prometheus-alertmanager"),
            &args,
            &[],
        );
        let api = self.api();
        eventually("Alertmanager is ready", Duration::from_secs(20), async || {
            process.assert_alive();
            api.get("/-/ready").await?.ok()
        })
        .await;
        self.process = Some(process);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The alerts of that name it holds as active, as its API gives them.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn active(&self, alertname: &str) -> Result<Vec<Value>, String> {
        let path = format!("/api/v2/alerts?active=true&filter=alertname%3D%22{alertname}%22");
        let answer = self.api().get(&path).await?;
        answer.ok()?;
        let alerts = answer.json();
        alerts
            .as_array()
            .cloned()
            .ok_or_else(|| format!("not a list: {alerts}"))
    }

    fn api(&self) -> Api {
        Api::new(&self.url(), "")
    }
}
