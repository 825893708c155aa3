//! Queries that rules ask, and why they fail.

use std::sync::Arc;

use crate::frame::Frame;

/// A query as it is known in a journal: source and times are settled.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Query {
    /// Name of the source, never empty.
    pub source: Arc<str>,
    pub expr: Arc<str>,
    pub time: QueryTime,
}

impl Query {
    /// The same query, asked `by_ms` later.
    #[must_use]
    pub fn moved(&self, by_ms: i64) -> Self {
        let time = match self.time {
            QueryTime::Instant { at_ms } => QueryTime::Instant {
                at_ms: at_ms.saturating_add(by_ms),
            },
            QueryTime::Range {
                start_ms,
                end_ms,
                step_ms,
            } => QueryTime::Range {
                start_ms: start_ms.saturating_add(by_ms),
                end_ms: end_ms.saturating_add(by_ms),
                step_ms,
            },
        };
        Self {
            source: self.source.clone(),
            expr: self.expr.clone(),
            time,
        }
    }
}

/// When a query looks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum QueryTime {
    Instant {
        at_ms: i64,
    },
    /// From `start_ms` to `end_ms`, both inclusive, every `step_ms` (at least 1).
    Range {
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    },
}

impl QueryTime {
    /// The newest time that is looked at: the instant, or the end of the range.
    #[must_use]
    pub fn newest_ms(self) -> i64 {
        match self {
            Self::Instant { at_ms } => at_ms,
            Self::Range { end_ms, .. } => end_ms,
        }
    }
}

/// Why a query failed. The code is what rules, the API and metrics see.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct QueryError {
    pub code: QueryErrorCode,
    pub message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum QueryErrorCode {
    /// The source answered with an error.
    Failed,
    Timeout,
    /// No connection, or the source says it cannot answer now.
    Unavailable,
    /// The answer is over the limit on bytes.
    TooLarge,
    /// The answer is not what the protocol says.
    BadResponse,
    SourceUnknown,
    /// The tenant's policy does not let the request go where the source is.
    EgressDenied,
}

impl QueryErrorCode {
    pub const ALL: [Self; 7] = [
        Self::Failed,
        Self::Timeout,
        Self::Unavailable,
        Self::TooLarge,
        Self::BadResponse,
        Self::SourceUnknown,
        Self::EgressDenied,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "query_failed",
            Self::Timeout => "query_timeout",
            Self::Unavailable => "query_unavailable",
            Self::TooLarge => "query_too_large",
            Self::BadResponse => "query_bad_response",
            Self::SourceUnknown => "source_unknown",
            Self::EgressDenied => "egress_denied",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == code)
    }
}

/// What a query came to.
pub type QueryResult = Result<Arc<Frame>, QueryError>;
