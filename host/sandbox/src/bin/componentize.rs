//! Makes components of core modules, and says what they are:
//!
//! - `componentize IN.wasm OUT.wasm`
//! - `componentize --describe COMPONENT.wasm OUT.json`: world, `describe()` and producers, so that whoever
//!   embeds the component need not compile it to know them

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use wasmalert_core::limits::Limits;
use wasmalert_sandbox::compile::WORKER_COMMAND;
use wasmalert_sandbox::{Artifacts, CompileLimits, Sandbox, SandboxConfig, compile};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (from, result) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [WORKER_COMMAND] => return wasmalert_sandbox::compile_worker(),
        ["--describe", from, to] => (from, describe(from, to)),
        [from, to] => (from, convert(from, to)),
        _ => return complain("usage: componentize [--describe] IN OUT"),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{from}: {error}")),
    }
}

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

fn convert(from: &str, to: &str) -> Result {
    let component = wasmalert_sandbox::componentize(&fs::read(from)?)?;
    Ok(fs::write(to, component)?)
}

fn describe(from: &str, to: &str) -> Result {
    let compiled = compile(
        &std::env::current_exe()?,
        &fs::read(from)?,
        &CompileLimits::default(),
    )?;
    let config = SandboxConfig {
        instances: 1,
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::new(&config)?;
    let folder = PathBuf::from(format!("{to}.artifacts"));
    let artifacts = Artifacts::open(&folder)?;
    artifacts.put(&sandbox, "described", &compiled.artifact)?;
    let artifact = artifacts.get(&sandbox, "described")?;
    let component = sandbox.load(artifact.ok_or("its artifact is gone")?)?;
    Sandbox::prepare_thread();
    let told = component.describe(&Limits::default()).result?;
    fs::remove_dir_all(folder)?;
    let schema = match told.config_schema.trim() {
        "" => Value::Null,
        schema => serde_json::from_str(schema)?,
    };
    let extras: serde_json::Map<_, _> = told
        .extras
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let about = json!({
        "world": compiled.world.as_str(),
        "description": {
            "name": told.name,
            "doc": told.doc,
            "config_schema": schema,
            "queries": told.queries,
            "extras": extras,
        },
        "producers": compiled.producers,
    });
    Ok(fs::write(to, format!("{about:#}\n"))?)
}

#[expect(clippy::print_stderr, reason = "a command-line tool's complaint")]
fn complain(message: &str) -> ExitCode {
    eprintln!("componentize: {message}");
    ExitCode::FAILURE
}
