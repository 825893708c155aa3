//! What can go wrong in the store.

use std::fmt;

use super::FILE_NAME;

/// What rules and receivers refer to by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Module,
    Source,
    Receiver,
}

impl Kind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Source => "source",
            Self::Receiver => "receiver",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An operation that the store has not done; nothing of it is written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The group was replaced or deleted since the evaluation began.
    #[error("the group has been replaced or deleted meanwhile: the commit was refused")]
    Stale,
    /// `by` names the first users, at most [`super::USERS_NAMED_MAX`] of them.
    #[error("the {kind} {name:?} is used by {}: change or delete that first", .by.join(", "))]
    InUse {
        kind: Kind,
        name: String,
        by: Vec<String>,
    },
    /// What a group or a receiver refers to is not there.
    #[error("there is no {kind} {name:?}: make it first")]
    Missing { kind: Kind, name: String },
    /// Somebody else has changed it meanwhile.
    #[error("{what} {found}: look at it again, and change what it is now")]
    Unexpected { what: String, found: String },
    /// A change that cannot be made.
    #[error("{0}")]
    Unfit(String),
    /// A row that does not parse.
    #[error("table {table}, row {key}, column {column}: {reason}; repair or delete the row")]
    Corrupt {
        table: &'static str,
        key: String,
        column: &'static str,
        reason: String,
    },
    /// The file is not a database, or its pages are damaged.
    #[error(
        "{file} is damaged or is not a database ({reason}): stop the server, move the file \
         away together with its -wal and -shm files, and put a backup in its place"
    )]
    Damaged { file: String, reason: String },
    #[error(
        "{file} has schema {found}, and this program knows up to {known}: start the newer \
         version that wrote it, or put a backup in its place"
    )]
    NewerSchema { file: String, found: i64, known: i64 },
    #[error(
        "{file} was set up by another build: its migration {version} is not the one of this \
         program; start the version that wrote it, or put a backup in its place"
    )]
    OtherSchema { file: String, version: i64 },
    #[error("the disk is full ({reason}): free some space in the data directory")]
    Full { reason: String },
    #[error("{FILE_NAME} cannot be written ({reason}): check who owns it and how it is mounted")]
    ReadOnly { reason: String },
    #[error("another process holds {FILE_NAME} ({reason}): one server per data directory")]
    Busy { reason: String },
    #[error("the store is closed")]
    Closed,
    #[error("{file}: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("the database refused: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The primary result codes of SQLite that have an error of their own.
mod sqlite {
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const READONLY: u32 = 8;
    pub(super) const CORRUPT: u32 = 11;
    pub(super) const FULL: u32 = 13;
    pub(super) const CANTOPEN: u32 = 14;
    pub(super) const NOTADB: u32 = 26;
    /// Extended codes keep the primary one in their low byte.
    pub(super) const PRIMARY_MASK: u32 = 0xff;
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let reason = error.to_string();
        match &error {
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => return Self::Closed,
            sqlx::Error::PoolTimedOut => return Self::Busy { reason },
            _ => {}
        }
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .and_then(|code| code.parse::<u32>().ok());
        match code.map(|code| code & sqlite::PRIMARY_MASK) {
            Some(sqlite::FULL) => Self::Full { reason },
            Some(sqlite::READONLY | sqlite::CANTOPEN) => Self::ReadOnly { reason },
            Some(sqlite::BUSY | sqlite::LOCKED) => Self::Busy { reason },
            Some(sqlite::CORRUPT | sqlite::NOTADB) => Self::Damaged {
                file: FILE_NAME.to_owned(),
                reason,
            },
            _ => Self::Database(Box::new(error)),
        }
    }
}
