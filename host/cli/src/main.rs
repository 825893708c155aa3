//! The binary `wasmalert`.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use wasmalert_cli::Io;

fn main() -> ExitCode {
    // The server starts this very binary to work under limits: nothing else may be
    // set up in that process.
    match std::env::args_os().nth(1) {
        Some(command) if command == wasmalert_sandbox::compile::WORKER_COMMAND => {
            return wasmalert_sandbox::compile::compile_worker();
        }
        Some(command) if command == wasmalert_server::schema::WORKER_COMMAND => {
            return wasmalert_server::schema::schema_worker();
        }
        _ => {}
    }
    // Not locked: the threads of `serve` print too.
    let mut stdout = io::stdout();
    let width = stdout.is_terminal().then(terminal_size::terminal_size).flatten();
    ExitCode::from(wasmalert_cli::run(
        std::env::args_os(),
        &mut Io {
            input: &mut io::stdin(),
            out: &mut stdout,
            err: &mut io::stderr(),
            width: width.map(|(columns, _)| usize::from(columns.0)),
        },
    ))
}
