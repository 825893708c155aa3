//! The bearer token that every call of the API carries.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::chance;

/// File of the token in the data directory.
pub(crate) const FILE_NAME: &str = "token";

/// The token that calls are checked against; never shown.
pub(crate) struct Token {
    key: [u8; 64],
    tag: Vec<u8>,
}

impl Token {
    /// # Errors
    /// The system has no source of chance.
    pub(crate) fn new(token: &str) -> io::Result<Self> {
        let mut key = [0; 64];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let tag = mac(&key, token).finalize().into_bytes().to_vec();
        Ok(Self { key, tag })
    }

    /// Whether this is the token, in a time that does not depend on where they
    /// differ: tags under a key nobody knows are compared, in constant time.
    pub(crate) fn is(&self, presented: &str) -> bool {
        mac(&self.key, presented).verify_slice(&self.tag).is_ok()
    }
}

fn mac(key: &[u8; 64], text: &str) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new(key.into());
    mac.update(text.as_bytes());
    mac
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
