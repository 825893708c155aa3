//! One evaluation: a component is run until it has every query result that it asks for.

use std::sync::Arc;

use wasmalert_core::evaluation::{Context, Cost, Effects, Journal, LogLine, Outcome};
use wasmalert_core::fault::Fault;
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::query::{Query, QueryResult};
use wasmalert_sandbox::{Component, Verdict};

/// An evaluation to be.
pub struct Once<'a> {
    pub component: &'a Component,
    pub context: &'a Arc<Context>,
    pub journal: Journal,
    pub limits: &'a Limits,
}

/// What an evaluation came to.
#[derive(Debug)]
pub struct Ran {
    pub result: Result<(Outcome, Effects), Failed>,
    /// Everything that it read.
    pub journal: Arc<Journal>,
    /// What the last run asked.
    pub asked: Vec<Query>,
    /// Runs until every query result was there.
    pub rounds: u32,
    /// Of the last run; the wall time is that of all.
    pub cost: Cost,
}

/// An evaluation that failed, with what the rule had logged.
#[derive(Debug)]
pub struct Failed {
    pub fault: Fault,
    pub log: Vec<LogLine>,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            log: Vec::new(),
        }
    }
}

impl Once<'_> {
    /// Evaluates. `wanted` is asked before the first run, as what it will most likely ask.
    #[must_use]
    pub fn run(self, mut wanted: Vec<Query>, ask: &mut dyn FnMut(&Query) -> QueryResult) -> Ran {
        let mut ran = Ran {
            result: Err(Fault::over(Limit::Rounds, self.limits.rounds).into()),
            journal: Arc::new(self.journal),
            asked: Vec::new(),
            rounds: 0,
            cost: Cost::default(),
        };
        while u64::from(ran.rounds) < self.limits.rounds {
            let results = wanted.drain(..).map(|query| {
                let result = ask(&query);
                (query, result)
            });
            if let Err(fault) = Arc::make_mut(&mut ran.journal).add(results, self.limits) {
                ran.result = Err(fault.into());
                return ran;
            }
            let evaluation = self.component.evaluate(self.context, &ran.journal, self.limits);
            ran.rounds += 1;
            ran.cost = Cost {
                wall_ns: ran.cost.wall_ns.saturating_add(evaluation.cost.wall_ns),
                ..evaluation.cost
            };
            ran.asked = evaluation.asked;
            match evaluation.verdict {
                Verdict::Done { outcome, effects } => {
                    ran.result = Ok((outcome, effects));
                    return ran;
                }
                Verdict::Failed { fault, log } => {
                    ran.result = Err(Failed { fault, log });
                    return ran;
                }
                Verdict::Wants(queries) => wanted = queries,
            }
        }
        ran
    }
}
