//! A rule under test, and what it is run with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use wasmalert_core::evaluation::{
    Context, Cost, Description, Effects, Journal, Outcome, State, Timers, Trigger,
};
use wasmalert_core::frame::{Frame, FrameBuilder};
use wasmalert_core::limits::{Limit, Limits};
use wasmalert_core::query::{Query, QueryError, QueryErrorCode, QueryResult};
use wasmalert_core::{GroupKey, RuleKey, TenantId};
pub use wasmalert_offline::once::Failed;
use wasmalert_offline::once::Once;
use wasmalert_sandbox::{Artifacts, CompileLimits, Component, Sandbox, SandboxConfig, compile};

pub const NOW_MS: i64 = 1_700_000_000_000;
pub const INTERVAL_MS: i64 = 15_000;

/// A compiled rule.
pub struct Guest {
    component: Component,
    pub component_bytes: u64,
    pub compile_ms: u64,
    /// The machine code of what is loaded is in it.
    _folder: Folder,
}

/// What an evaluation is given besides its configuration.
#[derive(Default)]
pub struct Given {
    pub answers: BTreeMap<&'static str, Answer>,
    pub state: State,
    pub timers: Timers,
    pub trigger: Option<Trigger>,
}

#[derive(Clone)]
pub enum Answer {
    Series(Arc<Frame>),
    Failed(QueryErrorCode, &'static str),
}

/// An evaluation that succeeded.
pub struct Done {
    pub outcome: Outcome,
    pub effects: Effects,
    /// Runs until every query had its answer.
    pub runs: u32,
    pub cost: Cost,
}

impl Guest {
    /// Compiles a component. `exe` is a program whose `compile-worker` does that.
    ///
    /// # Errors
    /// It is refused, or there is no room for it.
    #[expect(clippy::disallowed_methods, reason = "measures how long compiling takes")]
    pub fn load(exe: &Path, wasm: &[u8]) -> Result<Self, String> {
        let compile_limits = CompileLimits {
            cpu_seconds: 300,
            wall_ms: 300_000,
            ..CompileLimits::default()
        };
        let started = Instant::now();
        let compiled = compile(exe, wasm, &compile_limits)
            .map_err(|error| format!("{error}\n{}", error.problems.join("\n")))?;
        let compile_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let config = SandboxConfig {
            instances: 2,
            ..SandboxConfig::default()
        };
        let sandbox = Sandbox::new(&config).map_err(|error| error.to_string())?;
        let folder = Folder::new();
        let load = || -> Result<Component, Box<dyn std::error::Error>> {
            let artifacts = Artifacts::open(&folder.0)?;
            artifacts.put(&sandbox, "guest", &compiled.artifact)?;
            let file = artifacts.get(&sandbox, "guest")?.ok_or("its artifact is gone")?;
            Ok(sandbox.load(file)?)
        };
        let component = load().map_err(|error| error.to_string())?;
        Sandbox::prepare_thread();
        Ok(Self {
            component,
            component_bytes: compiled.component.len() as u64,
            compile_ms,
            _folder: folder,
        })
    }

    /// What it says that it is.
    ///
    /// # Errors
    /// It fails at that.
    pub fn describe(&self) -> Result<Description, String> {
        let run = self.component.describe(&Limits::default());
        run.result.map_err(|fault| fault.to_string())
    }

    /// Evaluates it as the host does: again and again until every query has its answer.
    ///
    /// # Errors
    /// The evaluation fails.
    pub fn evaluate(&self, config: &str, given: &Given) -> Result<Done, Failed> {
        let limits = limits();
        let trigger = given.trigger.clone().unwrap_or(Trigger::Interval);
        let context = context(config, trigger);
        let journal = Journal::new(
            Arc::new(given.state.clone()),
            Arc::new(given.timers.clone()),
            &context.trigger,
        );
        let once = Once {
            component: &self.component,
            context: &context,
            journal,
            limits: &limits,
        };
        let ran = once.run(Vec::new(), &mut |query| given.answer(query));
        let (outcome, effects) = ran.result?;
        Ok(Done {
            outcome,
            effects,
            runs: ran.rounds,
            cost: ran.cost,
        })
    }
}

impl Given {
    #[must_use]
    pub fn answering(expr: &'static str, frame: Arc<Frame>) -> Self {
        Self::default().and(expr, Answer::Series(frame))
    }

    #[must_use]
    pub fn and(mut self, expr: &'static str, answer: Answer) -> Self {
        self.answers.insert(expr, answer);
        self
    }

    fn answer(&self, query: &Query) -> QueryResult {
        match self.answers.get(&*query.expr) {
            Some(Answer::Series(frame)) => Ok(Arc::clone(frame)),
            Some(Answer::Failed(code, message)) => Err(QueryError {
                code: *code,
                message: (*message).to_owned(),
            }),
            None => Err(QueryError {
                code: QueryErrorCode::Failed,
                message: format!("no answer is set for {:?}", query.expr),
            }),
        }
    }
}

/// Those of a server, but for time: other tests may take the processor meanwhile.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.set(Limit::DeadlineMs, 60_000);
    limits
}

fn context(config: &str, trigger: Trigger) -> Arc<Context> {
    let group = GroupKey {
        tenant: TenantId::new("acme").expect("it is a name"),
        namespace: "prod/eu".into(),
        group: "hosts".into(),
    };
    Arc::new(Context {
        rule: RuleKey {
            group,
            rule: "guest".into(),
        },
        now_ms: NOW_MS,
        interval_ms: INTERVAL_MS,
        query_offset_ms: 0,
        trigger,
        config: config.into(),
        labels: Arc::new([("team", "sre-日本")].into_iter().collect()),
        source: "default".into(),
        extras: Vec::new(),
    })
}

/// One series: labels, and samples with their ages in ms, the oldest first.
pub type Series<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)]);

/// A frame of series.
#[must_use]
pub fn frame(series: &[Series<'_>]) -> Arc<Frame> {
    let mut builder = FrameBuilder::new();
    for (labels, samples) in series {
        for (name, value) in *labels {
            builder.label(name, value);
        }
        for (age_ms, value) in *samples {
            builder.sample(NOW_MS - age_ms, *value);
        }
        builder.end_series().expect("series that can be");
    }
    Arc::new(builder.finish())
}

/// `series` of them, with labels as hosts have; every tenth is above 0.9.
#[must_use]
pub fn many(series: usize) -> Arc<Frame> {
    let mut builder = FrameBuilder::new();
    for at in 0..series {
        builder.label("__name__", "cpu");
        builder.label("host", &format!("host-{at:05}"));
        builder.label("job", "node");
        builder.sample(NOW_MS, value_of_many(at));
        builder.end_series().expect("series that can be");
    }
    Arc::new(builder.finish())
}

/// The value of a series of [`many`].
#[must_use]
pub fn value_of_many(at: usize) -> f64 {
    match at % 10 {
        9 => 0.95,
        tenth => tenth as f64 / 10.0,
    }
}

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("wasmalert-conformance-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // in the system's folder for what may be lost
    }
}
