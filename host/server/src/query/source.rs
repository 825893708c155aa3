//! Sources as the engine asks them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::sync::Semaphore;

use super::spec::{SourceSpec, check_base_url};
use crate::secrets::Secrets;

/// Requests to one source at a time.
pub const SOURCE_CONCURRENCY_DEFAULT: usize = 64;

/// One revision of a tenant's source. Keep it in an `Arc`: its limit on requests
/// at a time, and what it learns of the server, live in it.
pub struct Source {
    pub(super) name: Arc<str>,
    pub(super) revision: u64,
    pub(super) spec: SourceSpec,
    pub(super) secrets: Arc<Secrets>,
    pub(super) permits: Semaphore,
    /// The server has refused POST.
    pub(super) get_only: AtomicBool,
}

impl Source {
    /// A source with the tenant's secrets, of which it uses those it names.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub fn new(
        name: &str,
        revision: u64,
        spec: SourceSpec,
        secrets: Arc<Secrets>,
    ) -> Result<Self, Vec<String>> {
        spec.validate()?;
        Ok(Self {
            name: name.into(),
            revision,
            spec,
            secrets,
            permits: Semaphore::new(SOURCE_CONCURRENCY_DEFAULT),
            get_only: AtomicBool::new(false),
        })
    }

    /// The same with another limit on requests at a time, at least 1.
    #[must_use]
    pub fn with_concurrency(mut self, requests_max: usize) -> Self {
        self.permits = Semaphore::new(requests_max.clamp(1, Semaphore::MAX_PERMITS));
        self
    }

    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The URL that series are written to, and the headers that say by whom.
    ///
    /// # Errors
    /// It has none, or a secret does not exist or may not go there.
    pub(crate) fn write_target(&self) -> Result<(Url, HeaderMap), String> {
        let SourceSpec::Prometheus(spec) = &self.spec else {
            return Err("the embedded source has no write_url".to_owned());
        };
        let url = spec.write_url.as_deref().ok_or("the source has no write_url")?;
        let url = self.secrets.fill_url(url).map_err(|error| error.to_string())?;
        check_base_url(&url).map_err(|reason| format!("the source's write_url: {reason}"))?;
        let mut headers = HeaderMap::new();
        let applied = spec.auth().apply(&mut headers, &self.secrets.for_url(&url));
        applied.map_err(|error| error.to_string())?;
        Ok((url, headers))
    }

    /// A text about it without what must never be shown.
    pub(crate) fn redact(&self, text: &str) -> String {
        match &self.spec {
            SourceSpec::Prometheus(spec) => spec.redact(text, &self.secrets),
            SourceSpec::Embedded(_) => text.to_owned(),
        }
    }

    #[must_use]
    pub fn spec(&self) -> &SourceSpec {
        &self.spec
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("revision", &self.revision)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// A tenant's sources by name.
#[derive(Debug, Clone, Default)]
pub struct Sources(BTreeMap<Arc<str>, Arc<Source>>);

impl Sources {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Source>> {
        self.0.get(name)
    }

    /// The source whose `write_url` takes what rules record that ask the source of this name.
    pub(crate) fn written_to(&self, name: &str) -> Option<&Arc<Source>> {
        let source = self.get(name)?;
        let source = match &source.spec {
            SourceSpec::Prometheus(_) => source,
            SourceSpec::Embedded(spec) => self.get(spec.write_to.as_deref()?)?,
        };
        match &source.spec {
            SourceSpec::Prometheus(spec) if spec.write_url.is_some() => Some(source),
            _ => None,
        }
    }

    /// The first source, and what it says, whose `write_to` names no source that can be written to.
    pub(crate) fn without_target(&self) -> Option<(&str, &str)> {
        self.0.iter().find_map(|(name, source)| match &source.spec {
            SourceSpec::Embedded(spec) => {
                let target = spec.write_to.as_deref()?;
                self.written_to(name).is_none().then_some((&**name, target))
            }
            SourceSpec::Prometheus(_) => None,
        })
    }

    pub fn insert(&mut self, source: Arc<Source>) {
        self.0.insert(source.name.clone(), source);
    }

    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

impl FromIterator<Arc<Source>> for Sources {
    fn from_iter<I: IntoIterator<Item = Arc<Source>>>(sources: I) -> Self {
        Self(
            sources
                .into_iter()
                .map(|source| (source.name.clone(), source))
                .collect(),
        )
    }
}
