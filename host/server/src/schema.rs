//! Holds configurations against the JSON Schemas of their modules.
//!
//! A *schema* comes from a tenant and is hostile until proven otherwise: it may
//! call itself without end, or take time beyond all bounds on a small
//! *configuration*. So both go to a *worker*, a process of this very program that
//! limits its own memory and CPU time first and follows no reference out of the
//! schema. A *job* is one schema with all configurations that have to match it.

mod worker;

pub use worker::schema_worker;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::catalog::ModuleInfo;
use crate::fair::{Claim, Turns};

/// Name of the hidden subcommand that runs [`schema_worker`].
pub const WORKER_COMMAND: &str = "schema-worker";

/// Workers at a time; each may take a core.
const WORKERS_MAX: usize = 2;
/// CPU time of a worker.
const CPU_SECONDS_MAX: u64 = 2;
/// Wall time after which a worker is killed, on a machine that has other things to do.
const WALL_MAX: Duration = Duration::from_secs(20);
/// Address space of a worker.
const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// All jobs of a worker together.
const JOBS_BYTES_MAX: usize = 64 << 20;
/// All answers of a worker together.
const ANSWERS_BYTES_MAX: u64 = 16 << 20;
/// Mismatches told at a time.
const MISMATCHES_MAX: usize = 100;

/// A configuration, and where it is.
pub(crate) struct Configured<'a> {
    /// Such as `rules[1].config`.
    pub(crate) place: String,
    /// A JSON text.
    pub(crate) config: &'a str,
    /// Name of the module whose configuration it is.
    pub(crate) name: &'a str,
    pub(crate) module: Arc<ModuleInfo>,
}

impl Configured<'_> {
    fn module(&self) -> String {
        format!("module {} version {}", self.name, self.module.version)
    }
}

/// Why configurations are not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    /// Each mismatch with its place, at most [`MISMATCHES_MAX`].
    #[error("it does not match the schema: {}", .0.join("; "))]
    Mismatch(Vec<String>),
    #[error("{of}: its config schema cannot be used: {why}")]
    Schema { of: String, why: String },
    #[error("{of}: its config schema {why}")]
    Costly { of: String, why: String },
    #[error("the check of configurations failed: {0}")]
    Host(String),
}

/// One schema and what has to match it.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    /// A JSON text.
    schema: String,
    /// JSON texts.
    configs: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Answer {
    /// At most [`MISMATCHES_MAX`]; empty when all match.
    Mismatches(Vec<Mismatch>),
    /// The schema is none.
    BadSchema(String),
}

/// One thing that the schema does not allow.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Mismatch {
    /// Index in the job's configurations.
    config: usize,
    /// JSON pointer (RFC 6901) to the value; empty for the whole.
    pointer: String,
    expected: String,
}

/// Starts workers.
pub(crate) struct SchemaChecker {
    program: PathBuf,
    turns: Turns,
}

impl SchemaChecker {
    /// `program` is this program, which the subcommand `schema-worker` makes a worker.
    #[must_use]
    pub(crate) fn new(program: PathBuf) -> Self {
        Self {
            program,
            turns: Turns::new(WORKERS_MAX, usize::MAX),
        }
    }

    /// What checks wait for.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Whether a module's schema is one, `of` being what the module is called. The
    /// empty text is, and accepts anything.
    ///
    /// # Errors
    /// Says why it is none.
    pub(crate) async fn check_schema(
        &self,
        claim: &Claim,
        of: &str,
        schema: &str,
    ) -> Result<(), SchemaError> {
        if schema.is_empty() {
            return Ok(());
        }
        let job = Job {
            schema: schema.to_owned(),
            configs: Vec::new(),
        };
        let (mut answers, ended) = self.ask(claim, &[job]).await?;
        match answers.pop() {
            Some(Answer::Mismatches(_)) => Ok(()),
            Some(Answer::BadSchema(why)) => Err(SchemaError::Schema { of: of.into(), why }),
            None => Err(unanswered(of.into(), ended)),
        }
    }

