//! Label matchers: `name="value"`, `!=`, `=~`, `!~`.

use std::fmt;

use regex::Regex;

use crate::pattern::anchored;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
}

impl MatchOp {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
        }
    }
}

/// A condition on one label. A label that a series does not have is the empty text.
#[derive(Clone)]
pub struct Matcher {
    pub name: Box<str>,
    pub op: MatchOp,
    pub value: Box<str>,
    pattern: Pattern,
}

#[derive(Clone)]
enum Pattern {
    Literal,
    Anything,
    NotEmpty,
    Regex(Regex),
}

impl Matcher {
    /// Makes a matcher; a pattern is anchored at both ends and its compiled
    /// form at most `regex_bytes_max` long.
    ///
    /// # Errors
    /// The pattern is invalid or too large: a text for people.
    pub fn new(name: &str, op: MatchOp, value: &str, regex_bytes_max: usize) -> Result<Self, String> {
        let pattern = match (op, value) {
            (MatchOp::Equal | MatchOp::NotEqual, _) => Pattern::Literal,
            (_, ".*") => Pattern::Anything,
            (_, ".+") => Pattern::NotEmpty,
            (_, pattern) => Pattern::Regex(anchored(pattern, regex_bytes_max)?),
        };
        Ok(Self {
            name: name.into(),
            op,
            value: value.into(),
            pattern,
        })
    }

    /// `name="value"`.
    #[must_use]
    pub fn equal(name: &str, value: &str) -> Self {
        Self {
            name: name.into(),
            op: MatchOp::Equal,
            value: value.into(),
            pattern: Pattern::Literal,
        }
    }

    /// Whether a label value fulfils the condition.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        let found = match &self.pattern {
            Pattern::Literal => *self.value == *value,
            Pattern::Anything => true,
            Pattern::NotEmpty => !value.is_empty(),
            Pattern::Regex(regex) => regex.is_match(value),
        };
        found == matches!(self.op, MatchOp::Equal | MatchOp::Matches)
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:?}", self.name, self.op.text(), self.value)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
