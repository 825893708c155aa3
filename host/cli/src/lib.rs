//! Everything an author or operator types.
//!
//! A *command* reads its arguments, talks to a server over HTTP and prints what
//! came back, as *tables* for people or as JSON for programs. What a server
//! sends is not trusted: it is bounded in size, and control characters never
//! reach the terminal.

mod args;
mod client;
mod command;
pub mod document;
mod error;
mod output;
mod sse;
mod table;
mod text;

use std::ffi::OsString;
use std::io::{Read, Write};

use clap::Parser;

use crate::args::Cli;
use crate::error::Error;

/// What a command reads from and prints to.
pub struct Io<'a> {
    pub input: &'a mut dyn Read,
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
    /// Columns of the terminal; none where the output is not a terminal.
    pub width: Option<usize>,
}

/// Runs the command line `args`, its first item being the program's name.
///
/// Answers the exit code: 0 it worked, 1 the request failed, 2 the command line
/// or a file is wrong.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let to = if error.use_stderr() {
                &mut *io.err
            } else {
                &mut *io.out
            };
            let _ = write!(to, "{}", error.render());
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    match command::run(cli, io) {
        Ok(()) => 0,
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            let _ = writeln!(io.err, "{}", error.report());
            error.exit_code()
        }
    }
}