    /// Checks that every configuration matches its module's schema.
    ///
    /// # Errors
    /// Every mismatch, or that a schema cannot be used.
    pub(crate) async fn check(
        &self,
        claim: &Claim,
        configured: &[Configured<'_>],
    ) -> Result<(), SchemaError> {
        let mut by_schema: BTreeMap<&str, Vec<&Configured<'_>>> = BTreeMap::new();
        for one in configured {
            let schema = one.module.description.config_schema.as_str();
            if !schema.is_empty() {
                by_schema.entry(schema).or_default().push(one);
            }
        }
        if by_schema.is_empty() {
            return Ok(());
        }
        let jobs: Vec<Job> = by_schema.iter().map(|(schema, all)| job(schema, all)).collect();
        let (answers, ended) = self.ask(claim, &jobs).await?;
        let mut answers = answers.into_iter();
        let mut mismatches = Vec::new();
        for all in by_schema.values() {
            match answers.next() {
                Some(Answer::Mismatches(found)) => {
                    mismatches.extend(found.iter().filter_map(|found| describe(found, all)));
                }
                Some(Answer::BadSchema(why)) => {
                    let of = all[0].module();
                    return Err(SchemaError::Schema { of, why });
                }
                None => return Err(unanswered(all[0].module(), ended)),
            }
        }
        mismatches.truncate(MISMATCHES_MAX);
        if mismatches.is_empty() {
            Ok(())
        } else {
            Err(SchemaError::Mismatch(mismatches))
        }
    }

    /// Gives jobs to a worker. Where it ended before it had answered all, the
    /// answers are fewer, and the status says how it ended: none is for too late.
    async fn ask(
        &self,
        claim: &Claim,
        jobs: &[Job],
    ) -> Result<(Vec<Answer>, Option<ExitStatus>), SchemaError> {
        let mut input = Vec::new();
        for job in jobs {
            serde_json::to_writer(&mut input, job).map_err(failed)?;
            input.push(b'\n');
        }
        if input.len() > JOBS_BYTES_MAX {
            let why = format!(
                "and those of the other modules have, with the configurations, more than {JOBS_BYTES_MAX} \
                 bytes; take fewer rules into one group"
            );
            let of = "a module of the group".into();
            return Err(SchemaError::Costly { of, why });
        }
        let claim = claim.with_at_once(1);
        // Calls of the API wait here; there is always room.
        let _turn = self.turns.take(&claim).await;
        let mut child = Command::new(&self.program)
            .arg(WORKER_COMMAND)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut output = Vec::new();
        let talk = talk(&mut child, &input, &mut output);
        let ended = match tokio::time::timeout(WALL_MAX, talk).await {
            Ok(status) => Some(status.map_err(failed)?),
            Err(_) => None,
        };
        let lines = output.split_inclusive(|byte| *byte == b'\n');
        let answers = lines
            .map_while(|line| serde_json::from_slice(line).ok())
            .collect();
        Ok((answers, ended))
    }
}

async fn talk(child: &mut Child, input: &[u8], output: &mut Vec<u8>) -> std::io::Result<ExitStatus> {
    let no_pipe = || std::io::Error::other("the worker has no pipe");
    let mut stdin = child.stdin.take().ok_or_else(no_pipe)?;
    let stdout = child.stdout.take().ok_or_else(no_pipe)?;
    let write = async move {
        // A worker that has ended early breaks the pipe; its answers tell.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let mut stdout = stdout.take(ANSWERS_BYTES_MAX);
    let (read, ()) = tokio::join!(stdout.read_to_end(output), write);
    read?;
    child.wait().await
}

fn job(schema: &str, all: &[&Configured<'_>]) -> Job {
    Job {
        schema: schema.to_owned(),
        configs: all.iter().map(|one| one.config.to_owned()).collect(),
    }
}

fn describe(found: &Mismatch, all: &[&Configured<'_>]) -> Option<String> {
    let one = all.get(found.config)?;
    let at = if found.pointer.is_empty() {
        String::new()
    } else {
        format!(" at {}", found.pointer)
    };
    Some(format!(
        "{}{at}: {} ({})",
        one.place,
        found.expected,
        one.module()
    ))
}

/// What to say of a schema on which the worker ended.
fn unanswered(of: String, ended: Option<ExitStatus>) -> SchemaError {
    let why = match ended.and_then(|status| status.signal()) {
        Some(signal) if signal != Signal::XCPU.as_raw() => {
            format!(
                "calls itself without end, or takes more than {MEMORY_BYTES_MAX} bytes of memory to check"
            )
        }
        None if ended.is_some() => return SchemaError::Host("a worker ended without an answer".into()),
        _ => format!("takes more than {CPU_SECONDS_MAX} s of CPU time to check"),
    };
    SchemaError::Costly { of, why }
}

fn failed(error: impl std::fmt::Display) -> SchemaError {
    SchemaError::Host(error.to_string())
}
