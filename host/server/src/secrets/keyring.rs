//! The keys that secrets are stored under.
//!
//! A *key* has 256 bits; its *id* tells it from others and nothing about it. A value is
//! *sealed* with the first key, by ChaCha20-Poly1305 under a random nonce, and bound to
//! its tenant, its name and its hosts: in another row it does not open. Every key opens
//! what it has sealed.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac as _};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use wasmalert_core::TenantId;

use crate::chance;

/// File of the key in the data directory that the server makes where it is given none.
pub const FILE_NAME: &str = "secrets.key";

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;
/// Keys that the server takes.
const KEYS_MAX: usize = 16;
const FILE_BYTES_MAX: u64 = 16 << 10;

/// Where the keys come from, as the settings have it.
#[derive(Clone)]
pub enum KeySource {
    /// The file in the data directory, made where it is missing.
    DataDir,
    File(PathBuf),
    /// The keys themselves.
    Text(String),
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDir => f.write_str("DataDir"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(…)"),
        }
    }
}

/// Keys that cannot be used. Shows none of them.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the keys of secrets, {place}: {source}")]
    Io { place: String, source: io::Error },
    #[error(
        "the keys of secrets, {place}: key {number} is not 32 bytes in base64; make one with `head -c 32 \
         /dev/urandom | base64`"
    )]
    NotAKey { place: String, number: usize },
    #[error("the keys of secrets, {place}: there are {found} keys, and 1 to {KEYS_MAX} are taken")]
    Count { place: String, found: usize },
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("it was sealed under a key that the server is not given")]
    NoKey,
    #[error("it is damaged, or was sealed for another tenant, name or list of hosts")]
    Damaged,
}

/// What a value is sealed for.
#[derive(Debug, Clone, Copy)]
pub struct SealedFor<'s> {
    pub tenant: &'s TenantId,
    pub name: &'s str,
    /// As it is stored.
    pub hosts: &'s str,
}

impl SealedFor<'_> {
    /// Different for each, whatever they hold.
    fn aad(&self) -> Aad<Vec<u8>> {
        let parts = ["wasmalert secret 1", self.tenant.as_str(), self.name, self.hosts];
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Aad::from(bytes)
    }
}

/// A sealed value, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    /// Nonce, ciphertext and tag in base64.
    pub content: String,
}

struct Key {
    id: String,
    key: LessSafeKey,
}

impl Key {
    fn new(bytes: [u8; KEY_BYTES]) -> Option<Self> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&bytes).ok()?;
        mac.update(b"wasmalert id of a key of secrets");
        let id = mac.finalize().into_bytes();
        let id = id.iter().take(KEY_ID_BYTES).map(|byte| format!("{byte:02x}"));
        Some(Self {
            id: id.collect(),
            key: LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &bytes).ok()?),
        })
    }
}

/// The server's keys; never shown.
pub struct Keyring {
    first: Key,
    others: Vec<Key>,
}

impl Keyring {
    /// The keys of a source. Those of the data directory's file are taken behind those
    /// of another source, so that what they sealed still opens.
    ///
    /// # Errors
    /// The keys cannot be read or made, or are none.
    pub fn load(source: &KeySource, data_dir: &Path) -> Result<Self, KeyError> {
        let made = data_dir.join(FILE_NAME);
        let (text, place) = match source {
            KeySource::Text(text) => (text.clone(), "secrets_key".to_owned()),
            KeySource::File(path) => (read(path)?, path.display().to_string()),
            KeySource::DataDir => (read_or_make(&made)?, made.display().to_string()),
        };
        let mut keys = parse(&text, &place)?;
        if !matches!(source, KeySource::DataDir) && made.exists() {
            keys.extend(parse(&read(&made)?, &made.display().to_string())?);
        }
        let found = keys.len();
        let mut keys = keys.into_iter();
        match keys.next() {
            Some(first) if found <= KEYS_MAX => Ok(Self {
                first,
                others: keys.collect(),
            }),
            _ => Err(KeyError::Count { place, found }),
        }
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn first_id(&self) -> &str {
        &self.first.id
    }

    /// Seals a value with the first key.
    ///
    /// # Errors
    /// The system has no source of chance.
    pub fn seal(&self, sealed_for: SealedFor<'_>, value: &str) -> io::Result<Sealed> {
        let nonce: [u8; NONCE_LEN] = chance::bytes().map_err(io::Error::other)?;
        let mut content = value.as_bytes().to_vec();
        let key = &self.first.key;
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            sealed_for.aad(),
            &mut content,
        )
        .map_err(|_| io::Error::other("the value cannot be sealed"))?;
        content.splice(0..0, nonce);
        Ok(Sealed {
            key_id: self.first.id.clone(),
            content: BASE64.encode(content),
        })
    }

    /// Opens a sealed value.
    ///
    /// # Errors
    /// No key opens it, or it is not what was sealed.
    pub fn open(&self, sealed_for: SealedFor<'_>, sealed: &Sealed) -> Result<String, OpenError> {
        let keys = std::iter::once(&self.first).chain(&self.others);
        let key = keys
            .into_iter()
            .find(|key| key.id == sealed.key_id)
            .ok_or(OpenError::NoKey)?;
        let content = BASE64.decode(&sealed.content).map_err(|_| OpenError::Damaged)?;
        let (nonce, content) = content.split_first_chunk().ok_or(OpenError::Damaged)?;
        let mut content = content.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key.key.open_in_place(nonce, sealed_for.aad(), &mut content);
        let value = opened.map_err(|_| OpenError::Damaged)?.to_vec();
        String::from_utf8(value).map_err(|_| OpenError::Damaged)
    }
}

/// The keys of a text: one a line, or separated by commas; lines that start with `#` are
/// left out.
fn parse(text: &str, place: &str) -> Result<Vec<Key>, KeyError> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split(',')).map(str::trim);
    let mut keys: Vec<Key> = Vec::new();
    for (at, word) in words.filter(|word| !word.is_empty()).enumerate() {
        let bytes = BASE64.decode(word).ok().and_then(|bytes| bytes.try_into().ok());
        let key = bytes.and_then(Key::new).ok_or_else(|| KeyError::NotAKey {
            place: place.to_owned(),
            number: at + 1,
        })?;
        if keys.iter().all(|known| known.id != key.id) {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let place = path.display().to_string();
    |source| KeyError::Io { place, source }
}

fn read(path: &Path) -> Result<String, KeyError> {
    let mut file = File::open(path).map_err(failed(path))?;
    let mode = file.metadata().map_err(failed(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), "others than the owner may read the keys of secrets");
    }
    let mut text = String::new();
    let reading = (&mut file).take(FILE_BYTES_MAX).read_to_string(&mut text);
    reading.map_err(failed(path))?;
    Ok(text)
}

/// The text of the key file, which is made whole or not at all.
fn read_or_make(path: &Path) -> Result<String, KeyError> {
    if path.exists() {
        return read(path);
    }
    let make = || -> io::Result<String> {
        let key: [u8; KEY_BYTES] = chance::bytes().map_err(io::Error::other)?;
        let text = format!("{}\n", BASE64.encode(key));
        let unfinished = path.with_extension("key.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        if let Some(dir) = path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(text)
    };
    make().map_err(failed(path))
}

#[cfg(test)]
mod tests;
