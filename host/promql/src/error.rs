//! What can go wrong, each with a code for programs and a text for people.

use std::fmt;

use crate::limits::Limit;

/// A place in an expression, counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
    /// Where every expression starts.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why an expression was not parsed or not evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no PromQL, or its types do not fit.
    #[error("{at}: {message}")]
    Parse { at: Position, message: String },
    /// Valid PromQL that this evaluator refuses.
    #[error("{at}: not supported: {construct}")]
    NotSupported { at: Position, construct: String },
    /// The data do not fit the expression, as in an ambiguous vector match.
    #[error("{at}: {message}")]
    Evaluation { at: Position, message: String },
    #[error("the query needs more than {max} {} ({})", limit.unit(), limit.name())]
    Limit { limit: Limit, max: u64 },
    /// The caller's `should_stop` said so.
    #[error("the query was stopped")]
    Stopped,
    #[error("the storage failed: {0}")]
    Storage(String),
    /// A range without steps or with its end before its start.
    #[error("invalid time range: {0}")]
    Range(String),
}

impl Error {
    /// A stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Parse { .. } => "parse_error",
            Self::NotSupported { .. } => "not_supported",
            Self::Evaluation { .. } => "evaluation_error",
            Self::Limit { limit, .. } => limit.code(),
            Self::Stopped => "stopped",
            Self::Storage(_) => "storage_error",
            Self::Range(_) => "invalid_range",
        }
    }

    /// Where in the expression, when the error has a place.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Parse { at, .. } | Self::NotSupported { at, .. } | Self::Evaluation { at, .. } => Some(*at),
            _ => None,
        }
    }

    pub(crate) fn parse(at: Position, message: impl Into<String>) -> Self {
        Self::Parse {
            at,
            message: message.into(),
        }
    }

    pub(crate) fn not_supported(at: Position, construct: impl Into<String>) -> Self {
        Self::NotSupported {
            at,
            construct: construct.into(),
        }
    }

    pub(crate) fn evaluation(at: Position, message: impl Into<String>) -> Self {
        Self::Evaluation {
            at,
            message: message.into(),
        }
    }
}
