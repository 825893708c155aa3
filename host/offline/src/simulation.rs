//! The time of a test: from one event to the next, and checks in between.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wasmalert_core::alert::Notification;
use wasmalert_core::evaluation::{LogLine, Trigger};
use wasmalert_core::schedule::advance;
use wasmalert_sandbox::Component;

use crate::check;
use crate::data::{Data, TooMuch};
use crate::deliver;
use crate::live::{GroupInfo, LiveRule};
use crate::modules::Modules;
use crate::once::Failed;
use crate::report::{Failure, Report, TestReport, time};
use crate::suite::{Check, Every, Expected, RuleRef, Suite, Test, key_of};
use wasmalert_rulefile::problem::Problem;
use wasmalert_rulefile::rules::{Group, INTERVAL_MS_DEFAULT};

/// Evaluations of one test: some hours of work.
const EVALUATIONS_MAX: u64 = 200_000_000;

/// Components by the names that rules have for them.
pub(crate) type Components<'t> = BTreeMap<&'t str, Component>;

impl Suite {
    /// Runs the tests whose names are `selected`, at most `threads` at a time.
    ///
    /// # Errors
    /// Modules that cannot be had, each at the first rule that names it.
    pub fn run(
        &self,
        modules: &mut Modules,
        threads: NonZeroUsize,
        selected: &dyn Fn(&str) -> bool,
    ) -> Result<Report, Vec<Problem>> {
        let tests: Vec<&Test> = self.tests.iter().filter(|test| selected(&test.name)).collect();
        let components = if tests.is_empty() {
            Components::new()
        } else {
            self.components(modules)?
        };
        let reports: Vec<OnceLock<TestReport>> = tests.iter().map(|_| OnceLock::new()).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let (Some(test), Some(report)) = (tests.get(at), reports.get(at)) else {
                    return;
                };
                // Each place is taken once.
                let _ = report.set(run(self, test, &components));
            }
        };
        thread::scope(|scope| {
            for _ in 0..threads.get().min(tests.len()) {
                scope.spawn(work);
            }
        });
        Ok(Report {
            file: self.file.to_string(),
            tests: reports.into_iter().filter_map(OnceLock::into_inner).collect(),
        })
    }

    fn components(&self, modules: &mut Modules) -> Result<Components<'_>, Vec<Problem>> {
        let mut components = Components::new();
        let mut problems = Vec::new();
        for (name, world) in self.wanted_modules() {
            match modules.load(name, world, &self.modules) {
                Ok(component) => drop(components.insert(name, component)),
                Err(error) => problems.push(self.problem_of_module(name, &error.to_string())),
            }
        }
        if problems.is_empty() {
            Ok(components)
        } else {
            Err(problems)
        }
    }

    fn problem_of_module(&self, module: &str, message: &str) -> Problem {
        let rules = self.groups.iter().flat_map(|group| {
            let lines = group.rule_lines.iter();
            group
                .spec
                .rules
                .iter()
                .zip(lines)
                .map(move |(rule, line)| (group, rule, *line))
        });
        let mut of_module = rules.filter(|(_, rule, _)| rule.module == module);
        let mut deliveries = self.tests.iter().flat_map(|test| &test.deliveries);
        let delivery = deliveries.find(|delivery| delivery.module == module);
        let (file, line) = of_module.next().map_or_else(
            || (self.file.clone(), delivery.map_or(1, |delivery| delivery.line)),
            |(group, _, line)| (group.file.clone(), line),
        );
        Problem {
            file,
            line,
            message: message.to_owned(),
        }
    }
}

/// A group of a test.
struct LiveGroup<'t> {
    group: &'t Group,
    info: GroupInfo<'t>,
    last_slot_ms: i64,
    rules: Vec<LiveRule<'t>>,
    /// What the evaluations since the last slot told receivers, that included; with
    /// the rules' names.
    told: Vec<(&'t str, Notification)>,
}

struct Simulation<'t> {
    suite: &'t Suite,
    test: &'t Test,
    data: Data<'t>,
    groups: Vec<LiveGroup<'t>>,
    evaluations: u64,
    failures: Vec<Failure>,
}

/// A test that cannot go on; what happened is among the failures.
struct Stopped;

