//! The store of compiled components.
//!
//! Loading an artifact is running its machine code, so each one lies beside a MAC
//! made with a key that only this directory holds. The file's name is a hash of
//! the wasm, the engine's settings and this version: an artifact that another
//! version made is never found. Files are written whole, then renamed, and never
//! changed, since running processes have them mapped.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::Hasher;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::engine::Sandbox;

const KEY_FILE: &str = "key";
const KEY_BYTES: usize = 32;
const MAC_BYTES: u64 = 32;
const READ_BYTES: usize = 256 << 10;

type Signer = Hmac<Sha256>;

/// The directory of artifacts.
pub struct Artifacts {
    dir: PathBuf,
    key: [u8; KEY_BYTES],
    /// Makes the names of temporary files of this process different.
    temporary: AtomicU64,
}

/// An artifact that cannot be read, written or removed.
#[derive(Debug, thiserror::Error)]
#[error("artifact {digest}: {source}")]
pub struct ArtifactError {
    /// Digest of the wasm.
    pub digest: String,
    pub source: io::Error,
}

impl Artifacts {
    /// Opens the directory, and creates it (mode 0700) and its MAC key (mode 0600)
    /// where missing. One process at a time uses it.
    ///
    /// # Errors
    /// The directory or the key cannot be created or read, or the key is damaged.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        remove_temporary(dir)?;
        Ok(Self {
            key: open_key(dir)?,
            dir: dir.to_owned(),
            temporary: AtomicU64::new(0),
        })
    }

    /// The artifact of the wasm with that digest, verified, for [`Sandbox::load`].
    /// None when there is none that this version made; one whose MAC is wrong is
    /// removed.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn get(&self, sandbox: &Sandbox, digest: &str) -> Result<Option<File>, ArtifactError> {
        self.read(&self.path(sandbox, digest))
            .map_err(|source| fail(digest, source))
    }

    /// Stores the artifact of the wasm with that digest.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn put(&self, sandbox: &Sandbox, digest: &str, artifact: &[u8]) -> Result<(), ArtifactError> {
        let path = self.path(sandbox, digest);
        let mut signer = self.signer(&path);
        signer.update(artifact);
        let mac = signer.finalize().into_bytes();
        // The MAC first: an artifact that is seen has one.
        self.write(&path.with_extension("mac"), &mac)
            .and_then(|()| self.write(&path, artifact))
            .and_then(|()| File::open(&self.dir)?.sync_all())
            .map_err(|source| fail(digest, source))
    }

    /// Removes the artifact of the wasm with that digest; nothing happens where
    /// there is none. Components that are loaded go on.
    ///
    /// # Errors
    /// The files cannot be removed.
    pub fn remove(&self, sandbox: &Sandbox, digest: &str) -> Result<(), ArtifactError> {
        remove_pair(&self.path(sandbox, digest)).map_err(|source| fail(digest, source))
    }

    fn read(&self, path: &Path) -> io::Result<Option<File>> {
        let mut artifact = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mac = match read_bounded(&path.with_extension("mac"), MAC_BYTES + 1) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let mut signer = self.signer(path);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match artifact.read(&mut buffer)? {
                0 => break,
                read => signer.update(&buffer[..read]),
            }
        }
        if signer.verify_slice(&mac).is_err() {
            tracing::warn!(path = %path.display(), "removing an artifact whose MAC is wrong");
            remove_pair(path)?;
            return Ok(None);
        }
        Ok(Some(artifact))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{number}.tmp"));
        let written = create_private(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn path(&self, sandbox: &Sandbox, digest: &str) -> PathBuf {
        let mut key = KeyHasher(Sha256::new());
        key.0.update(env!("CARGO_PKG_VERSION"));
        sandbox.hash_compatibility(&mut key);
        key.0.update(digest);
        self.dir.join(format!("{}.cwasm", hex(&key.0.finalize())))
    }

    /// The name goes into the MAC, so that no artifact passes for another.
    fn signer(&self, path: &Path) -> Signer {
        let mut signer = Signer::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        let name = path.file_name().unwrap_or_default();
        signer.update(name.as_encoded_bytes());
        signer.update(&[0]);
        signer
    }
}

/// Hashes what an engine feeds it with SHA-256.
struct KeyHasher(Sha256);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    }
}

fn open_key(dir: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let path = dir.join(KEY_FILE);
    match create_private(&path) {
        Ok(mut file) => {
            let mut key = [0; KEY_BYTES];
            getrandom::fill(&mut key).map_err(io::Error::other)?;
            file.write_all(&key)?;
            file.sync_all()?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let key = read_bounded(&path, KEY_BYTES as u64 + 1)?;
            key.try_into().map_err(|_| {
                let message = format!(
                    "{} is damaged: remove it, and every component is compiled anew",
                    path.display()
                );
                io::Error::new(ErrorKind::InvalidData, message)
            })
        }
        Err(error) => Err(error),
    }
}

/// Removes what a process that was killed has left half written.
fn remove_temporary(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn remove_pair(path: &Path) -> io::Result<()> {
    for path in [path, &path.with_extension("mac")] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn fail(digest: &str, source: io::Error) -> ArtifactError {
    ArtifactError {
        digest: digest.to_owned(),
        source,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
