//! What is scraped, and when: jobs, target lists, addresses.
//!
//! A *job* says how to scrape; its *target groups* say whom, each with labels
//! for its targets, in the shape of Prometheus' `file_sd_config`:
//!
//! ```json
//! [{"targets": ["10.0.0.1:9100", "10.0.0.2:9100"], "labels": {"env": "prod"}}]
//! ```
//!
//! The labels `__scheme__`, `__metrics_path__` and `__param_<name>` of a group
//! overrule the job, as there; no label that starts with `__` is given to series.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wasmalert_core::{Labels, schedule};

use crate::limits::shortened;
use crate::text::Format;

/// Bytes of one target file.
pub const FILE_BYTES_MAX: usize = 16 << 20;
/// Targets of one job.
pub const TARGETS_MAX: usize = 10_000;
/// Bytes of one target's address.
pub const ADDRESS_BYTES_MAX: usize = 1_024;
/// Bytes of one target's URL.
pub const URL_BYTES_MAX: usize = 8_192;

/// Targets that share labels.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetGroup {
    /// Addresses: `host:port` or `host`.
    #[serde(default)]
    pub targets: Vec<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// How the targets of a job are scraped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Becomes the label `job`.
    pub name: String,
    /// `http` or `https`. Default `http`.
    pub scheme: String,
    /// Default `/metrics`.
    pub metrics_path: String,
    /// The query of the URL: names, and one or more values each.
    pub params: BTreeMap<String, Vec<String>>,
    /// Whether a label of a sample wins over the target's of the same name; if
    /// not, the sample's is kept with `exported_` before it. Default false.
    pub honor_labels: bool,
    /// Whether times in an exposition count. Default true.
    pub honor_timestamps: bool,
    /// Whether series with times of their own get stale markers. Default false.
    pub track_timestamps_staleness: bool,
    /// What an answer is read as if its `Content-Type` names no known format.
    /// Default: none, such a scrape fails.
    pub fallback_format: Option<Format>,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            name: String::new(),
            scheme: "http".into(),
            metrics_path: "/metrics".into(),
            params: BTreeMap::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            fallback_format: None,
        }
    }
}

/// One address to scrape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub url: String,
    /// What its series get, `job` and `instance` among them.
    pub labels: Labels,
}

impl Target {
    /// Where in its interval the target is scraped: 0 to `interval_ms - 1`,
    /// spread over targets by their URL and labels, the same on every host.
    #[must_use]
    pub fn offset_ms(&self, interval_ms: i64) -> i64 {
        schedule::offset_ms(&[&self.url, &self.labels.to_string()], interval_ms)
    }
}

/// A target list that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the target file has {found} bytes, at most {FILE_BYTES_MAX} are allowed")]
    FileBytes { found: usize },
    #[error(
        "the target file is not a list of {{\"targets\": […], \"labels\": {{…}}}}, in JSON or YAML: {problem}"
    )]
    File {
        /// With line and column.
        problem: String,
    },
    #[error("job `{job}` has {found} targets, at most {TARGETS_MAX} are allowed")]
    TooMany { job: String, found: usize },
    #[error("target `{address}` of job `{job}`: {problem}")]
    Target {
        job: String,
        address: String,
        problem: String,
    },
}

/// Reads a target file (`file_sd_config`): YAML, of which JSON is a part.
///
/// # Errors
/// It is too long, or no such list.
pub fn parse_file(text: &[u8]) -> Result<Vec<TargetGroup>, TargetError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(TargetError::FileBytes { found: text.len() });
    }
    let wrong = |problem: String| TargetError::File { problem };
    let text = str::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
    if text.trim().is_empty() {
        // Most likely it is being written right now.
        return Err(wrong("it is empty, from line 1 on".to_owned()));
    }
    // JSON may have tabs and is read faster by its own parser.
    if text.trim_start().starts_with('[')
        && let Ok(groups) = serde_json::from_str(text)
    {
        return Ok(groups);
    }
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| wrong(error.to_string()))
}

