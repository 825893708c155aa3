//! A loaded component and what can be called on it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{Context, Description, Effects, Journal, State, Trigger};
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::limits::Limits;
use wasmtime::Store;
use wasmtime::component::{Component as Code, InstancePre};

use crate::bindings::notifier::exports::wasmalert::rules::notifications;
use crate::bindings::notifier::{Notifier, NotifierPre};
use crate::bindings::rule::exports::wasmalert::rules::rules;
use crate::bindings::rule::{Rule, RulePre};
use crate::bindings::types::Label;
use crate::engine::{Inner, SandboxError};
use crate::host::{Host, ITEM_BYTES, Inputs, Moment, label_bytes};
use crate::model::{
    Disposition, Evaluation, HttpRequest, HttpResponse, NotifyAlert, NotifyBatch, Run, Verdict, World,
};
use crate::outcome;
use crate::run::{End, Finished, instantiated, run};
use crate::text::clip;
use crate::world;

/// A compiled component, linked and ready to run; a handle, cheap to clone.
///
/// Each call is one run in a fresh instance, synchronous, and belongs on a thread
/// of its own, which [`crate::Sandbox::prepare_thread`] has made ready.
#[derive(Clone)]
pub struct Component {
    shared: Arc<Shared>,
}

struct Shared {
    sandbox: Arc<Inner>,
    linked: Linked,
    code_bytes: u64,
}

enum Linked {
    Rule(RulePre<Host>),
    Notifier(NotifierPre<Host>),
}

impl Component {
    pub(crate) fn load(sandbox: Arc<Inner>, artifact: &File) -> Result<Self, SandboxError> {
        let code_bytes = artifact.metadata()?.len();
        let code = map(&sandbox, artifact).map_err(load_error)?;
        let linked = Linked::new(&sandbox, &code).map_err(load_error)?;
        Ok(Self {
            shared: Arc::new(Shared {
                sandbox,
                linked,
                code_bytes,
            }),
        })
    }

    /// The world it is of.
    #[must_use]
    pub fn world(&self) -> World {
        match self.shared.linked {
            Linked::Rule(_) => World::Rule,
            Linked::Notifier(_) => World::Notifier,
        }
    }

    /// Size of its machine code: what a cache weighs.
    #[must_use]
    pub fn code_bytes(&self) -> u64 {
        self.shared.code_bytes
    }

    /// Asks the component what it is. Imports other than `log` fail the run.
    #[must_use]
    pub fn describe(&self, limits: &Limits) -> Run<Description> {
        let run = self.run(Inputs::Nothing, limits, |store| {
            let told = match &self.shared.linked {
                Linked::Rule(pre) => instantiated(pre.instantiate(&mut *store))?
                    .wasmalert_rules_rules()
                    .call_describe(&mut *store)?,
                Linked::Notifier(pre) => instantiated(pre.instantiate(&mut *store))?
                    .wasmalert_rules_notifications()
                    .call_describe(&mut *store)?,
            };
            Ok(outcome::description(told, store.data_mut())?)
        });
        let (result, effects, cost) = settle(run);
        Run {
            result,
            log: effects.log,
            cost,
        }
    }

    /// Runs a rule once over a journal.
    #[must_use]
    pub fn evaluate(&self, context: &Arc<Context>, journal: &Arc<Journal>, limits: &Limits) -> Evaluation {
        let inputs = Inputs::Rule {
            context: Arc::clone(context),
            journal: Arc::clone(journal),
        };
        let Finished { end, mut host, cost } = self.run(inputs, limits, |store| {
            let rule = self.rule(store)?;
            let context = context_record(context);
            store.data_mut().pay(context_bytes(&context))?;
            let answer = rule
                .wasmalert_rules_rules()
                .call_evaluate(&mut *store, &context)?;
            let host = store.data_mut();
            host.check_queries()?;
            let answer = answer.map_err(|error| outcome::component_error(&error))?;
            Ok(outcome::outcome(answer, host)?)
        });
        let asked = host.asked.drain(..).map(|asked| asked.query).collect();
        let verdict = match end {
            End::Returned(outcome) => Verdict::Done {
                outcome,
                effects: host.into_effects(),
            },
            End::Suspended => Verdict::Wants(host.wants),
            End::Failed(fault) => Verdict::Failed { fault, log: host.log },
        };
        Evaluation { verdict, asked, cost }
    }

