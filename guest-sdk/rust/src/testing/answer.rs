//! What the fake host knows of the world.

use std::collections::BTreeMap;

use wasmalert_core::frame::Frame;
use wasmalert_core::query::QueryErrorCode;

use super::series::{frame, range_frame};
use crate::QueryError;

/// A query as a rule asks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Empty for the rule's own source.
    pub source: String,
    /// The query's text.
    pub expr: String,
    /// When it looks.
    pub when: When,
}

/// When a query looks, in ms since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At one time.
    Instant {
        /// The slot's time unless the rule names another.
        at_ms: i64,
    },
    /// Over a span, both ends included.
    Range {
        /// First sample time.
        start_ms: i64,
        /// Last sample time.
        end_ms: i64,
        /// Distance of samples.
        step_ms: u64,
    },
}

/// What a query comes to.
pub type Answer = Result<Frame, QueryError>;

type Key = (String, String, bool);

/// Answers whatever it knows an answer to.
type AnswerBy = Box<dyn Fn(&Asked) -> Option<Answer>>;

/// The answers a test has given.
#[derive(Default)]
pub(super) struct Answers {
    /// By source, text, and whether it is a range query.
    fixed: BTreeMap<Key, Fixed>,
    by: Option<AnswerBy>,
}

enum Fixed {
    Instant(Vec<(String, f64)>),
    Frame(Frame),
    Failure(QueryError),
}

impl Answers {
    pub(super) fn instant(&mut self, source: &str, expr: &str, series: &[(&str, f64)]) {
        drop(frame(0, series)); // a bad series is told where it is written
        let series = series
            .iter()
            .map(|(text, value)| ((*text).to_owned(), *value))
            .collect();
        self.fixed
            .insert(key(source, expr, false), Fixed::Instant(series));
    }

    pub(super) fn range(&mut self, source: &str, expr: &str, series: &[(&str, &[(i64, f64)])]) {
        self.fixed
            .insert(key(source, expr, true), Fixed::Frame(range_frame(series)));
    }

    /// Both kinds of query fail.
    pub(super) fn fail(&mut self, source: &str, expr: &str, code: &str, message: &str) {
        assert!(
            QueryErrorCode::parse(code).is_some(),
            "{code:?} is no code of a failed query"
        );
        for range in [false, true] {
            let error = QueryError {
                code: code.to_owned(),
                message: message.to_owned(),
                ..QueryError::default()
            };
            self.fixed.insert(key(source, expr, range), Fixed::Failure(error));
        }
    }

    pub(super) fn by(&mut self, answer: impl Fn(&Asked) -> Option<Answer> + 'static) {
        self.by = Some(Box::new(answer));
    }

    /// The answer to a query.
    ///
    /// # Panics
    /// The test has not given one.
    pub(super) fn answer(&self, asked: &Asked) -> Answer {
        if let Some(answer) = self.by.as_ref().and_then(|by| by(asked)) {
            return answer;
        }
        let range = matches!(asked.when, When::Range { .. });
        match (
            self.fixed.get(&key(&asked.source, &asked.expr, range)),
            asked.when,
        ) {
            (Some(Fixed::Instant(series)), When::Instant { at_ms }) => {
                let series: Vec<_> = series.iter().map(|(text, value)| (&**text, *value)).collect();
                Ok(frame(at_ms, &series))
            }
            (Some(Fixed::Frame(frame)), _) => Ok(frame.clone()),
            (Some(Fixed::Failure(error)), _) => Err(error.clone()),
            _ => {
                panic!("the test has no answer to {asked:?}; give one with FakeHost::instant, range or fail")
            }
        }
    }
}

fn key(source: &str, expr: &str, range: bool) -> Key {
    (source.to_owned(), expr.to_owned(), range)
}