impl Job {
    /// The targets of some groups, each once, in order of their URLs.
    ///
    /// # Errors
    /// Every target that is wrong; or that there are too many.
    pub fn targets(&self, groups: &[TargetGroup]) -> Result<Vec<Target>, Vec<TargetError>> {
        let found = groups.iter().map(|group| group.targets.len()).sum();
        if found > TARGETS_MAX {
            let job = shortened(&self.name);
            return Err(vec![TargetError::TooMany { job, found }]);
        }
        let mut targets = BTreeSet::new();
        let mut errors = Vec::new();
        for group in groups {
            for address in &group.targets {
                match self.target(address, &group.labels) {
                    Ok(target) => drop(targets.insert(target)),
                    Err(problem) => errors.push(TargetError::Target {
                        job: shortened(&self.name),
                        address: shortened(address),
                        problem,
                    }),
                }
            }
        }
        if errors.is_empty() {
            Ok(targets.into_iter().collect())
        } else {
            Err(errors)
        }
    }

    fn target(&self, address: &str, group: &BTreeMap<String, String>) -> Result<Target, String> {
        check_address(address)?;
        let own = |name: &str| {
            group
                .get(name)
                .map(String::as_str)
                .filter(|value| !value.is_empty())
        };
        let scheme = own("__scheme__").unwrap_or(&self.scheme);
        if !matches!(scheme, "http" | "https") {
            return Err(format!(
                "the scheme is `{}`, expected http or https",
                shortened(scheme)
            ));
        }
        if let Some(name) = ["__scrape_interval__", "__scrape_timeout__"]
            .into_iter()
            .find(|name| own(name).is_some())
        {
            return Err(format!("the label {name} is not supported: set it for the job"));
        }
        let path = own("__metrics_path__").unwrap_or(&self.metrics_path);
        let url = url(scheme, address, path, &self.params_for(group));
        if url.len() > URL_BYTES_MAX {
            return Err(format!(
                "its URL has {} bytes, at most {URL_BYTES_MAX} are allowed",
                url.len()
            ));
        }
        let mut labels: Labels = [("job", &*self.name), ("instance", address)]
            .into_iter()
            .collect();
        let set = group
            .iter()
            .filter(|(name, value)| !name.starts_with("__") && !value.is_empty());
        for (name, value) in set {
            if name.is_empty() {
                return Err("a label has no name".into());
            }
            labels.set(name, value);
        }
        Ok(Target { url, labels })
    }

    /// The job's parameters; a `__param_<name>` label replaces the first value.
    fn params_for(&self, group: &BTreeMap<String, String>) -> BTreeMap<String, Vec<String>> {
        let mut params = self.params.clone();
        for (label, value) in group {
            let Some(name) = label.strip_prefix("__param_") else {
                continue;
            };
            let values = params.entry(name.to_owned()).or_default();
            match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.clone()),
            }
        }
        params
    }
}

fn check_address(address: &str) -> Result<(), String> {
    if address.is_empty() {
        return Err("the address is empty, expected host:port".into());
    }
    if address.len() > ADDRESS_BYTES_MAX {
        return Err(format!("the address has more than {ADDRESS_BYTES_MAX} bytes"));
    }
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || "/\\?#@%\"<>`{}|^".contains(c);
    match address.chars().find(|c| is_wrong(*c)) {
        Some(wrong) => Err(format!(
            "expected host:port, without scheme and path; `{}` may not be in it",
            wrong.escape_debug()
        )),
        None => Ok(()),
    }
}

fn url(scheme: &str, address: &str, path: &str, params: &BTreeMap<String, Vec<String>>) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut url = format!("{scheme}://{address}{slash}");
    encode(&mut url, path, b"/$&+,;=:@");
    let pairs = params
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    for (at, (name, value)) in pairs.enumerate() {
        url.push(if at == 0 { '?' } else { '&' });
        encode(&mut url, name, b"");
        url.push('=');
        encode(&mut url, value, b"");
    }
    url
}

fn encode(url: &mut String, text: &str, also: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || also.contains(&byte) {
            url.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)]));
            url.push('%');
            url.extend(digits);
        }
    }
}
