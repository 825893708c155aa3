//! `history` and `rollback`, and how changes of the configuration are shown.

use serde_json::{Value, json};
use similar::TextDiff;

use crate::Io;
use crate::client::Client;
use crate::error::Error;
use crate::output::{self, Format};
use crate::table::Table;
use crate::text::{clean, plain};

/// Lines around those that have changed.
const CONTEXT_LINES: usize = 3;

/// Kind and name of what has changed, such as `group prod/node`.
pub(crate) fn name(change: &Value) -> String {
    let text = |field: &str| change[field].as_str().unwrap_or_default();
    match text("namespace") {
        "" => format!("{} {}", text("kind"), text("name")),
        namespace => format!("{} {namespace}/{}", text("kind"), text("name")),
    }
}

/// Shows what has changed, or would: every line of it. Answers whether anything has.
pub(crate) fn print(answer: &Value, format: Format, io: &mut Io<'_>) -> std::io::Result<bool> {
    let changes = answer["changes"].as_array().map_or(&[][..], Vec::as_slice);
    if format != Format::Table {
        writeln!(io.out, "{}", crate::text::json(answer))?;
        return Ok(!changes.is_empty());
    }
    for change in changes {
        let name = clean(&name(change));
        let (before, after) = (lines(&change["before"]), lines(&change["after"]));
        let (from, to) = match change["action"].as_str().unwrap_or_default() {
            "created" => ("/dev/null", &*name),
            "deleted" => (&*name, "/dev/null"),
            _ => (&*name, &*name),
        };
        if before == after {
            writeln!(io.out, "--- {from}\n+++ {to}\n  (only what is secret differs)")?;
            continue;
        }
        let diff = TextDiff::from_lines(&before, &after);
        let mut unified = diff.unified_diff();
        let unified = unified.context_radius(CONTEXT_LINES).header(from, to);
        write!(io.out, "{unified}")?;
    }
    Ok(!changes.is_empty())
}

/// A spec as YAML, fit for a terminal; nothing for what is not there.
fn lines(spec: &Value) -> String {
    if spec.is_null() {
        return String::new();
    }
    let text = serde_saphyr::to_string(spec).unwrap_or_else(|_| crate::text::json(spec));
    text.lines().map(|line| clean(line) + "\n").collect()
}

pub(crate) async fn history(
    client: &Client,
    (revision, limit): (Option<i64>, u32),
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    if let Some(revision) = revision {
        let revision = revision.to_string();
        let change = client.get(&["config", "history", &revision], &[]).await?;
        if format == Format::Table {
            let told = output::fields(&[
                ("revision", plain(&change["revision"])),
                ("at", plain(&change["at"])),
                ("by", plain(&change["actor"])),
                ("from", plain(&change["address"])),
                ("call", plain(&change["call"])),
            ]);
            writeln!(io.out, "{told}")?;
        }
        print(&change, format, io)?;
        return Ok(());
    }
    let answer = client
        .get(&["config", "history"], &[("limit", limit.to_string())])
        .await?;
    Ok(output::answer(io, format, &answer, |answer, width| {
        let mut table = Table::new(["REVISION", "AT", "BY", "FROM", "CHANGES"]);
        for change in answer["changes"].as_array().into_iter().flatten() {
            table.row([
                plain(&change["revision"]),
                plain(&change["at"]),
                plain(&change["actor"]),
                plain(&change["address"]),
                summary(change),
            ]);
        }
        table.render(width)
    })?)
}

/// What a change has changed, in one line.
fn summary(change: &Value) -> String {
    let items = change["changes"].as_array().map_or(&[][..], Vec::as_slice);
    let told = |item: &Value| format!("{} {}", clean(&name(item)), plain(&item["action"]));
    let mut told: Vec<String> = items.iter().take(3).map(told).collect();
    let total = change["changes_total"].as_u64().unwrap_or(0) as usize;
    if total > told.len() {
        told.push(format!("{} more", total - told.len()));
    }
    told.join(", ")
}

pub(crate) async fn rollback(
    client: &Client,
    (revision, dry_run): (i64, bool),
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let body = json!({ "revision": revision });
    let answer = client
        .post_config(&["config", "rollback"], &body, dry_run, None)
        .await?;
    let changed = print(&answer, format, io)?;
    if format == Format::Table {
        let now = plain(&answer["revision"]);
        let told = match (changed, dry_run) {
            (false, _) => format!("the configuration is as it was at revision {revision}"),
            (true, true) => "nothing was changed: this was a dry run".to_owned(),
            (true, false) => format!("this is revision {now}"),
        };
        writeln!(io.out, "{told}")?;
    }
    Ok(())
}
