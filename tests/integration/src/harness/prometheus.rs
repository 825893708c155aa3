//! The real Prometheus, and what it scrapes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;

use super::fake::Fake;
use super::process::Process;
use super::{Api, TempDir, eventually, free_port};

/// Serves the metrics that the test sets.
pub(crate) struct Exporter {
    fake: Fake,
    series: Arc<Mutex<BTreeMap<String, f64>>>,
}

impl Exporter {
    pub(crate) fn start() -> Self {
        let series = Arc::default();
        let router = Router::new().fallback(expose).with_state(Arc::clone(&series));
        Self {
            fake: Fake::start(router),
            series,
        }
    }

    /// One that answers only requests with that `Authorization`.
    pub(crate) fn guarded(authorization: &'static str) -> Self {
        let series = Arc::default();
        let guard = move |request: Request, next: Next| async move {
            let given = request.headers().get(AUTHORIZATION);
            if given.is_some_and(|given| given == authorization) {
                return next.run(request).await;
            }
            StatusCode::UNAUTHORIZED.into_response()
        };
        let router = Router::new().fallback(expose).with_state(Arc::clone(&series));
        Self {
            fake: Fake::start(router.layer(from_fn(guard))),
            series,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.fake.port())
    }

    /// Sets a series, written as in the exposition format: `load{host="a"}`.
    pub(crate) fn set(&self, series: &str, value: f64) {
        self.lock().insert(series.into(), value);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, f64>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn expose(State(series): State<Arc<Mutex<BTreeMap<String, f64>>>>) -> String {
    let series = series.lock().unwrap_or_else(PoisonError::into_inner);
    series.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name} {value}");
        text
    })
}

/// A Prometheus that scrapes an exporter every second.
pub(crate) struct Prometheus {
    port: u16,
    _process: Process,
    _dir: TempDir,
}

impl Prometheus {
    pub(crate) async fn start(exporter: &Exporter) -> Self {
        Self::start_with_rules(exporter, "{}").await
    }

    /// One that evaluates the rules of a rule file itself; its labels are `cluster=eu`, and people reach it at
    /// `http://alerts.example/base`.
    pub(crate) async fn start_with_rules(exporter: &Exporter, rules: &str) -> Self {
        Self::start_telling(exporter, rules, None, "1m").await
    }

    /// One that tells an Alertmanager, by its address, and tells it again after that time.
    pub(crate) async fn start_telling(
        exporter: &Exporter,
        rules: &str,
        alertmanager: Option<&str>,
        resend_delay: &str,
    ) -> Self {
        let dir = TempDir::new("prometheus");
        dir.write("rules.yml", rules);
        let alertmanager = alertmanager.map_or_else(String::new, |address| {
            format!("alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{address}']}}]}}]}}\n")
        });
        let config = dir.write("prometheus.yml", &(config(exporter.fake.port()) + &alertmanager));
        let port = free_port();
        let args = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", dir.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".into(),
            "--web.external-url=http://alerts.example/base".into(),
            "--web.route-prefix=/".into(),
            "--log.level=warn".into(),
            format!("--rules.alert.resend-delay={resend_delay}"),
        ];
        let mut process = Process::start("prometheus", dir.path(), Path::new("prometheus"), &args, &[]);
        let api = Api::new(&format!("http://127.0.0.1:{port}"), "");
        eventually("Prometheus is ready", Duration::from_secs(20), async || {
            process.assert_alive();
            let query = api.get("/api/v1/query?query=up%3D%3D1").await?;
            query.ok()?;
            let series = query.json()["data"]["result"].as_array().map_or(0, Vec::len);
            if series == 1 {
                Ok(())
            } else {
                Err("not scraped yet".to_owned())
            }
        })
        .await;
        Self {
            port,
            _process: process,
            _dir: dir,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn config(exporter_port: u16) -> String {
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, external_labels: {{cluster: eu}}}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: exporter
    static_configs: [{{targets: ['127.0.0.1:{exporter_port}']}}]
"
    )
}
