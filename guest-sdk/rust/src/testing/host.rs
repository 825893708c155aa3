//! The host itself: time, state and timers from one evaluation to the next.

use std::rc::Rc;

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{State, Timers};
use wasmalert_core::limits::{Limit, Limits};

use super::answer::{Answer, Answers, Asked};
use super::judge::{Evaluation, Failure, judge};
use super::run::{Run, with};
use super::series::parse_series;
use crate::{Context, Label, Rule, Trigger};

/// When a fake host starts, in ms since the epoch: 2027-01-15T08:00:00Z.
pub const START_MS: i64 = 1_800_000_000_000;

/// The most evaluations of one [`FakeHost::run_for`].
pub const STEPS_MAX: usize = 10_000;

/// A host for tests; see the module.
pub struct FakeHost {
    /// The time in ms since the epoch.
    pub now_ms: i64,
    /// The group's interval in ms; a minute unless set.
    pub interval_ms: u64,
    /// What an evaluation may use.
    pub limits: Limits,
    /// The component's memory.
    pub state: State,
    /// The timers that are set.
    pub timers: Timers,
    pub(super) config: String,
    labels: Labels,
    answers: Rc<Answers>,
    slot_ms: i64,
}

/// One evaluation of [`FakeHost::run_for`].
#[derive(Debug)]
pub struct Step {
    /// When it was, in ms since the epoch.
    pub now_ms: i64,
    /// The timer that caused it; none at a slot.
    pub timer: Option<String>,
    /// What it came to.
    pub result: Result<Evaluation, Failure>,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self {
            now_ms: START_MS,
            interval_ms: 60_000,
            limits: Limits::default(),
            state: State::new(),
            timers: Timers::new(),
            config: "{}".to_owned(),
            labels: Labels::new(),
            answers: Rc::default(),
            slot_ms: START_MS,
        }
    }
}

impl FakeHost {
    /// Makes a host at [`START_MS`] with an interval of a minute, an empty state
    /// and no answers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the configuration, a JSON text.
    #[must_use]
    pub fn config(mut self, json: impl Into<String>) -> Self {
        self.config = json.into();
        self
    }

    /// Sets the labels that the host puts on every alert: `{severity="page"}`.
    ///
    /// # Panics
    /// The text is not a series.
    #[must_use]
    pub fn labels(mut self, labels: &str) -> Self {
        self.labels = parse_series(labels);
        self
    }

    /// Sets the group's interval.
    #[must_use]
    pub fn interval_ms(mut self, interval_ms: u64) -> Self {
        self.interval_ms = interval_ms;
        self
    }

    /// Answers an instant query on the rule's own source from now on.
    ///
    /// # Panics
    /// A text is not a series.
    pub fn instant(&mut self, expr: &str, series: &[(&str, f64)]) {
        self.answers().instant("", expr, series);
    }

    /// As [`instant`](Self::instant), on the source of that name.
    ///
    /// # Panics
    /// A text is not a series.
    pub fn instant_from(&mut self, source: &str, expr: &str, series: &[(&str, f64)]) {
        self.answers().instant(source, expr, series);
    }

    /// Answers a range query on the rule's own source from now on, whatever its
    /// span: each series with times in ms since the epoch and values.
    ///
    /// # Panics
    /// A text is not a series, or a series has no sample.
    pub fn range(&mut self, expr: &str, series: &[(&str, &[(i64, f64)])]) {
        self.answers().range("", expr, series);
    }

    /// As [`range`](Self::range), on the source of that name.
    ///
    /// # Panics
    /// A text is not a series, or a series has no sample.
    pub fn range_from(&mut self, source: &str, expr: &str, series: &[(&str, &[(i64, f64)])]) {
        self.answers().range(source, expr, series);
    }

    /// Lets a query on the rule's own source fail from now on, with a code such
    /// as `query_timeout`.
    ///
    /// # Panics
    /// There is no such code.
    pub fn fail(&mut self, expr: &str, code: &str, message: &str) {
        self.answers().fail("", expr, code, message);
    }

    /// As [`fail`](Self::fail), on the source of that name.
    ///
    /// # Panics
    /// There is no such code.
    pub fn fail_from(&mut self, source: &str, expr: &str, code: &str, message: &str) {
        self.answers().fail(source, expr, code, message);
    }

    /// Answers queries by a function; where it gives none, the other answers count.
    pub fn answer_by(&mut self, answer: impl Fn(&Asked) -> Option<Answer> + 'static) {
        self.answers().by(answer);
    }

    fn answers(&mut self) -> &mut Answers {
        Rc::get_mut(&mut self.answers).expect("no evaluation runs now")
    }

