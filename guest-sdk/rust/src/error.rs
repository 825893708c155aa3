//! How a component fails.

use std::fmt;

use crate::QueryError;
use crate::bindings::rule::wasmalert::rules::types::ComponentError;

/// A failure that the component reports itself. It leaves every alert as it was
/// and shows up in the rule's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Stable code in snake case, for machines.
    pub code: String,
    /// What is wrong and what to do, for people.
    pub message: String,
}

impl Error {
    /// The code of errors made from a text.
    pub const FAILED: &str = "failed";
    /// The code of a configuration that does not fit.
    pub const BAD_CONFIG: &str = "bad_config";
    /// The code of a JSON text or value that does not fit.
    pub const BAD_JSON: &str = "bad_json";

    /// Makes an error of a code in snake case and a message for people.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    /// Makes the error of a configuration that does not fit.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Self::BAD_CONFIG, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        Self::new(error.code, error.message)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(Self::BAD_JSON, error.to_string())
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::new(Self::FAILED, message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::new(Self::FAILED, message)
    }
}

impl From<Error> for ComponentError {
    fn from(error: Error) -> Self {
        Self {
            code: error.code,
            message: error.message,
            extras: Vec::new(),
        }
    }
}
