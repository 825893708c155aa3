//! The queries of templates. What is asked first by any series is fetched for all of them together: however many
//! series there are, an evaluation takes a round more for each query that a template asks after another.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmalert::prefetch;
use wasmalert::prelude::*;

use crate::template::Sample;

/// Different queries of one evaluation; a limit of the host is beyond that and would fail the rule.
const QUERIES_MAX: usize = 48;

/// The queries that templates have asked.
#[derive(Default)]
pub(crate) struct Asked(Mutex<State>);

#[derive(Default)]
struct State {
    /// Those that have been fetched.
    known: BTreeSet<String>,
    /// Those to be fetched next.
    missing: BTreeSet<String>,
    /// Whether one was missing since it was last looked.
    lacks: bool,
}

impl Asked {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a query as of now.
    ///
    /// # Errors
    /// It failed, or is to be fetched first.
    pub(crate) fn ask(&self, expr: &str, now_ms: i64) -> Result<Vec<Sample>, String> {
        let mut state = self.state();
        if !state.known.contains(expr) {
            if !state.missing.contains(expr) && state.known.len() + state.missing.len() >= QUERIES_MAX {
                return Err(format!(
                    "the templates of one evaluation ask {QUERIES_MAX} different queries at most"
                ));
            }
            state.missing.insert(expr.to_owned());
            state.lacks = true;
            return Err("it is not fetched yet".to_owned());
        }
        drop(state);
        let frame = query(expr, now_ms).run().map_err(|error| error.message)?;
        let names = crate::labels(&frame);
        let names = names.into_iter().map(|labels| {
            let pairs = labels.0.into_iter().map(|label| (label.name, label.value));
            pairs.collect()
        });
        Ok(names.zip(frame.values().iter().copied()).collect())
    }

    /// Whether a query was asked since the last call that is to be fetched first.
    pub(crate) fn lacked(&self) -> bool {
        std::mem::take(&mut self.state().lacks)
    }

    /// Has what is missing fetched; false where nothing is.
    pub(crate) fn fetch(&self, now_ms: i64) -> bool {
        let mut state = self.state();
        let missing = std::mem::take(&mut state.missing);
        let queries: Vec<Query> = missing.iter().map(|expr| query(expr, now_ms)).collect();
        state.known.extend(missing);
        drop(state);
        if queries.is_empty() {
            return false;
        }
        prefetch(&queries, &[]);
        true
    }
}

fn query(expr: &str, now_ms: i64) -> Query {
    Query::new(expr).at(now_ms).may_fail()
}
