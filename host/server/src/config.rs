//! Settings: by file, environment and flag, in rising order of precedence.
//!
//! Every setting has one name. `data_dir` is `data_dir = "…"` in the TOML file,
//! `WASMALERT_DATA_DIR` in the environment and `--data-dir` on the command line.

mod access;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use wasmalert_core::limits::Limits;
use wasmalert_core::quota::Quotas;
use wasmalert_core::standing::PausePolicy;
use wasmalert_core::units::parse_duration_ms;

use crate::egress::EgressPolicy;
use crate::secrets::keyring::KeySource;
use crate::signing::SignaturePolicy;

pub(crate) use self::access::{OidcConfig, ProxyConfig, TlsConfig, is_guarded};
pub use self::settings::{SETTINGS, Setting};

/// A module that comes with the program.
#[derive(Debug, Clone, Copy)]
pub struct StockModule {
    pub name: &'static str,
    pub wasm: &'static [u8],
    /// What it says of itself, as `componentize --describe` writes it.
    pub about: &'static str,
}

/// The settings of a running server.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    pub token: Option<String>,
    pub external_url: Option<String>,
    pub external_labels: BTreeMap<String, String>,
    /// Begins with a slash and does not end with one.
    pub ruler_prefix: String,
    /// What comes with the program.
    pub stock: &'static [StockModule],
    pub upload_stock: bool,
    pub threads: usize,
    pub evaluation_queue: usize,
    pub groups_at_once: usize,
    pub component_cache_bytes: u64,
    pub query_cache_bytes: u64,
    pub query_concurrency: usize,
    /// Bounds of each tenant's embedded source.
    pub samples: wasmalert_tsdb::Settings,
    /// Where target files of scrapes lie, a folder for each tenant.
    pub targets_dir: Option<PathBuf>,
    pub compile_memory_bytes: u64,
    pub compile_cpu_seconds: u64,
    pub compile_wall_ms: u64,
    pub module_bytes: u64,
    pub resend_delay_ms: i64,
    pub resolved_retention_ms: i64,
    /// When rules are paused that go over their limits.
    pub pauses: PausePolicy,
    pub keep_evaluations: u32,
    pub keep_evaluations_for_ms: i64,
    pub journal_bytes: usize,
    pub delivery_concurrency: usize,
    pub delivery_timeout_ms: u64,
    pub delivery_max_age_ms: i64,
    pub keep_delivered_for_ms: i64,
    /// Where tenants may go that have no policy of their own; the default tenant may go anywhere.
    pub egress: EgressPolicy,
    /// What every tenant asks of uploads at least.
    pub signatures: SignaturePolicy,
    /// Where the keys come from that secrets are sealed with.
    pub secrets_key: KeySource,
    pub tenant_metric_series: usize,
    pub tenant_label: bool,
    /// Calls of the API that one key may make in a second, for long.
    pub key_calls_per_second: u32,
    pub(crate) oidc: Option<OidcConfig>,
    pub(crate) proxy: ProxyConfig,
    pub(crate) tls: Option<TlsConfig>,
    pub keep_audit_for_ms: i64,
    pub keep_usage_for_ms: i64,
    pub log: String,
    pub log_json: bool,
    pub limits: Limits,
    /// What a tenant may have that has no quotas of its own.
    pub quotas: Quotas,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// Puts the settings together. Flags win over the environment, and the
/// environment over the file.
///
/// # Errors
/// Every setting that is unknown or has a value that is not allowed, each with
/// the place it comes from.
pub fn load(
    file: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
    flags: &BTreeMap<String, String>,
) -> Result<Config, ConfigErrors> {
    let mut reader = Reader {
        values: BTreeMap::new(),
        errors: Vec::new(),
    };
    if let Some(path) = file {
        reader.read_file(path);
    }
    for setting in SETTINGS.iter() {
        if let Some(value) = env(setting.env).filter(|value| !value.is_empty()) {
            reader
                .values
                .insert(setting.name.into(), (value, setting.env.into()));
        }
    }
    for (name, value) in flags {
        let place = format!("--{}", name.replace('_', "-"));
        reader.values.insert(name.clone(), (value.clone(), place));
    }
    let config = reader.config();
    if reader.errors.is_empty() {
        Ok(config)
    } else {
        Err(ConfigErrors(reader.errors))
    }
}

struct Reader {
    /// Name to value and the place it comes from.
    values: BTreeMap<String, (String, String)>,
    errors: Vec<String>,
}

