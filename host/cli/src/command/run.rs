//! `run`: one evaluation of a rule, now, without a server.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use wasmalert_core::evaluation::{Context, Journal, Trigger};
use wasmalert_core::limits::Limits;
use wasmalert_core::query::{Query, QueryError, QueryErrorCode, QueryResult};
use wasmalert_core::units::parse_duration_ms;
use wasmalert_core::{GroupKey, RuleKey, TenantId};
use wasmalert_offline::once::{Once, Ran};
use wasmalert_sandbox::World;
use wasmalert_server::Unkept;
use wasmalert_server::query::{DirectSource, PrometheusSpec};

use crate::Io;
use crate::args::Run;
use crate::error::Error;
use crate::output::{self, Format};

pub(crate) const HELP: &str = "\
The rule is evaluated once, as a server would at a slot: without state and timers, and nothing of
what it does counts. Queries that name no source go to the first --source.

Examples:
  wasmalert run build/disk-full.wasm --source http://127.0.0.1:9090 --config '{\"above\": 0.9}'
  wasmalert run rule.wasm --source prom=https://prom.example.com --header 'Authorization: Bearer …'
  wasmalert run rule.wasm --source http://127.0.0.1:9090 --config @config.json --at 1h --output json

Exit codes: 0 the evaluation succeeded, 1 it failed, 2 the command line or a file is wrong.";

/// The name of the source that queries without one go to.
const DEFAULT_SOURCE: &str = "default";
/// The largest configuration that is read from a file.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn run(run: &Run, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let now_ms = moment(run.at.as_deref())?;
    let interval_ms = parse_duration_ms(&run.interval)
        .ok()
        .filter(|ms| *ms > 0)
        .ok_or_else(|| {
            Error::Usage(format!(
                "--interval: {:?} is no duration such as 15s",
                run.interval
            ))
        })?;
    let sources = sources(run)?;
    let context = Arc::new(context(run, now_ms, interval_ms)?);
    let limits = Limits::default();
    let component = super::test::modules(std::num::NonZeroUsize::MIN)?
        .file(&run.file, World::Rule)
        .map_err(|error| Error::Usage(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut ask = |query: &Query| -> QueryResult {
        match sources.get(&*query.source) {
            Some(source) => runtime.block_on(source.ask(query)),
            None => Err(QueryError {
                code: QueryErrorCode::SourceUnknown,
                message: format!(
                    "no source is called {:?}: give it with --source {0}=URL",
                    query.source
                ),
            }),
        }
    };
    let ran = Once {
        component: &component,
        context: &context,
        journal: Journal::default(),
        limits: &limits,
    }
    .run(Vec::new(), &mut ask);
    let document = document(&ran, &context)?;
    output::answer(io, format, &document, |document, _| {
        super::explain::body(document)
    })?;
    match ran.result {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Failed("the evaluation failed".into())),
    }
}

/// A time, or so long ago; now without one.
#[expect(
    clippy::disallowed_methods,
    reason = "the evaluation's now is that of whoever types"
)]
fn moment(at: Option<&str>) -> Result<i64, Error> {
    let now = SystemTime::now();
    let ms = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    };
    let Some(text) = at else { return Ok(ms(now)) };
    if let Ok(ago) = parse_duration_ms(text) {
        return Ok(ms(now).saturating_sub(ago));
    }
    humantime::parse_rfc3339(text).map(ms).map_err(|_| {
        Error::Usage(format!(
            "--at: {text:?} is neither a time such as 2026-01-31T00:00:00Z nor so long ago, such as 1h"
        ))
    })
}

fn sources(run: &Run) -> Result<BTreeMap<String, DirectSource>, Error> {
    let mut headers = BTreeMap::new();
    for header in &run.headers {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Error::Usage(format!("--header: {header:?} is not NAME: VALUE")))?;
        headers.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    let mut sources = BTreeMap::new();
    for (at, given) in run.sources.iter().enumerate() {
        let named = given
            .split_once('=')
            .filter(|(name, _)| !name.contains([':', '/']));
        let (name, url) = named.unwrap_or((DEFAULT_SOURCE, given));
        let open = || {
            let spec = PrometheusSpec {
                url: url.to_owned(),
                write_url: None,
                headers: headers.clone(),
                basic_auth: None,
                bearer_token: None,
                timeout: None,
                max_response_bytes: None,
            };
            DirectSource::new(name, spec).map_err(|error| Error::Usage(format!("--source {name}: {error}")))
        };
        sources.insert(name.to_owned(), open()?);
        if at == 0 {
            sources.insert(DEFAULT_SOURCE.to_owned(), open()?);
        }
    }
    Ok(sources)
}

fn context(run: &Run, now_ms: i64, interval_ms: i64) -> Result<Context, Error> {
    let config = match run.config.strip_prefix('@') {
        None => run.config.clone(),
        Some(path) => {
            let bytes = super::read(Path::new(path), CONFIG_BYTES_MAX)
                .map_err(|error| Error::Usage(format!("{path}: {error}")))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    if let Err(error) = serde_json::from_str::<Value>(&config) {
        return Err(Error::Usage(format!("--config is not JSON: {error}")));
    }
    let name = |text: &str| text.into();
    let tenant = TenantId::new(TenantId::DEFAULT).map_err(|error| Error::Usage(error.to_string()))?;
    let stem = run.file.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Context {
        rule: RuleKey {
            group: GroupKey {
                tenant,
                namespace: name("run"),
                group: name("run"),
            },
            rule: name(&stem),
        },
        now_ms,
        interval_ms,
        query_offset_ms: 0,
        trigger: Trigger::Interval,
        config: config.into(),
        labels: Arc::new(
            run.labels
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect(),
        ),
        source: name(DEFAULT_SOURCE),
        extras: Vec::new(),
    })
}

fn document(ran: &Ran, context: &Context) -> Result<Value, Error> {
    let unkept = Unkept {
        context,
        journal: &ran.journal,
        result: match &ran.result {
            Ok((outcome, effects)) => Ok((outcome, effects)),
            Err(failed) => Err((&failed.fault, &failed.log)),
        },
        cost: &ran.cost,
        rounds: ran.rounds,
    };
    unkept
        .document()
        .map_err(|error| Error::Failed(error.to_string()))
}
