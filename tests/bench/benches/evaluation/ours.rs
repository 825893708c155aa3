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

pub(crate) const EXPR: &str = "up == 0";
pub(crate) const CONFIG: &str = r#"{"expr": "up == 0"}"#;
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
pub(crate) const INTERVAL_MS: i64 = 15_000;

/// The component, loaded from the store of artifacts.
pub(crate) struct Ours {
    component: Component,
}

/// An evaluation that finds its query's result in the journal.
pub(crate) struct Case {
    component: Component,
    context: Arc<Context>,
    journal: Arc<Journal>,
    limits: Limits,
    series: usize,
}

impl Ours {
    pub(crate) fn new(dir: &Path, artifact: &[u8]) -> Result<Self, Box<dyn Error>> {
        let sandbox = Sandbox::new(&SandboxConfig::default())?;
        let artifacts = Artifacts::open(dir)?;
        artifacts.put(&sandbox, "prometheus", artifact)?;
        let stored = artifacts.get(&sandbox, "prometheus")?;
        Ok(Self {
            component: sandbox.load(stored.ok_or("the artifact is gone")?)?,
        })
    }

    pub(crate) fn case(&self, series: usize) -> Result<Case, Box<dyn Error>> {
        let context = context()?;
        let query = Query {
            source: Arc::clone(&context.source),
            expr: EXPR.into(),
            time: QueryTime::Instant { at_ms: NOW_MS },
        };
        let mut journal = Journal::default();
        journal.queries.insert(query, Ok(Arc::new(frame(series)?)));
        Ok(Case {
            component: self.component.clone(),
            context: Arc::new(context),
            journal: Arc::new(journal),
            limits: Limits::default(),
            series,
        })
    }
}

impl Case {
    pub(crate) fn evaluate(&self) -> Result<Evaluation, String> {
        let evaluation = self
            .component
            .evaluate(&self.context, &self.journal, &self.limits);
        match &evaluation.verdict {
            Verdict::Done { outcome, .. } if outcome.findings.len() == self.series => Ok(evaluation),
            Verdict::Done { outcome, .. } => Err(format!("{} findings", outcome.findings.len())),
            Verdict::Wants(queries) => Err(format!("wants {queries:?}")),
            Verdict::Failed { fault, .. } => Err(fault.to_string()),
        }
    }
}

fn context() -> Result<Context, Box<dyn Error>> {
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
        config: CONFIG.into(),
        labels: Arc::new([("severity", "page")].into_iter().collect::<Labels>()),
        source: "prom".into(),
    })
}

/// Series with six labels, as a source would answer.
fn frame(series: usize) -> Result<Frame, FrameError> {
    let mut frame = FrameBuilder::new();
    for at in 0..series {
        frame.label("__name__", "up");
        frame.label("cluster", "eu-1");
        frame.label("instance", &format!("10.0.{}.{}:9100", at / 256, at % 256));
        frame.label("job", "node");
        frame.label("namespace", &format!("team-{}", at % 20));
        frame.label("pod", &format!("node-exporter-{at:05}"));
        frame.sample(NOW_MS, 0.0);
        frame.end_series()?;
    }
    Ok(frame.finish())
}
