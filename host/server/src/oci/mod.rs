//! Modules out of OCI registries.
//!
//! A *reference* names a registry, a repository in it, and there a tag or the digest of a
//! *manifest*. The manifest lists *layers* by their digests; one of them is the module.
//! Nothing that a registry says is believed: what it sends is bounded, and must have the
//! digest that it was asked for by. Every request goes by a tenant's client, under the
//! tenant's policy of egress, redirects and the registry's place for tokens included.

mod manifest;
mod session;
#[cfg(test)]
mod tests;

use std::time::Duration;

use oci_spec::distribution::Reference;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use wasmalert_core::spec::{DIGEST_WANTED, is_digest};

use self::manifest::{Layer, wasm_layer};
use self::session::Session;
use crate::egress::Denied;
use crate::http_client::auth::BasicAuth;
use crate::http_client::{ExecuteError, TenantClient, cause, read_up_to};
use crate::registry::digest_of;
use crate::secrets::{SecretError, Secrets};

/// From the first request to the last byte.
const PULL_TIME: Duration = Duration::from_secs(90);
/// The longest reference.
const REFERENCE_BYTES_MAX: usize = 512;
/// The largest manifest; those of modules have about 1 KiB.
const MANIFEST_BYTES_MAX: u64 = 256 << 10;

/// What is to be pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    reference: Reference,
    /// Of the manifest; none for whatever the tag stands for.
    digest: Option<String>,
}

/// How a registry is talked to.
pub(crate) struct Access<'a> {
    pub client: &'a TenantClient,
    pub secrets: &'a Secrets,
    pub basic_auth: Option<&'a BasicAuth>,
    /// http instead of https.
    pub plain_http: bool,
}

/// What was pulled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pulled {
    pub wasm: Vec<u8>,
    /// Registry, repository and tag.
    pub reference: String,
    /// Of the manifest.
    pub digest: String,
}

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error("{0}")]
    Reference(String),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the registry wants credentials, or others: {0}")]
    Unauthorized(String),
    #[error("the registry has no {0}")]
    NotFound(String),
    #[error("the registry: {0}")]
    Registry(String),
    #[error("the registry did not send everything within {} s", PULL_TIME.as_secs())]
    Timeout,
    #[error("{what} is larger than {bytes_max} bytes")]
    TooLarge { what: &'static str, bytes_max: u64 },
    #[error("the manifest: {0}")]
    Manifest(String),
    #[error("{what} is {found}, and not the {wanted} that it was asked for by")]
    Digest {
        what: &'static str,
        wanted: String,
        found: String,
    },
}

impl From<ExecuteError> for PullError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Denied(denied) => Self::Denied(denied),
            ExecuteError::Failed(error) if error.is_connect() => {
                Self::Registry(format!("no connection: {}", cause(&error)))
            }
            ExecuteError::Failed(error) => Self::broken(&error),
        }
    }
}

impl PullError {
    /// Stable, for programs.
    #[must_use]
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Reference(_) => "reference_invalid",
            Self::Denied(_) => "egress_denied",
            Self::Secret(_) => "secret_unusable",
            Self::Unauthorized(_) => "registry_unauthorized",
            Self::NotFound(_) => "reference_not_found",
            Self::Registry(_) => "registry_failed",
            Self::Timeout => "registry_timeout",
            Self::TooLarge { .. } => "too_large",
            Self::Manifest(_) => "manifest_invalid",
            Self::Digest { .. } => "digest_mismatch",
        }
    }

    fn broken(error: &reqwest::Error) -> Self {
        Self::Registry(format!("the connection failed: {}", cause(error)))
    }
}

