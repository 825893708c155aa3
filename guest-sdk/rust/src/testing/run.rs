//! One run: what the imports read and write.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{LogLine, MetricChange, MetricUpdate, State, Timer, Timers};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::frame::Frame;
use wasmalert_core::limits::{Limit, Limits};

use super::answer::{Answer, Answers, Asked};
use super::judge::Failure;

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

/// What one run has read and written so far.
pub(super) struct Run {
    pub(super) answers: Rc<Answers>,
    pub(super) limits: Limits,
    pub(super) now_ms: i64,
    pub(super) frames: Vec<Arc<Frame>>,
    pub(super) state: State,
    pub(super) timers: Timers,
    pub(super) log: Vec<LogLine>,
    pub(super) metrics: Vec<MetricUpdate>,
    pub(super) asked: Vec<Asked>,
    /// Why the run fails, whatever the rule returns: the first reason.
    pub(super) failure: Option<Failure>,
}

/// Runs a component with these inputs, and answers what it returned and did.
pub(super) fn with<T>(run: Run, component: impl FnOnce() -> T) -> (T, Run) {
    /// Leaves no run behind when the component panics.
    struct Cleanup;
    impl Drop for Cleanup {
        fn drop(&mut self) {
            RUN.take();
        }
    }
    assert!(
        RUN.replace(Some(run)).is_none(),
        "an evaluation inside an evaluation"
    );
    let cleanup = Cleanup;
    let answer = component();
    let run = RUN.take().expect("the run that was put there");
    drop(cleanup);
    (answer, run)
}

/// Calls an import.
pub(super) fn call<T>(import: impl FnOnce(&mut Run) -> T) -> T {
    RUN.with_borrow_mut(|run| {
        let run = run
            .as_mut()
            .expect("the host is called outside an evaluation; use FakeHost::evaluate");
        import(run)
    })
}

impl Run {
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    pub(super) fn bad_call(&mut self, message: String) {
        self.fail(Fault::new(FaultCode::BadCall, message).into());
    }

    /// Fails the run where it uses more than it may.
    pub(super) fn check(&mut self, limit: Limit, used: usize) {
        let allowed = self.limits.get(limit);
        if used as u64 > allowed {
            self.fail(Fault::over(limit, allowed).into());
        }
    }

    pub(super) fn query(&mut self, asked: Asked, may_fail: bool) -> Answer {
        if !self.asked.contains(&asked) {
            self.asked.push(asked.clone());
            self.check(Limit::Queries, self.asked.len());
        }
        let answer = self.answers.answer(&asked);
        if let (Err(error), false) = (&answer, may_fail) {
            self.fail(Failure::new(&error.code, &error.message));
        }
        answer
    }

    pub(super) fn set_state(&mut self, key: &str, value: &[u8]) {
        self.state.insert(key.to_owned(), value.to_vec());
        self.check(Limit::StateKeys, self.state.len());
        let bytes = self
            .state
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        self.check(Limit::StateBytes, bytes);
    }

    pub(super) fn set_timer(&mut self, name: &str, due_ms: i64, payload: &[u8]) {
        let payload = payload.to_vec();
        self.timers.insert(name.to_owned(), Timer { due_ms, payload });
        self.check(Limit::Timers, self.timers.len());
        let bytes = self
            .timers
            .iter()
            .map(|(name, timer)| name.len() + timer.payload.len())
            .sum();
        self.check(Limit::TimerBytes, bytes);
    }

    pub(super) fn log(&mut self, line: LogLine) {
        self.log.push(line);
        let fields = |line: &LogLine| line.fields.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>();
        let bytes = self
            .log
            .iter()
            .map(|line| line.message.len() + fields(line))
            .sum();
        self.check(Limit::LogBytes, bytes);
    }

    pub(super) fn metric(&mut self, name: &str, labels: Labels, change: MetricChange) {
        let first = |text: &str, more: &str| {
            let start = |c: char| c.is_ascii_alphabetic() || more.contains(c);
            text.starts_with(start) && text.chars().all(|c| start(c) || c.is_ascii_digit())
        };
        if !first(name, "_:") || !labels.iter().all(|(name, _)| first(name, "_")) {
            self.bad_call(format!("{name}{labels}: not the name of a metric, or of a label"));
        }
        if matches!(change, MetricChange::Count(by) if !(by >= 0.0 && by.is_finite())) {
            self.bad_call(format!("{name}: a counter cannot be changed by {change:?}"));
        }
        let name = name.to_owned();
        self.metrics.push(MetricUpdate { name, labels, change });
        let series: BTreeSet<_> = self.metrics.iter().map(|m| (&m.name, &m.labels)).collect();
        let series = series.len();
        self.check(Limit::MetricSeries, series);
    }
}
