//! What is wrong with files, and where.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// The largest rule or test file, in bytes.
pub const FILE_BYTES_MAX: u64 = 16 << 20;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u64,
    pub message: String,
}

impl fmt::Display for Problem {
    /// `file:line: message`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// The problems of one file, while it is read.
#[derive(Debug)]
pub struct Problems {
    pub file: Arc<str>,
    pub all: Vec<Problem>,
}

impl Problems {
    pub fn of(file: &str) -> Self {
        Self {
            file: file.into(),
            all: Vec::new(),
        }
    }

    pub fn add(&mut self, line: u64, message: impl fmt::Display) {
        self.all.push(Problem {
            file: self.file.clone(),
            line,
            message: message.to_string(),
        });
    }
}

/// A file that cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct ReadError {
    pub file: String,
    pub reason: String,
}

/// Reads all there is.
///
/// # Errors
/// It cannot be read, or is more than that.
pub fn read_at_most(from: impl Read, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > bytes_max {
        true => Err(io::Error::other(format!("larger than {bytes_max} bytes"))),
        false => Ok(bytes),
    }
}

/// Reads a file of at most [`FILE_BYTES_MAX`].
///
/// # Errors
/// It cannot be read, is too large, or not UTF-8.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    let fail = |reason: String| ReadError {
        file: path.display().to_string(),
        reason,
    };
    let file = std::fs::File::open(path).map_err(|error| fail(error.to_string()))?;
    let bytes = read_at_most(file, FILE_BYTES_MAX).map_err(|error| fail(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| fail("is not UTF-8".into()))
}
