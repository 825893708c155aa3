//! Sources as the engine asks them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Semaphore;

use super::spec::SourceSpec;
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