    /// Moves time without an evaluation.
    pub fn advance_ms(&mut self, ms: i64) {
        self.now_ms += ms;
    }

    /// Evaluates a rule now, as at a slot.
    ///
    /// # Errors
    /// As the host would fail the evaluation. State and timers stay as they were.
    ///
    /// # Panics
    /// The rule panics, asks what the test has no answer to, or differs between
    /// two runs.
    pub fn evaluate<R: Rule>(&mut self) -> Result<Evaluation, Failure> {
        self.slot_ms = self.now_ms;
        let trigger = Trigger {
            kind: "interval".to_owned(),
            due_ms: self.now_ms,
            ..Trigger::default()
        };
        self.evaluate_for::<R>(trigger)
    }

    /// Lets a span of time pass, and evaluates at each slot and each due timer
    /// on the way, both ends included.
    ///
    /// # Panics
    /// As [`evaluate`](Self::evaluate), and after [`STEPS_MAX`] evaluations.
    pub fn run_for<R: Rule>(&mut self, span_ms: i64) -> Vec<Step> {
        let end_ms = self.now_ms + span_ms;
        let mut steps = Vec::new();
        while let Some(step) = self.step::<R>(end_ms) {
            steps.push(step);
            assert!(
                steps.len() <= STEPS_MAX,
                "more than {STEPS_MAX} evaluations: does a timer set itself?"
            );
        }
        self.now_ms = end_ms;
        steps
    }

    /// The next evaluation that is due, if any; a timer before a slot.
    fn step<R: Rule>(&mut self, end_ms: i64) -> Option<Step> {
        let slot_ms = self.slot_ms + i64::try_from(self.interval_ms.max(1)).unwrap_or(i64::MAX);
        let timer = self.timers.iter().min_by_key(|(_, timer)| timer.due_ms);
        let timer = timer.filter(|(_, timer)| timer.due_ms <= slot_ms.min(end_ms));
        let (timer, result) = match timer.map(|(name, _)| name.clone()) {
            Some(name) => (Some(name.clone()), self.fire::<R>(name)),
            None if slot_ms <= end_ms => {
                self.now_ms = slot_ms;
                (None, self.evaluate::<R>())
            }
            None => return None,
        };
        let now_ms = self.now_ms;
        Some(Step {
            now_ms,
            timer,
            result,
        })
    }

    fn fire<R: Rule>(&mut self, name: String) -> Result<Evaluation, Failure> {
        let timer = self.timers.remove(&name).expect("the timer that is due");
        self.now_ms = self.now_ms.max(timer.due_ms);
        self.evaluate_for::<R>(Trigger {
            kind: "timer".to_owned(),
            timer: name,
            due_ms: timer.due_ms,
            payload: timer.payload,
        })
    }

    fn evaluate_for<R: Rule>(&mut self, trigger: Trigger) -> Result<Evaluation, Failure> {
        let context = self.context(trigger);
        let run = || {
            let (answer, run) = with(self.inputs(), || crate::rule::evaluate::<R>(&context));
            judge(answer, run, &self.labels)
        };
        let result = run();
        same(&result, &run());
        let evaluation = result?;
        self.state.clone_from(&evaluation.state);
        self.timers.clone_from(&evaluation.timers);
        Ok(evaluation)
    }

    fn context(&self, trigger: Trigger) -> Context {
        Context {
            tenant: "default".to_owned(),
            namespace: "test".to_owned(),
            group: "test".to_owned(),
            rule: "Test".to_owned(),
            now_ms: self.now_ms,
            interval_ms: self.interval_ms,
            trigger,
            config: self.config.clone(),
            labels: self.labels.iter().map(Label::from).collect(),
            extras: Vec::new(),
        }
    }

    /// What a run reads.
    pub(super) fn inputs(&self) -> Run {
        Run {
            answers: Rc::clone(&self.answers),
            limits: self.limits.clone(),
            now_ms: self.now_ms,
            frames: Vec::new(),
            state: self.state.clone(),
            timers: self.timers.clone(),
            log: Vec::new(),
            metrics: Vec::new(),
            asked: Vec::new(),
            failure: None,
        }
    }

    /// Sets a limit on the evaluations to come.
    pub fn limit(&mut self, limit: Limit, value: u64) {
        self.limits.set(limit, value);
    }
}

/// Panics when two runs over the same inputs differ. NaN is the same as NaN.
pub(super) fn same<T: std::fmt::Debug>(first: &T, second: &T) {
    let (first, second) = (format!("{first:#?}"), format!("{second:#?}"));
    assert!(
        first == second,
        "two runs over the same inputs differ:\n{first}\n{second}"
    );
}