    /// Asks a notifier for the requests to send.
    #[must_use]
    pub fn notify(
        &self,
        batch: &NotifyBatch,
        state: &Arc<State>,
        limits: &Limits,
    ) -> Run<(Vec<HttpRequest>, Effects)> {
        with_effects(self.run(
            Inputs::Notifier {
                state: Arc::clone(state),
                moment: Moment::of_batch(batch),
            },
            limits,
            |store| {
                let notifier = self.notifier(store)?;
                let batch = batch_record(batch);
                store.data_mut().pay(batch_bytes(&batch))?;
                let answer = notifier
                    .wasmalert_rules_notifications()
                    .call_notify(&mut *store, &batch)?;
                let requests = answer.map_err(|error| outcome::component_error(&error))?;
                Ok(outcome::requests(requests, store.data_mut())?)
            },
        ))
    }

    /// Asks a notifier what the answer to its request of that index means.
    #[must_use]
    pub fn interpret(
        &self,
        config: &str,
        request: u32,
        response: &HttpResponse,
        state: &Arc<State>,
        limits: &Limits,
    ) -> Run<(Disposition, Effects)> {
        with_effects(self.run(
            Inputs::Notifier {
                state: Arc::clone(state),
                moment: Moment::NONE,
            },
            limits,
            |store| {
                let notifier = self.notifier(store)?;
                let response = response_record(response);
                let bytes = config.len() + response.body.len() + label_bytes(&response.headers);
                store.data_mut().pay(bytes)?;
                let told = notifier.wasmalert_rules_notifications().call_interpret(
                    &mut *store,
                    config,
                    request,
                    &response,
                )?;
                Ok(outcome::disposition(&told, store.data_mut())?)
            },
        ))
    }

    fn run<T>(
        &self,
        inputs: Inputs,
        limits: &Limits,
        call: impl FnOnce(&mut Store<Host>) -> wasmtime::Result<T>,
    ) -> Finished<T> {
        run(&self.shared.sandbox, inputs, limits, call)
    }

    fn rule(&self, store: &mut Store<Host>) -> wasmtime::Result<Rule> {
        match &self.shared.linked {
            Linked::Rule(pre) => instantiated(pre.instantiate(store)),
            Linked::Notifier(_) => Err(wrong_world("a notifier, not a rule"))?,
        }
    }

    fn notifier(&self, store: &mut Store<Host>) -> wasmtime::Result<Notifier> {
        match &self.shared.linked {
            Linked::Notifier(pre) => instantiated(pre.instantiate(store)),
            Linked::Rule(_) => Err(wrong_world("a rule, not a notifier"))?,
        }
    }
}

impl Linked {
    fn new(sandbox: &Inner, code: &Code) -> wasmtime::Result<Self> {
        let linker = match world::of(|export| code.get_export_index(None, export).is_some()) {
            Some(World::Rule) => &sandbox.rules,
            Some(World::Notifier) => &sandbox.notifiers,
            None => wasmtime::bail!("it exports neither world's interface"),
        };
        let pre: InstancePre<Host> = linker.instantiate_pre(code)?;
        if std::ptr::eq(linker, &sandbox.rules) {
            Ok(Self::Rule(RulePre::new(pre)?))
        } else {
            Ok(Self::Notifier(NotifierPre::new(pre)?))
        }
    }
}

/// Maps an artifact by its descriptor, so that what was verified is what runs.
#[expect(
    unsafe_code,
    reason = "machine code is run as it is: only verified artifacts get here"
)]
fn map(sandbox: &Inner, artifact: &File) -> wasmtime::Result<Code> {
    let path = format!("/proc/self/fd/{}", artifact.as_raw_fd());
    // SAFETY: the caller has verified the file's MAC with the key that only the
    // artifact store has, and files of that store are never changed.
    unsafe { Code::deserialize_file(&sandbox.engine, path) }
}

fn load_error(error: wasmtime::Error) -> SandboxError {
    SandboxError::Load(clip(&format!("{error:#}")))
}

fn wrong_world(what: &str) -> Fault {
    Fault::new(FaultCode::ModuleUnavailable, format!("the component is {what}"))
}

