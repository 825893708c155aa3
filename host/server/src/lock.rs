//! The lock on the data directory: one server at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// The file that is locked; it has no content.
const FILE_NAME: &str = "lock";

/// Holds a data directory until it is dropped. The kernel lets go of it however
/// the process ends, so no lock is ever left behind.
#[derive(Debug)]
pub(crate) struct DirLock(#[expect(dead_code, reason = "what is locked is this open file")] File);

/// Why a directory is not locked.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Somebody else holds it.
    InUse,
    Io(io::Error),
}

impl DirLock {
    /// Locks a directory that is there.
    ///
    /// # Errors
    /// Another server holds it, or the file system cannot tell.
    pub(crate) fn take(dir: &Path) -> Result<Self, LockError> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(FILE_NAME))
            .map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse),
            Err(TryLockError::Error(error)) => Err(LockError::Io(error)),
        }
    }
}