impl Wanted {
    /// Reads a reference that names its registry, with a tag or a digest or both, and
    /// beside it the digest once more or alone.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn parse(text: &str, digest: Option<&str>) -> Result<Self, PullError> {
        let wrong = |why: String| Err(PullError::Reference(format!("reference: {why}")));
        if text.len() > REFERENCE_BYTES_MAX {
            return wrong(format!("is longer than {REFERENCE_BYTES_MAX} bytes"));
        }
        let reference = match Reference::try_from(text) {
            Ok(reference) => reference,
            Err(error) => {
                return wrong(format!(
                    "{error}: give REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:…"
                ));
            }
        };
        // Tools differ in what a name without a registry means.
        let names_registry = text.split('/').next() == Some(reference.registry());
        if !names_registry {
            return wrong(format!(
                "does not name its registry: if it is Docker's, write {}",
                reference.whole()
            ));
        }
        if [digest, reference.digest()]
            .into_iter()
            .flatten()
            .any(|digest| !is_digest(digest))
        {
            return Err(PullError::Reference(format!("digest: {DIGEST_WANTED}")));
        }
        match (digest, reference.digest()) {
            (Some(beside), Some(within)) if beside != within => Err(PullError::Reference(format!(
                "digest: is {beside}, and {within} in the reference"
            ))),
            (beside, within) => Ok(Self {
                digest: beside.or(within).map(str::to_owned),
                reference,
            }),
        }
    }

    /// Registry, repository and tag.
    fn shown(&self) -> String {
        let (registry, repository) = (self.reference.registry(), self.reference.repository());
        let tag = self
            .reference
            .tag()
            .map_or(String::new(), |tag| format!(":{tag}"));
        format!("{registry}/{repository}{tag}")
    }
}

/// Fetches a module of at most `wasm_bytes_max`.
///
/// # Errors
/// Says why there is none.
pub(crate) async fn pull(
    access: Access<'_>,
    wanted: &Wanted,
    wasm_bytes_max: u64,
) -> Result<Pulled, PullError> {
    let pulling = fetch(access, wanted, wasm_bytes_max);
    let pulled = tokio::time::timeout(PULL_TIME, pulling).await;
    pulled.unwrap_or(Err(PullError::Timeout))
}

async fn fetch(access: Access<'_>, wanted: &Wanted, wasm_bytes_max: u64) -> Result<Pulled, PullError> {
    let mut session = Session::new(access, &wanted.reference)?;
    let asked = wanted.digest.as_deref().or(wanted.reference.tag());
    let asked = asked.unwrap_or("latest");
    let mut response = session
        .get(&format!("manifests/{asked}"), manifest::MEDIA_TYPE)
        .await?;
    let content_type = response.headers().get(CONTENT_TYPE).cloned();
    let bytes = whole(&mut response, "the manifest", MANIFEST_BYTES_MAX).await?;
    let digest = digest_of(&bytes);
    if let Some(wanted) = &wanted.digest {
        check_digest("the manifest", wanted, &digest)?;
    }
    let content_type = content_type.as_ref().and_then(|value| value.to_str().ok());
    let layer = wasm_layer(content_type, &bytes, wasm_bytes_max)?;
    Ok(Pulled {
        wasm: blob(&mut session, &layer).await?,
        reference: wanted.shown(),
        digest,
    })
}

async fn blob(session: &mut Session<'_>, layer: &Layer) -> Result<Vec<u8>, PullError> {
    let path = format!("blobs/{}", layer.digest);
    let mut response = session.get(&path, "*/*").await?;
    let wasm = whole(
        &mut response,
        "the module, by the size in its manifest,",
        layer.bytes,
    )
    .await?;
    check_digest("the module", &layer.digest, &digest_of(&wasm))?;
    Ok(wasm)
}

fn check_digest(what: &'static str, wanted: &str, found: &str) -> Result<(), PullError> {
    if wanted == found {
        return Ok(());
    }
    Err(PullError::Digest {
        what,
        wanted: wanted.to_owned(),
        found: found.to_owned(),
    })
}

/// The whole body. Ends as soon as it is too large.
async fn whole(response: &mut Response, what: &'static str, bytes_max: u64) -> Result<Vec<u8>, PullError> {
    let too_large = || PullError::TooLarge { what, bytes_max };
    if response.content_length().is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let most = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let body = read_up_to(response, most.saturating_add(1)).await;
    let body = body.map_err(|error| PullError::broken(&error))?;
    if body.len() > most {
        return Err(too_large());
    }
    Ok(body)
}
