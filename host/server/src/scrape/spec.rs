//! How a scrape is configured, as the API takes it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmalert_core::units::parse_duration_ms;
use wasmalert_ingest::limits::ScrapeLimits;
use wasmalert_ingest::relabel::{Relabel, Rule};
use wasmalert_ingest::scrape::Rules;
use wasmalert_ingest::target::{Job, Target, TargetGroup};
use wasmalert_ingest::text::Format;

use super::files;
use crate::http_client::auth::{Auth, BasicAuth, hide};

const INTERVAL_DEFAULT: &str = "15s";
const INTERVAL_MS_MIN: i64 = 1_000;
const INTERVAL_MS_MAX: i64 = 86_400_000;
const TIMEOUT_MS_DEFAULT: i64 = 10_000;

/// What is scraped, and how.
#[derive(Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScrapeSpec {
    /// Addresses, each `host:port` or `host`; at most 10,000, those of files included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Names of target files, which are read again when they change: JSON or YAML, as in
    /// Prometheus' `file_sd_config`, in the tenant's folder of the server's `targets_dir`.
    /// `*`, `?` and `[a-z]` as in a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Labels of all series, beside `job` (the scrape's name) and `instance`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// A Prometheus duration, `1s` to `1d`; default `15s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// A Prometheus duration, at most the interval; default `10s`, or the interval
    /// where that is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Sent with each request. May hold `{{secret:NAME}}`, as `basic_auth` and `bearer_token` may.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<String>,
    /// `http` or `https`; default `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// Default `/metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_path: Option<String>,
    /// The query of the URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Vec<String>>,
    /// Whether a sample's label wins over the target's; default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub honor_labels: bool,
    /// Whether times in the exposition count; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honor_timestamps: Option<bool>,
    /// What an answer is read as when its `Content-Type` names no known format:
    /// `PrometheusText0.0.4`, `PrometheusText1.0.0`, `OpenMetricsText0.0.1` or
    /// `OpenMetricsText1.0.0`; without it, such a scrape fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_scrape_protocol: Option<String>,
    /// `drop_series`, `keep_series`, `label_drop`, `label_keep` and `label_rename`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, example = json!([{"label_drop": "uid"}]))]
    pub relabel: Vec<Rule>,
}

/// A scrape as it is done.
pub(super) struct Plan {
    /// Those that are configured, without those of files.
    pub(super) targets: Vec<Target>,
    pub(super) spec: ScrapeSpec,
    pub(super) rules: Arc<Rules>,
    pub(super) interval_ms: i64,
    pub(super) timeout: Duration,
}

impl ScrapeSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// Everything that is wrong, each as `field: what is wrong`.
    pub(crate) fn validate(&self, name: &str) -> Result<(), Vec<String>> {
        self.plan(name).map(drop)
    }

    pub(super) fn auth(&self) -> Auth<'_> {
        Auth {
            headers: &self.headers,
            basic_auth: self.basic_auth.as_ref(),
            bearer_token: self.bearer_token.as_deref(),
        }
    }

    /// The settings as they may be shown.
    #[must_use]
    pub(crate) fn redacted(mut self) -> Self {
        self.headers.values_mut().for_each(hide);
        self.bearer_token.iter_mut().for_each(hide);
        self.basic_auth
            .iter_mut()
            .for_each(|auth| hide(&mut auth.password));
        self
    }

    pub(super) fn plan(&self, name: &str) -> Result<Plan, Vec<String>> {
        let mut errors = Vec::new();
        if self.targets.is_empty() && self.files.is_empty() {
            errors.push("targets: give at least one, or files".to_owned());
        }
        files::check(&self.files, &mut errors);
        self.auth().check(&mut errors);
        let interval = self.interval.as_deref().unwrap_or(INTERVAL_DEFAULT);
        let interval_ms = parse_duration_ms(interval).unwrap_or(0);
        if !(INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(&interval_ms) {
            errors.push("interval: must be a duration from 1s to 1d, such as \"15s\"".to_owned());
        }
        let timeout_ms = match self.timeout.as_deref() {
            None => TIMEOUT_MS_DEFAULT.min(interval_ms),
            Some(set) => parse_duration_ms(set).unwrap_or(0),
        };
        if (INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(&interval_ms)
            && !(1..=interval_ms).contains(&timeout_ms)
        {
            errors.push(format!(
                "timeout: must be a duration from 1ms to the interval, {interval}"
            ));
        }
        let fallback_format = self.fallback_scrape_protocol.as_deref().map(|name| {
            protocol(name).unwrap_or_else(|error| {
                errors.push(error);
                Format::Prometheus
            })
        });
        let defaults = Job::default();
        let job = Job {
            name: name.to_owned(),
            scheme: self.scheme.clone().unwrap_or(defaults.scheme),
            metrics_path: self.metrics_path.clone().unwrap_or(defaults.metrics_path),
            params: self.params.clone(),
            honor_labels: self.honor_labels,
            honor_timestamps: self.honor_timestamps.unwrap_or(defaults.honor_timestamps),
            fallback_format,
            ..Job::default()
        };
        let group = TargetGroup {
            targets: self.targets.clone(),
            labels: self.labels.clone(),
        };
        let targets = job.targets(&[group]).unwrap_or_else(|wrong| {
            errors.extend(wrong.iter().map(|error| format!("targets: {error}")));
            Vec::new()
        });
        let relabel = Relabel::new(&self.relabel).unwrap_or_else(|error| {
            errors.push(format!("relabel: {error}"));
            Relabel::default()
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let limits = ScrapeLimits::default();
        Ok(Plan {
            targets,
            spec: self.clone(),
            rules: Arc::new(Rules { job, relabel, limits }),
            interval_ms,
            timeout: Duration::from_millis(timeout_ms.unsigned_abs()),
        })
    }
}

/// The format of a protocol, by the names that Prometheus has for them.
fn protocol(name: &str) -> Result<Format, String> {
    match name {
        "PrometheusText0.0.4" | "PrometheusText1.0.0" => Ok(Format::Prometheus),
        "OpenMetricsText0.0.1" | "OpenMetricsText1.0.0" => Ok(Format::OpenMetrics),
        _ => Err(format!(
            "fallback_scrape_protocol: {name:?} is none of PrometheusText0.0.4, PrometheusText1.0.0, \
             OpenMetricsText0.0.1 and OpenMetricsText1.0.0"
        )),
    }
}

impl fmt::Debug for ScrapeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScrapeSpec")
            .field("targets", &self.targets)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
