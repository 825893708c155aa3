//! What was measured, as a table of a document.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use wasmalert_author::Language;

use crate::BEHAVIOURS;

/// Between these lines of the document.
const BEGIN: &str = "<!-- measured: written by `make guests` -->\n";
const END: &str = "<!-- end of measured -->\n";

/// Writes the table of what tests have left in a folder into a document.
///
/// # Errors
/// A language was not measured, or the document has no place for the table.
pub fn write(folder: &Path, document: &Path) -> Result<bool, String> {
    let mut rows = Vec::new();
    for language in Language::ALL {
        let path = folder.join(language.id()).join("measured.json");
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        rows.push(serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    let named = |error: std::io::Error| format!("{}: {error}", document.display());
    let text = fs::read_to_string(document).map_err(named)?;
    let no_place = || format!("{} has no place for the table", document.display());
    let (before, rest) = text.split_once(BEGIN).ok_or_else(no_place)?;
    let (_, after) = rest.split_once(END).ok_or_else(no_place)?;
    fs::write(document, format!("{before}{BEGIN}{}{END}{after}", table(&rows))).map_err(named)?;
    Ok(true)
}

fn table(rows: &[Value]) -> String {
    let mut table = String::from(
        "| Language | Behaviours | Component | Compiling | Evaluation, 10 series | 1,000 series | Fuel, 10 / 1,000 series | Memory | `new` to green |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let number = |name: &str| row[name].as_f64().unwrap_or(f64::NAN);
        let _ = writeln!(
            table,
            "| {} | {} of {} | {:.0} KB | {:.1} s | {:.2} ms | {:.2} ms | {:.2} M / {:.2} M | {:.0} KiB | {:.0} s |",
            row["language"].as_str().unwrap_or_default(),
            row["behaviours"],
            BEHAVIOURS.len(),
            number("component_bytes") / 1e3,
            number("compile_ms") / 1e3,
            number("cpu_ns_10") / 1e6,
            number("cpu_ns_1000") / 1e6,
            number("fuel_10") / 1e6,
            number("fuel_1000") / 1e6,
            number("memory_bytes") / 1024.0,
            number("seconds_to_green"),
        );
    }
    table
}