fn run(suite: &Suite, test: &Test, components: &Components<'_>) -> TestReport {
    let mut simulation = Simulation::new(suite, test, components);
    // What stopped it is a failure.
    let _ = simulation.run();
    let of_notifiers = deliver::run(&suite.file, &test.deliveries, components);
    simulation.failures.extend(of_notifiers);
    simulation.failures.sort_by_key(|failure| failure.line); // stable
    TestReport {
        name: test.name.clone(),
        line: test.line,
        evaluations: simulation.evaluations,
        failures: simulation.failures,
    }
}

impl<'t> LiveGroup<'t> {
    fn new(group: &'t Group, every: Every, test: &'t Test, components: &Components<'_>) -> Self {
        let interval_ms = match every {
            Every::Ms(ms) => ms,
            Every::Group => group.spec.interval_ms,
        };
        let info = GroupInfo {
            spec: &group.spec,
            interval_ms,
            external: &test.external,
        };
        let keys = group.spec.rule_keys(&key_of(group));
        let rules = keys.into_iter().zip(&group.spec.rules).filter_map(|(key, rule)| {
            let component = components.get(&*rule.module)?.clone();
            Some(LiveRule::new(&info, key, rule, component))
        });
        Self {
            group,
            rules: rules.collect(),
            info,
            last_slot_ms: test.start_ms.saturating_sub(interval_ms),
            told: Vec::new(),
        }
    }

    fn next_slot_ms(&self) -> i64 {
        self.last_slot_ms.saturating_add(self.info.interval_ms)
    }

    fn next_ms(&self) -> i64 {
        let timers = self.rules.iter().filter_map(LiveRule::next_timer_ms);
        timers.min().unwrap_or(i64::MAX).min(self.next_slot_ms())
    }
}

impl<'t> Simulation<'t> {
    fn new(suite: &'t Suite, test: &'t Test, components: &Components<'_>) -> Self {
        let subquery_step_ms = match suite.every {
            Every::Ms(ms) => ms,
            Every::Group => INTERVAL_MS_DEFAULT,
        };
        let groups = suite.groups.iter();
        Self {
            suite,
            test,
            data: Data::new(&test.inputs, test.start_ms, test.interval_ms, subquery_step_ms),
            groups: groups
                .map(|group| LiveGroup::new(group, suite.every, test, components))
                .collect(),
            evaluations: 0,
            failures: Vec::new(),
        }
    }

    /// Lets time pass until the last check.
    fn run(&mut self) -> Result<(), Stopped> {
        let (start_ms, test) = (self.test.start_ms, self.test);
        let last_ms = test.checks.iter().map(|check| check.at_ms).max().unwrap_or(0);
        let end_ms = start_ms.saturating_add(last_ms);
        let mut checks = test.checks.iter().peekable();
        let mut now_ms = start_ms;
        loop {
            let next_ms = self.groups.iter().map(LiveGroup::next_ms).min();
            // A timer that was set for the past is due at once.
            now_ms = now_ms.max(next_ms.unwrap_or(i64::MAX));
            while let Some(check) = checks.next_if(|check| start_ms.saturating_add(check.at_ms) < now_ms) {
                self.verify(check);
            }
            if now_ms > end_ms {
                break;
            }
            self.advance(now_ms)?;
            for at in 0..self.groups.len() {
                self.group(at, now_ms)?;
            }
        }
        // Expressions see all there is by the end, as in promtool.
        self.advance(end_ms)?;
        for check in &test.checks {
            self.verify_samples(check);
        }
        Ok(())
    }

    fn advance(&mut self, now_ms: i64) -> Result<(), Stopped> {
        let advanced = self.data.advance(now_ms);
        advanced.map_err(|error: TooMuch| self.stop(error.to_string()))
    }

    /// Evaluates what is due of a group: timers first, then the slot.
    fn group(&mut self, at: usize, now_ms: i64) -> Result<(), Stopped> {
        let count = self.groups[at].rules.len();
        for rule in 0..count {
            while let Some(trigger) = self.groups[at].rules[rule].due_timer(now_ms) {
                self.evaluate(at, rule, now_ms, trigger)?;
            }
        }
        let group = &mut self.groups[at];
        if group.next_slot_ms() > now_ms {
            return Ok(());
        }
        group.last_slot_ms = advance(group.last_slot_ms, now_ms, group.info.interval_ms).slot_ms;
        group.told.clear();
        for rule in 0..count {
            self.evaluate(at, rule, now_ms, Trigger::Interval)?;
        }
        Ok(())
    }

