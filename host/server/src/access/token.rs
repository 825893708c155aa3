//! The bearer token that every call of the API carries.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::chance;

/// File of the token in the data directory.
pub(crate) const FILE_NAME: &str = "token";

/// The token that calls are checked against; never shown.
pub(crate) struct Token(Vec<u8>);

impl Token {
    #[must_use]
    pub(crate) fn new(token: &str) -> Self {
        Self(digest(token))
    }

    /// Whether this is the token.
    pub(crate) fn is(&self, presented: &str) -> bool {
        has_digest(presented, &self.0)
    }
}

/// What is kept of a text of chance, to know it by: its SHA-256.
#[must_use]
pub(super) fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text).to_vec()
}

/// Whether a text has that digest, in a time that does not depend on where they
/// differ: what is compared is made of the digests, in constant time.
#[must_use]
pub(super) fn has_digest(text: &str, kept: &[u8]) -> bool {
    let mac = |digest: &[u8]| {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&Default::default());
        mac.update(digest);
        mac
    };
    mac(&digest(text))
        .verify_slice(&mac(kept).finalize().into_bytes())
        .is_ok()
}

/// The token of the data directory, and whether it was made just now.
///
/// # Errors
/// The file cannot be read or written, or the system has no source of chance.
pub(crate) fn read_or_make(data_dir: &Path) -> io::Result<(String, bool)> {
    let path = data_dir.join(FILE_NAME);
    match std::fs::read_to_string(&path) {
        Ok(token) if !token.trim().is_empty() => return Ok((token.trim().to_owned(), false)),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let token = chance::token().map_err(io::Error::other)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    Ok((token, true))
}
