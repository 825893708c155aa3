//! `push`: uploads a component, and `promote`: puts a version to use.

use serde_json::{Value, json};
use wasmalert_core::id::check_name;

use crate::Io;
use crate::args::Push;
use crate::client::Client;
use crate::error::Error;
use crate::output::{self, Format};
use crate::text::{bytes, number, plain};

pub(crate) async fn push(client: &Client, push: &Push, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let file = &push.file;
    let stem = || {
        let stem = file.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    };
    let name = module_name(push.name.clone().unwrap_or_else(stem))?;
    let wasm = super::read_wasm(file)?;
    let signature = super::read_signature(push.signature.as_deref())?;
    let answer = client
        .post_wasm(&["modules", &name], wasm, signature.as_deref(), push.promote)
        .await?;
    taken(&answer, format, io)
}

/// A name that a module may have.
pub(super) fn module_name(name: String) -> Result<String, Error> {
    match check_name(&name) {
        Ok(()) => Ok(name),
        Err(error) => Err(Error::Usage(format!(
            "the module's name {name:?} {error}; give one with --name"
        ))),
    }
}

/// Makes a version that of the rules and receivers that name none.
pub(crate) async fn promote(
    client: &Client,
    name: &str,
    version: u32,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let wanted = json!({ "version": version });
    let (_, answer) = client.put(&["modules", name, "promoted"], &wanted).await?;
    taken(&answer, format, io)
}

/// Prints a module that the server took, and what it warned of.
pub(super) fn taken(answer: &Value, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    output::answer(io, format, answer, |module, _| summary(module))?;
    if answer["promoted"] == false {
        writeln!(
            io.err,
            "Rules and receivers that name no version run another one. To make it this:\n  wasmalert promote {} {}",
            plain(&answer["name"]),
            plain(&answer["version"])
        )?;
    }
    let warnings = answer["warnings"].as_array().map_or(&[][..], Vec::as_slice);
    for warning in warnings {
        writeln!(io.err, "warning: {}", plain(warning))?;
    }
    Ok(())
}

fn summary(module: &Value) -> String {
    let compile_ms = number(&module["compile_ms"]);
    output::fields(&[
        ("name", plain(&module["name"])),
        ("version", plain(&module["version"])),
        ("digest", plain(&module["digest"])),
        ("promoted", yes(&module["promoted"])),
        ("world", plain(&module["world"])),
        ("trust", trust(module)),
        ("size", bytes(&module["bytes"])),
        (
            "compiled in",
            if compile_ms.is_empty() {
                compile_ms
            } else {
                compile_ms + " ms"
            },
        ),
        ("about", plain(&module["description"]["doc"])),
    ])
}

/// A truth, for people.
pub(super) fn yes(value: &Value) -> String {
    match value.as_bool() {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => String::new(),
    }
}

/// Who vouches for a version, such as `signed by release`.
pub(super) fn trust(module: &Value) -> String {
    let signer = plain(&module["provenance"]["signature"]["signer"]);
    match module["trust"].as_str() {
        Some("signed") => format!("signed by {signer}"),
        Some("signer_gone") => format!("signed by {signer}, who is not trusted any more"),
        _ => plain(&module["trust"]),
    }
}
