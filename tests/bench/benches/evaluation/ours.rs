//! An evaluation as the server does it.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use wasmalert_core::Labels;
use wasmalert_core::evaluation::{Context, Journal, Trigger};
use wasmalert_core::frame::{Frame, FrameBuilder, FrameError};
use wasmalert_core::id::{GroupKey, RuleKey, TenantId};
use wasmalert_core::limits::Limits;
use wasmalert_core::query::{Query, QueryTime};
use wasmalert_sandbox::{Artifacts, Component, Evaluation, Sandbox, SandboxConfig, Verdict};

use crate::case::{Case, EXPR, INTERVAL_MS, NOW_MS, series_labels};

/// A component, loaded from the store of artifacts.
pub(crate) struct Ours {
    component: Component,
}

/// An evaluation that finds its query's result in the journal.
pub(crate) struct Run {
    component: Component,
    context: Arc<Context>,
    journal: Arc<Journal>,
    limits: Limits,
    findings: usize,
}

impl Ours {
    pub(crate) fn new(dir: &Path, name: &str, artifact: &[u8]) -> Result<Self, Box<dyn Error>> {
        let sandbox = Sandbox::new(&SandboxConfig::default())?;
        let artifacts = Artifacts::open(dir)?;
        artifacts.put(&sandbox, name, artifact)?;
        let stored = artifacts.get(&sandbox, name)?;
        Ok(Self {
            component: sandbox.load(stored.ok_or("the artifact is gone")?)?,
        })
    }

    pub(crate) fn prepare(&self, case: &Case, series: usize) -> Result<Run, Box<dyn Error>> {
        let context = context(case.config)?;
        let query = Query {
            source: Arc::clone(&context.source),
            expr: EXPR.into(),
            time: QueryTime::Instant { at_ms: NOW_MS },
        };
        let mut journal = Journal::default();
        let answer = frame(series, case.value)?;
        journal.queries.insert(query, Ok(Arc::new(answer)));
        Ok(Run {
            component: self.component.clone(),
            context: Arc::new(context),
            journal: Arc::new(journal),
            limits: Limits::default(),
            findings: case.findings(series),
        })
    }
}

impl Run {
    pub(crate) fn evaluate(&self) -> Result<Evaluation, String> {
        let evaluation = self
            .component
            .evaluate(&self.context, &self.journal, &self.limits);
        match &evaluation.verdict {
            Verdict::Done { outcome, .. } if outcome.findings.len() == self.findings => Ok(evaluation),
            Verdict::Done { outcome, .. } => Err(format!("{} findings", outcome.findings.len())),
            Verdict::Wants(queries) => Err(format!("wants {queries:?}")),
            Verdict::Failed { fault, .. } => Err(fault.to_string()),
        }
    }
}

fn context(config: &str) -> Result<Context, Box<dyn Error>> {
    let group = GroupKey {
        tenant: TenantId::new(TenantId::DEFAULT)?,
        namespace: "bench".into(),
        group: "evaluation".into(),
    };
    Ok(Context {
        rule: RuleKey {
            group,
            rule: "Down".into(),
        },
        now_ms: NOW_MS,
        interval_ms: INTERVAL_MS,
        query_offset_ms: 0,
        trigger: Trigger::Interval,
        config: config.into(),
        labels: Arc::new([("severity", "page")].into_iter().collect::<Labels>()),
        source: "prom".into(),
        extras: Vec::new(),
    })
}

/// The series as a source would answer them.
fn frame(series: usize, value: fn(usize) -> f64) -> Result<Frame, FrameError> {
    let mut frame = FrameBuilder::new();
    for at in 0..series {
        for (name, text) in &series_labels(at) {
            frame.label(name, text);
        }
        frame.sample(NOW_MS, value(at));
        frame.end_series()?;
    }
    Ok(frame.finish())
}
