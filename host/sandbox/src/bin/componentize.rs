//! Makes a component of a core module: `componentize IN.wasm OUT.wasm`.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use wasmalert_sandbox::compile::WORKER_COMMAND;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [WORKER_COMMAND] => return wasmalert_sandbox::compile_worker(),
        [from, to] => convert(Path::new(from), Path::new(to)),
        _ => Err("usage: componentize IN.wasm OUT.wasm".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => complain(&message),
    }
}

fn convert(from: &Path, to: &Path) -> Result<(), String> {
    let core = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
    let component =
        wasmalert_sandbox::componentize(&core).map_err(|error| format!("{}: {error}", from.display()))?;
    fs::write(to, component).map_err(|error| format!("{}: {error}", to.display()))
}

#[expect(clippy::print_stderr, reason = "a command-line tool's complaint")]
fn complain(message: &str) -> ExitCode {
    eprintln!("componentize: {message}");
    ExitCode::FAILURE
}