impl Reader {
    fn read_file(&mut self, path: &Path) {
        let place = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.errors.push(format!("{place}: cannot be read: {error}")),
        };
        let table: toml::Table = match toml::from_str(&text) {
            Ok(table) => table,
            Err(error) => {
                return self
                    .errors
                    .push(format!("{place}: {}", error.to_string().trim_end()));
            }
        };
        for (name, value) in table {
            if !SETTINGS.iter().any(|setting| setting.name == name) {
                self.errors
                    .push(format!("{place}: no setting is called `{name}`"));
                continue;
            }
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                other => {
                    self.errors.push(format!(
                        "{place}: `{name}` is a {}, not a text or number",
                        other.type_str()
                    ));
                    continue;
                }
            };
            self.values
                .insert(name.clone(), (value, format!("{place}: {name}")));
        }
    }

    fn config(&mut self) -> Config {
        let mut limits = Limits::default();
        for info in Limits::TABLE {
            limits.set(
                info.limit,
                self.number(&format!("limit_{}", info.name), 1, u64::MAX >> 1),
            );
        }
        let mut quotas = Quotas::default();
        for info in Quotas::TABLE {
            quotas.set(
                info.quota,
                self.number(&format!("quota_{}", info.name), 0, u64::MAX >> 1),
            );
        }
        Config {
            listen: self.parsed("listen", "an address and port, such as 127.0.0.1:8080"),
            data_dir: PathBuf::from(self.text("data_dir").0),
            token: self.token(),
            external_url: self.external_url(),
            external_labels: self.external_labels(),
            ruler_prefix: self.ruler_prefix(),
            stock: &[],
            upload_stock: self.parsed("stock_components", "true or false"),
            threads: self.size("threads", 0, 1024),
            evaluation_queue: self.size("evaluation_queue", 1, 1 << 24),
            groups_at_once: self.size("groups_at_once", 1, 1 << 20),
            component_cache_bytes: self.number("component_cache_bytes", 1, u64::MAX),
            query_cache_bytes: self.number("query_cache_bytes", 1, u64::MAX),
            query_concurrency: self.size("query_concurrency", 1, 1 << 20),
            samples: wasmalert_tsdb::Settings {
                retention_ms: self.retention_ms(),
                bytes: quotas.samples_bytes,
                series: quotas.samples_series,
                out_of_order_ms: self.duration("out_of_order").unsigned_abs(),
                ..wasmalert_tsdb::Settings::default()
            },
            targets_dir: Some(self.text("targets_dir").0)
                .filter(|dir| !dir.is_empty())
                .map(PathBuf::from),
            compile_memory_bytes: self.number("compile_memory_bytes", 64 << 20, u64::MAX),
            compile_cpu_seconds: self.number("compile_cpu_seconds", 1, 86_400),
            compile_wall_ms: self.duration("compile_wall").unsigned_abs(),
            module_bytes: self.number("module_bytes", 1, 1 << 30),
            resend_delay_ms: self.duration("resend_delay"),
            resolved_retention_ms: self.duration("resolved_retention"),
            pauses: PausePolicy {
                after: self.size("pause_after", 0, 1_000_000) as u32,
                pause_ms_max: self.duration("pause_max"),
            },
            keep_evaluations: self.size("keep_evaluations", 1, 1_000_000) as u32,
            keep_evaluations_for_ms: self.duration("keep_evaluations_for"),
            journal_bytes: self.size("journal_bytes", 1024, 64 << 20),
            delivery_concurrency: self.size("delivery_concurrency", 1, 1 << 16),
            delivery_timeout_ms: self.duration("delivery_timeout").unsigned_abs(),
            delivery_max_age_ms: self.duration("delivery_max_age"),
            keep_delivered_for_ms: self.duration("keep_delivered_for"),
            egress: self.egress(),
            signatures: self.parsed("signatures", "off, warn or require"),
            secrets_key: self.secrets_key(),
            tenant_metric_series: self.size("tenant_metric_series", 1, 10_000_000),
            tenant_label: self.parsed("tenant_label", "true or false"),
            key_calls_per_second: self.size("key_calls_per_second", 1, 1_000_000) as u32,
            oidc: self.oidc(),
            proxy: self.proxy(),
            tls: self.tls(),
            keep_audit_for_ms: self.duration("keep_audit_for"),
            keep_usage_for_ms: self.duration("keep_usage_for"),
            log: self.text("log").0,
            log_json: self.log_format(),
            limits,
            quotas,
        }
    }

    /// The value of a setting and the place it comes from.
    fn text(&self, name: &str) -> (String, String) {
        self.values.get(name).cloned().unwrap_or_else(|| {
            let default = SETTINGS
                .iter()
                .find(|setting| setting.name == name)
                .map_or("", |s| s.default);
            (default.to_owned(), name.to_owned())
        })
    }

    fn wrong(&mut self, place: &str, value: &str, wanted: &str) {
        self.errors.push(format!("{place}: `{value}` is not {wanted}"));
    }

    fn parsed<T: std::str::FromStr + Fallback>(&mut self, name: &str, wanted: &str) -> T {
        let (value, place) = self.text(name);
        value.parse().unwrap_or_else(|_| {
            self.wrong(&place, &value, wanted);
            T::fallback()
        })
    }

    fn number(&mut self, name: &str, min: u64, max: u64) -> u64 {
        let (value, place) = self.text(name);
        match value.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => number,
            _ => {
                self.wrong(&place, &value, &format!("a whole number from {min} to {max}"));
                min
            }
        }
    }

    fn size(&mut self, name: &str, min: usize, max: usize) -> usize {
        self.number(name, min as u64, max as u64) as usize
    }

    fn duration(&mut self, name: &str) -> i64 {
        let (value, place) = self.text(name);
        match parse_duration_ms(&value) {
            Ok(ms) if ms > 0 => ms,
            _ => {
                self.wrong(&place, &value, "a duration above zero, such as 30s, 5m or 1d");
                1
            }
        }
    }

    /// 0 keeps everything.
    fn retention_ms(&mut self) -> u64 {
        match self.text("retention").0.as_str() {
            "0" => 0,
            _ => self.duration("retention").unsigned_abs(),
        }
    }

    fn token(&mut self) -> Option<String> {
        let (value, place) = self.text("token");
        if value.is_empty() {
            return None;
        }
        let clean = value.bytes().all(|byte| byte.is_ascii_graphic());
        if value.len() < 16 || !clean {
            // The value itself is a secret, so it is not shown.
            self.errors.push(format!(
                "{place}: must be at least 16 printable ASCII characters without spaces"
            ));
        }
        Some(value)
    }

    fn external_url(&mut self) -> Option<String> {
        let (value, place) = self.text("external_url");
        if value.is_empty() {
            return None;
        }
        if reqwest::Url::parse(&value).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Some(value.trim_end_matches('/').to_owned());
        }
        self.wrong(&place, &value, "a URL that starts with http:// or https://");
        None
    }

    fn ruler_prefix(&mut self) -> String {
        let (value, place) = self.text("ruler_prefix");
        let parts = value.strip_prefix('/').map(|rest| rest.split('/'));
        let is_plain = |part: &str| {
            let plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
            !part.is_empty() && part.chars().all(plain) && !matches!(part, "." | "..")
        };
        let reserved = ["api", "v1", "prometheus", "metrics"];
        let is_free = |part: Option<&str>| part.is_some_and(|first| !reserved.contains(&first));
        if parts.is_some_and(|mut parts| parts.clone().all(is_plain) && is_free(parts.next())) {
            return value;
        }
        self.wrong(
            &place,
            &value,
            "a path such as /ruler, and none of the server's own",
        );
        String::from("/ruler")
    }

    fn external_labels(&mut self) -> BTreeMap<String, String> {
        let (value, place) = self.text("external_labels");
        let mut labels = BTreeMap::new();
        for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let pair = part
                .split_once('=')
                .map(|(name, value)| (name.trim(), value.trim()));
            match pair {
                Some((name, value)) if !name.is_empty() => {
                    labels.insert(name.to_owned(), value.to_owned());
                }
                _ => self.wrong(&place, part, "a label such as cluster=eu"),
            }
        }
        labels
    }

    fn egress(&mut self) -> EgressPolicy {
        let policy = EgressPolicy {
            allow: self.list("egress_allow"),
            private: self.list("egress_private"),
        };
        self.errors.extend(policy.validate().err().into_iter().flatten());
        policy
    }

    fn secrets_key(&mut self) -> KeySource {
        let (file, file_place) = self.text("secrets_key_file");
        let (keys, place) = self.text("secrets_key");
        match (file.is_empty(), keys.is_empty()) {
            (true, true) => KeySource::DataDir,
            (false, true) => KeySource::File(PathBuf::from(file)),
            (true, false) => KeySource::Text(keys),
            (false, false) => {
                self.errors
                    .push(format!("{place} and {file_place}: give one of the two"));
                KeySource::DataDir
            }
        }
    }

    /// What commas separate; none in an empty text.
    fn list<T: std::str::FromStr<Err = String>>(&mut self, name: &str) -> Vec<T> {
        let (value, place) = self.text(name);
        let mut list = Vec::new();
        for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.parse() {
                Ok(part) => list.push(part),
                Err(error) => self.errors.push(format!("{place}: {error}")),
            }
        }
        list
    }

    fn log_format(&mut self) -> bool {
        let (value, place) = self.text("log_format");
        if !matches!(value.as_str(), "text" | "json") {
            self.wrong(&place, &value, "text or json");
        }
        value == "json"
    }
}

/// What stands in for a value that could not be read, so that reading goes on
/// and every error is found.
trait Fallback {
    fn fallback() -> Self;
}

impl Fallback for bool {
    fn fallback() -> Self {
        false
    }
}

impl Fallback for SocketAddr {
    fn fallback() -> Self {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }
}

impl Fallback for SignaturePolicy {
    fn fallback() -> Self {
        Self::Off
    }
}

#[cfg(test)]
mod tests;