/// A run that cannot be suspended.
fn settle<T>(run: Finished<T>) -> (Result<T, Fault>, Effects, wasmalert_core::evaluation::Cost) {
    let result = match run.end {
        End::Returned(answer) => Ok(answer),
        End::Suspended => Err(Fault::new(FaultCode::BadCall, "only `evaluate` may ask queries")),
        End::Failed(fault) => Err(fault),
    };
    (result, run.host.into_effects(), run.cost)
}

fn with_effects<T>(run: Finished<T>) -> Run<(T, Effects)> {
    let (result, effects, cost) = settle(run);
    let log = effects.log.clone();
    Run {
        result: result.map(|answer| (answer, effects)),
        log,
        cost,
    }
}

fn labels(labels: &Labels) -> Vec<Label> {
    labels.iter().map(|(name, value)| label(name, value)).collect()
}

fn label(name: &str, value: &str) -> Label {
    Label {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn pairs(pairs: &[(String, String)]) -> Vec<Label> {
    pairs.iter().map(|(name, value)| label(name, value)).collect()
}

fn context_record(context: &Context) -> rules::Context {
    let key = &context.rule;
    let trigger = match &context.trigger {
        Trigger::Interval => rules::Trigger {
            kind: "interval".to_owned(),
            timer: String::new(),
            due_ms: context.now_ms,
            payload: Vec::new(),
        },
        Trigger::Timer { name, timer } => rules::Trigger {
            kind: "timer".to_owned(),
            timer: name.clone(),
            due_ms: timer.due_ms,
            payload: timer.payload.clone(),
        },
    };
    rules::Context {
        tenant: key.tenant().as_str().to_owned(),
        namespace: key.group.namespace.as_ref().to_owned(),
        group: key.group.group.as_ref().to_owned(),
        rule: key.rule.as_ref().to_owned(),
        now_ms: context.now_ms,
        interval_ms: u64::try_from(context.interval_ms).unwrap_or(1),
        trigger,
        config: context.config.as_ref().to_owned(),
        labels: labels(&context.labels),
        extras: context
            .extras
            .iter()
            .map(|(name, text)| label(name, text))
            .collect(),
    }
}

fn context_bytes(context: &rules::Context) -> usize {
    let names = context.tenant.len() + context.namespace.len() + context.group.len() + context.rule.len();
    let trigger = context.trigger.timer.len() + context.trigger.payload.len();
    names + trigger + context.config.len() + label_bytes(&context.labels) + label_bytes(&context.extras)
}

fn batch_record(batch: &NotifyBatch) -> notifications::Batch {
    notifications::Batch {
        tenant: batch.tenant.clone(),
        receiver: batch.receiver.clone(),
        namespace: batch.namespace.clone(),
        group: batch.group.clone(),
        rule: batch.rule.clone(),
        config: batch.config.as_ref().to_owned(),
        now_ms: batch.now_ms,
        idempotency_key: batch.idempotency_key.clone(),
        external_url: batch.external_url.clone(),
        alerts: batch.alerts.iter().map(alert_record).collect(),
        extras: Vec::new(),
    }
}

fn alert_record(alert: &NotifyAlert) -> notifications::Alert {
    notifications::Alert {
        status: alert.status.as_str().to_owned(),
        labels: labels(&alert.labels),
        annotations: pairs(&alert.annotations),
        value: alert.value,
        starts_at_ms: alert.starts_at_ms,
        ends_at_ms: alert.ends_at_ms,
        generator_url: alert.generator_url.clone(),
        fingerprint: alert.fingerprint.clone(),
        extras: Vec::new(),
    }
}

fn batch_bytes(batch: &notifications::Batch) -> usize {
    let alerts = batch.alerts.iter().map(|alert| {
        let texts = alert.generator_url.len() + alert.fingerprint.len();
        8 * ITEM_BYTES + texts + label_bytes(&alert.labels) + label_bytes(&alert.annotations)
    });
    let names = batch.tenant.len() + batch.receiver.len() + batch.namespace.len();
    let more = batch.group.len() + batch.rule.len() + batch.external_url.len();
    names + more + batch.config.len() + alerts.sum::<usize>()
}

fn response_record(response: &HttpResponse) -> notifications::HttpResponse {
    notifications::HttpResponse {
        status: response.status,
        headers: pairs(&response.headers),
        body: response.body.clone(),
        extras: Vec::new(),
    }
}
