//! How an answer is printed.

use std::io;

use serde_json::Value;

use crate::{Io, text};

/// The form answers are printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs: what the server answered.
    Json,
    /// For programs that collect tests: what `test` found, as JUnit XML.
    Junit,
}

/// Prints the answer itself, or what `table` makes of it for people.
pub(crate) fn answer(
    io: &mut Io<'_>,
    format: Format,
    value: &Value,
    table: impl FnOnce(&Value, Option<usize>) -> String,
) -> io::Result<()> {
    match format {
        Format::Table => write!(io.out, "{}", table(value, io.width)),
        Format::Json | Format::Junit => writeln!(io.out, "{}", text::json(value)),
    }
}

/// Names and values under each other, the values aligned; empty ones left out.
pub(crate) fn fields(fields: &[(&str, String)]) -> String {
    let shown = || fields.iter().filter(|(_, value)| !value.is_empty());
    let width = shown().map(|(name, _)| name.len() + 1).max().unwrap_or(0);
    shown()
        .map(|(name, value)| format!("{:width$}  {value}\n", format!("{name}:")))
        .collect()
}
