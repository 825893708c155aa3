//! What callers hand to a component and get back.

use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{Cost, Effects, LogLine, Outcome};
use wasmalert_core::fault::Fault;
use wasmalert_core::query::Query;

/// What a component is for, and with it what it imports and exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum World {
    Rule,
    Notifier,
}

impl World {
    pub const ALL: [Self; 2] = [Self::Rule, Self::Notifier];

    /// Name of the world in the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Notifier => "notifier",
        }
    }

    /// The world of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|world| world.as_str() == name)
    }
}

/// A run that has ended, whatever it was of.
pub trait Ended {
    fn cost(&self) -> &Cost;

    fn cost_mut(&mut self) -> &mut Cost;

    /// Why it failed.
    fn fault(&self) -> Option<&Fault>;
}

impl Ended for Evaluation {
    fn cost(&self) -> &Cost {
        &self.cost
    }

    fn cost_mut(&mut self) -> &mut Cost {
        &mut self.cost
    }

    fn fault(&self) -> Option<&Fault> {
        match &self.verdict {
            Verdict::Failed { fault, .. } => Some(fault),
            Verdict::Done { .. } | Verdict::Wants(_) => None,
        }
    }
}

impl<T> Ended for Run<T> {
    fn cost(&self) -> &Cost {
        &self.cost
    }

    fn cost_mut(&mut self) -> &mut Cost {
        &mut self.cost
    }

    fn fault(&self) -> Option<&Fault> {
        self.result.as_ref().err()
    }
}

/// What one run of a rule came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    pub verdict: Verdict,
    /// Every query asked or prefetched in this run, in order, each once.
    pub asked: Vec<Query>,
    pub cost: Cost,
}

/// How a run of a rule ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Done {
        outcome: Outcome,
        effects: Effects,
    },
    /// These queries are not in the journal; never empty.
    Wants(Vec<Query>),
    Failed {
        fault: Fault,
        /// What the rule had logged until then.
        log: Vec<LogLine>,
    },
}

/// What one run that cannot want anything came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Run<T> {
    pub result: Result<T, Fault>,
    /// The log, whether the run succeeded or not.
    pub log: Vec<LogLine>,
    pub cost: Cost,
}

/// The alerts of one rule for one receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct NotifyBatch {
    pub tenant: String,
    pub receiver: String,
    pub namespace: String,
    pub group: String,
    pub rule: String,
    /// The receiver's configuration as a JSON text; `{}` when there is none.
    pub config: Arc<str>,
    /// The time of delivery.
    pub now_ms: i64,
    /// The same for every attempt at this batch.
    pub idempotency_key: String,
    /// Where people find this host; may be empty.
    pub external_url: String,
    /// 1 to 256.
    pub alerts: Vec<NotifyAlert>,
}

/// An alert to tell of.
#[derive(Debug, Clone, PartialEq)]
pub struct NotifyAlert {
    pub status: AlertStatus,
    /// All labels, `alertname` included.
    pub labels: Labels,
    /// Names and texts, in order.
    pub annotations: Vec<(String, String)>,
    /// The value of the last finding.
    pub value: f64,
    pub starts_at_ms: i64,
    pub ends_at_ms: i64,
    /// May be empty.
    pub generator_url: String,
    /// 16 hexadecimal digits, the same for the same labels.
    pub fingerprint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertStatus {
    Firing,
    Resolved,
}

impl AlertStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// A request that a notifier wants sent. Secrets are still `{{secret:NAME}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub extras: Vec<(String, String)>,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The first bytes of the body, at most 64 KiB.
    pub body: Vec<u8>,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    pub kind: DispositionKind,
    /// Why, for people; empty when delivered.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DispositionKind {
    Delivered,
    /// Try again, after at least `after_ms` where given.
    Retry {
        after_ms: Option<u64>,
    },
    /// Trying again would not help.
    Failed,
}
