//! TLS of the API: certificate and key from files, taken up again when they change.
//!
//! What the files hold is compared, not their times, so that it does not matter how they
//! are replaced. Files that do not hold together change nothing: what was good goes on
//! serving, the log says why, and a gauge stays at 1 until they are mended. Connections
//! that are open keep what they began with.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::config::TlsConfig;
use crate::telemetry::Metrics;

/// The files are read so often.
const READ_EVERY: Duration = Duration::from_secs(2);
/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Files of TLS that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("TLS: {file}: {reason}")]
pub struct TlsError {
    file: String,
    reason: String,
}

fn wrong(file: &Path, reason: impl Display) -> TlsError {
    TlsError {
        file: file.display().to_string(),
        reason: reason.to_string(),
    }
}

/// What the files hold.
#[derive(PartialEq, Eq)]
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// What connections are accepted with.
pub(crate) struct Tls {
    config: TlsConfig,
    current: RwLock<Arc<ServerConfig>>,
    /// What the files held when they were looked at last, good or not.
    tried: Mutex<Option<Contents>>,
}

impl Tls {
    /// # Errors
    /// A file cannot be read, or they do not hold together.
    pub(crate) fn load(config: TlsConfig) -> Result<Self, TlsError> {
        let contents = read(&config)?;
        let first = server_config(&config, &contents)?;
        Ok(Self {
            config,
            current: RwLock::new(Arc::new(first)),
            tried: Mutex::new(Some(contents)),
        })
    }

    /// What the next connection is accepted with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes up what the files hold, where that is not what was tried last. True when
    /// it serves from now on.
    fn reload(&self) -> Result<bool, TlsError> {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = read(&self.config).inspect_err(|_| *tried = None)?;
        if tried.as_ref() == Some(&contents) {
            return Ok(false);
        }
        let next = server_config(&self.config, &contents);
        *tried = Some(contents);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next?);
        Ok(true)
    }
}

/// Takes up the files whenever they have changed.
pub(crate) async fn reload_forever(tls: Arc<Tls>, metrics: Arc<Metrics>) {
    let mut last_error = String::new();
    loop {
        tokio::time::sleep(READ_EVERY).await;
        let reading = tls.clone();
        // It does not panic, and is not aborted.
        let Ok(reloaded) = tokio::task::spawn_blocking(move || reading.reload()).await else {
            return;
        };
        match reloaded {
            Ok(false) => {}
            Ok(true) => {
                metrics.tls_stale.set(0.0);
                last_error.clear();
                tracing::info!("the files of TLS have changed, and serve from now on");
            }
            Err(error) => {
                metrics.tls_stale.set(1.0);
                let error = error.to_string();
                if error != last_error {
                    tracing::error!(error, "what TLS had before goes on serving");
                }
                last_error = error;
            }
        }
    }
}

fn read(config: &TlsConfig) -> Result<Contents, TlsError> {
    let read = |path: &Path| read_file(path).map_err(|error| wrong(path, error));
    Ok(Contents {
        cert: read(&config.cert_file)?,
        key: read(&config.key_file)?,
        client_ca: config.client_ca_file.as_deref().map(read).transpose()?,
    })
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "it is larger than {FILE_BYTES_MAX} bytes"
        )));
    }
    Ok(bytes)
}

fn server_config(config: &TlsConfig, contents: &Contents) -> Result<ServerConfig, TlsError> {
    let of_cert = |error: rustls::Error| wrong(&config.cert_file, error);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(of_cert)?;
    let builder = match config
        .client_ca_file
        .as_deref()
        .zip(contents.client_ca.as_deref())
    {
        None => builder.with_no_client_auth(),
        Some((file, pem)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file, pem)? {
                roots.add(certificate).map_err(|error| wrong(file, error))?;
            }
            let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let clients = if config.client_required {
                clients
            } else {
                clients.allow_unauthenticated()
            };
            builder.with_client_cert_verifier(clients.build().map_err(|error| wrong(file, error))?)
        }
    };
    let chain = certificates(&config.cert_file, &contents.cert)?;
    let key = PrivateKeyDer::from_pem_slice(&contents.key)
        .map_err(|error| wrong(&config.key_file, format!("no private key: {error}")))?;
    let mut server = builder.with_single_cert(chain, key).map_err(|error| {
        let both = format!("with the key of {}: {error}", config.key_file.display());
        wrong(&config.cert_file, both)
    })?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(server)
}

fn certificates(file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(wrong(file, "it holds no certificate in PEM")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(wrong(file, error)),
    }
}

#[cfg(test)]
mod tests;
