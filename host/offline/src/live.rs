//! A rule of a test: evaluated as the server does it, with the same core, and
//! without a store. What it decides counts at once.

use std::sync::Arc;

use wasmalert_core::alert::{Alerts, Evaluated, Notification, Policy, Since, judge};
use wasmalert_core::evaluation::{Context, Effects, Journal, Outcome, State, Timers, Trigger};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::limits::Limits;
use wasmalert_core::query::Query;
use wasmalert_core::recorded::Recorded;
use wasmalert_core::schedule::TimerGate;
use wasmalert_core::spec::{External, GroupSpec, RuleSpec};
use wasmalert_core::{Labels, RuleKey};
use wasmalert_sandbox::Component;

use crate::data::Data;
use crate::once::{Failed, Once};

/// What is the same for all rules of a group.
pub(crate) struct GroupInfo<'t> {
    pub(crate) spec: &'t GroupSpec,
    /// Between two slots of the test.
    pub(crate) interval_ms: i64,
    pub(crate) external: &'t External,
}

/// A rule with all that it has become.
pub(crate) struct LiveRule<'t> {
    pub(crate) spec: &'t RuleSpec,
    pub(crate) alerts: Alerts,
    pub(crate) state: Arc<State>,
    pub(crate) timers: Arc<Timers>,
    key: RuleKey,
    component: Component,
    policy: Policy,
    limits: Limits,
    /// The queries of the last evaluation and its time: most likely those of the next.
    asked: Vec<Query>,
    asked_at_ms: i64,
    timer_gate: TimerGate,
    /// The series that the last evaluation left, sorted.
    recorded: Vec<Arc<Labels>>,
}

impl<'t> LiveRule<'t> {
    pub(crate) fn new(group: &GroupInfo<'t>, key: RuleKey, spec: &'t RuleSpec, component: Component) -> Self {
        let mut limits = Limits::default();
        for (limit, value) in &spec.limits {
            limits.set(*limit, *value);
        }
        Self {
            spec,
            alerts: Alerts::new(),
            state: Arc::default(),
            timers: Arc::default(),
            key,
            component,
            policy: Policy {
                interval_ms: group.interval_ms,
                ..Policy::of(group.spec, spec)
            },
            limits,
            asked: Vec::new(),
            asked_at_ms: 0,
            timer_gate: TimerGate::default(),
            recorded: Vec::new(),
        }
    }

    /// When the first timer wants an evaluation.
    pub(crate) fn next_timer_ms(&self) -> Option<i64> {
        self.timer_gate.next_ms(&self.timers)
    }

    /// The first timer that is due.
    pub(crate) fn due_timer(&mut self, now_ms: i64) -> Option<Trigger> {
        self.timer_gate.due(&self.timers, now_ms)
    }

    /// Evaluates the rule, and makes what it decides so. What receivers would be
    /// told is returned.
    ///
    /// # Errors
    /// The evaluation failed; nothing has changed.
    pub(crate) fn evaluate(
        &mut self,
        group: &GroupInfo<'_>,
        data: &mut Data<'_>,
        now_ms: i64,
        trigger: Trigger,
    ) -> Result<Vec<Notification>, Failed> {
        let context = Context {
            interval_ms: group.interval_ms,
            ..Context::new(
                group.spec,
                self.spec,
                self.key.clone(),
                now_ms,
                trigger,
                group.external,
            )
        };
        let (outcome, effects, journal) = self.run(&Arc::new(context), data)?;
        let (timers, has_data) = (journal.timers.clone(), journal.has_data(&self.asked));
        let spec = self.spec;
        let of = (group.spec, spec);
        let evaluated = Evaluated {
            outcome: &outcome,
            has_data,
            since: &Since::default(),
        };
        let step = judge(&self.alerts, evaluated, of, now_ms, &self.policy)?.step;
        self.alerts.apply(&step);
        if !effects.state.is_empty() {
            self.state = Arc::new(effects.state_after(&self.state));
        }
        self.timers = match effects.timers.is_empty() {
            true => timers,
            false => Arc::new(effects.timers_after(&timers)),
        };
        let at_ms = now_ms.saturating_sub(group.spec.query_offset_ms);
        let recorded = Recorded::new(&self.recorded, &outcome.samples, &self.alerts, group.spec, spec);
        for (labels, value) in &recorded.samples {
            data.write(labels, at_ms, *value)
                .map_err(|error| Fault::new(FaultCode::HostError, error.to_string()))?;
        }
        self.recorded = recorded.series;
        Ok(step.notify)
    }

    /// Runs the component until it has every query result that it asks for.
    fn run(
        &mut self,
        context: &Arc<Context>,
        data: &mut Data<'_>,
    ) -> Result<(Outcome, Effects, Arc<Journal>), Failed> {
        let (state, timers) = (self.state.clone(), self.timers.clone());
        let by_ms = context.now_ms.saturating_sub(self.asked_at_ms);
        let once = Once {
            component: &self.component,
            context,
            journal: Journal::new(state, timers, &context.trigger),
            limits: &self.limits,
        };
        let wanted = self.asked.iter().map(|query| query.moved(by_ms)).collect();
        let ran = once.run(wanted, &mut |query| data.ask(query));
        let (outcome, effects) = ran.result?;
        self.asked = ran.asked;
        self.asked_at_ms = context.now_ms;
        Ok((outcome, effects, ran.journal))
    }
}