    fn evaluate(&mut self, group: usize, rule: usize, now_ms: i64, trigger: Trigger) -> Result<(), Stopped> {
        self.evaluations += 1;
        if self.evaluations > EVALUATIONS_MAX {
            return Err(self.stop(format!("more than {EVALUATIONS_MAX} evaluations")));
        }
        let live = &mut self.groups[group];
        let of_rule = &mut live.rules[rule];
        match of_rule.evaluate(&live.info, &mut self.data, now_ms, trigger) {
            Ok(told) => {
                let name: &'t str = &of_rule.spec.name;
                live.told.extend(told.into_iter().map(|told| (name, told)));
                Ok(())
            }
            Err(Failed { fault, log }) => {
                let at = time(now_ms - self.test.start_ms);
                let title = format!("rule {} at {at}: {fault}", of_rule.spec.name);
                let line = live
                    .group
                    .rule_lines
                    .get(rule)
                    .copied()
                    .unwrap_or(live.group.line);
                self.failures.push(Failure {
                    file: live.group.file.to_string(),
                    line,
                    title,
                    details: log.iter().map(log_line).collect(),
                });
                Err(Stopped)
            }
        }
    }

    fn stop(&mut self, title: String) -> Stopped {
        self.fail(self.test.line, title, Vec::new());
        Stopped
    }

    fn fail(&mut self, line: u64, title: String, details: Vec<String>) {
        self.failures.push(Failure {
            file: self.suite.file.to_string(),
            line,
            title,
            details,
        });
    }

    /// Every check but those of expressions.
    fn verify(&mut self, check: &Check) {
        let at = time(check.at_ms);
        let (title, wrong) = match &check.expected {
            Expected::Samples { .. } => return,
            Expected::Alerts { alertname, alerts } => {
                let rules = self.groups.iter().flat_map(|group| &group.rules);
                let named: Vec<_> = rules.filter(|rule| rule.spec.name == *alertname).collect();
                (
                    format!("alert {alertname} at {at}"),
                    check::alerts(alerts, &named),
                )
            }
            Expected::State { rule, state } => {
                let wrong = check::state(state, &self.rule(rule).state);
                (format!("state of rule {} at {at}", rule.name), wrong)
            }
            Expected::Timers { rule, timers } => {
                let wrong = check::timers(timers, &self.rule(rule).timers, self.test.start_ms);
                (format!("timers of rule {} at {at}", rule.name), wrong)
            }
            Expected::Notifications {
                alertname,
                notifications,
            } => {
                let told = self.groups.iter().flat_map(|group| &group.told);
                let named = told.filter(|(name, _)| *name == alertname).map(|(_, told)| told);
                let wrong = check::notifications(notifications, named);
                (format!("notifications of {alertname} at {at}"), wrong)
            }
        };
        if let Some(details) = wrong {
            self.fail(check.line, title, details);
        }
    }

    fn verify_samples(&mut self, check: &Check) {
        let Expected::Samples { expr, query, samples } = &check.expected else {
            return;
        };
        let at_ms = self.test.start_ms.saturating_add(check.at_ms);
        let title = format!("expr {expr:?} at {}", time(check.at_ms));
        match self.data.evaluate(query, at_ms) {
            Err(error) => self.fail(check.line, title, vec![format!("failed    {error}")]),
            Ok(outcome) => {
                if let Some(details) = check::samples(samples, &outcome, self.suite.fuzzy) {
                    self.fail(check.line, title, details);
                }
            }
        }
    }

    fn rule(&self, rule: &RuleRef) -> &LiveRule<'t> {
        &self.groups[rule.group].rules[rule.rule]
    }
}

pub(crate) fn log_line(line: &LogLine) -> String {
    let fields: String = line
        .fields
        .iter()
        .map(|(name, value)| format!(" {name}={value}"))
        .collect();
    format!("log       {} {}{fields}", line.level.as_str(), line.message)
}
