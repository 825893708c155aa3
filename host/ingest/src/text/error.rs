//! What is wrong with an exposition, and where.

use std::borrow::Cow;

use super::cursor::Fault;
use crate::limits::shortened;

/// An exposition that is against its format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}, found {found}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is expected there.
    pub problem: Cow<'static, str>,
    /// What is there instead: in backquotes the rest of the line, shortened.
    pub found: String,
}

impl ParseError {
    pub(super) fn at(text: &str, fault: Fault) -> Self {
        let (before, after) = text.split_at_checked(fault.at).unwrap_or((text, ""));
        let found = match after.split('\n').next().unwrap_or_default() {
            "" if after.is_empty() => "the end of the text".to_owned(),
            "" => "the end of the line".to_owned(),
            rest => format!("`{}`", shortened(rest)),
        };
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            problem: fault.problem,
            found,
        }
    }

    pub(super) fn not_utf8(body: &[u8], valid_bytes: usize) -> Self {
        let text = std::str::from_utf8(&body[..valid_bytes]).unwrap_or_default();
        let byte = body.get(valid_bytes).copied().unwrap_or_default();
        let mut error = Self::at(text, Fault::new(text.len(), "expected UTF-8"));
        error.found = format!("the byte 0x{byte:02x}");
        error
    }
}

/// A scrape's answer is in no format that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Content-Type is `{header}`, expected text/plain or application/openmetrics-text; \
     correct the target, or set fallback_scrape_protocol"
)]
pub struct ContentTypeError {
    /// As sent, shortened; empty when there is none.
    pub header: String,
}

impl ContentTypeError {
    pub(super) fn new(header: &str) -> Self {
        Self {
            header: shortened(header),
        }
    }
}
