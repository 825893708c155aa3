//! `inspect`: what a component is and needs, without a server.

use std::path::Path;

use serde_json::{Value, json};
use wasmalert_core::limits::{LimitInfo, Limits};
use wasmalert_sandbox::compile::{CompileError, Inspection, Producer, inspect as look};

use crate::Io;
use crate::error::{Error, Problem};
use crate::output::{self, Format};
use crate::table::Table;
use crate::text::{clean, size, thousands};

pub(crate) fn inspect(file: &Path, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let wasm = super::read_wasm(file)?;
    let inspection = look(&wasm).map_err(|error| Error::Problem(refused(&error)))?;
    match format {
        Format::Table => write!(io.out, "{}", report(&inspection, io.width))?,
        Format::Json | Format::Junit => {
            output::answer(io, format, &document(&inspection), |_, _| String::new())?
        }
    }
    conclude(&inspection)
}

/// Fails where a server would refuse the component.
pub(super) fn conclude(inspection: &Inspection) -> Result<(), Error> {
    match inspection.problems.len() {
        0 => Ok(()),
        1 => Err(Error::Failed(
            "a server would refuse this module: 1 problem".into(),
        )),
        count => Err(Error::Failed(format!(
            "a server would refuse this module: {count} problems"
        ))),
    }
}

pub(super) fn refused(error: &CompileError) -> Problem {
    Problem {
        code: error.code.to_owned(),
        detail: error.message.clone(),
        problems: error.problems.clone(),
        ..Problem::default()
    }
}

fn report(inspection: &Inspection, width: Option<usize>) -> String {
    let world = inspection.world.map_or("none", |world| world.as_str());
    let mut report = output::fields(&[
        ("kind", inspection.kind.as_str().to_owned()),
        ("world", world.to_owned()),
        ("size", size(inspection.wasm_bytes)),
        ("minimum memory", size(inspection.minimum_memory_bytes)),
    ]);
    let producer = |it: &Producer| {
        format!("{} {} {}", it.field, it.name, it.version)
            .trim()
            .to_owned()
    };
    let producers = inspection.producers.iter().map(producer).collect();
    for (title, lines) in [
        ("Imports", &inspection.imports),
        ("Exports", &inspection.exports),
        ("Made with", &producers),
        ("Warnings", &inspection.warnings),
        ("Problems", &inspection.problems),
    ] {
        if !lines.is_empty() {
            report += &format!("\n{title}:\n");
            report.extend(lines.iter().map(|line| format!("  {}\n", clean(line))));
        }
    }
    report + "\nLimits of one evaluation, unless the server or the rule sets others:\n" + &limits(width)
}

fn limits(width: Option<usize>) -> String {
    let mut table = Table::new(["LIMIT", "DEFAULT", "UNIT", "WHAT"]);
    for LimitInfo {
        name,
        default,
        unit,
        doc,
        ..
    } in Limits::TABLE
    {
        table.row([
            (*name).to_owned(),
            thousands(*default),
            (*unit).to_owned(),
            doc.trim().to_owned(),
        ]);
    }
    table.render(width)
}

fn document(inspection: &Inspection) -> Value {
    let limit = |info: &LimitInfo| json!({"name": info.name, "default": info.default, "unit": info.unit, "doc": info.doc.trim()});
    json!({
        "kind": inspection.kind.as_str(),
        "world": inspection.world.map(|world| world.as_str()),
        "imports": inspection.imports,
        "exports": inspection.exports,
        "bytes": inspection.wasm_bytes,
        "minimum_memory_bytes": inspection.minimum_memory_bytes,
        "producers": inspection.producers,
        "warnings": inspection.warnings,
        "problems": inspection.problems,
        "limits": Limits::TABLE.iter().map(limit).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
