//! `push`: uploads a component.

use std::path::Path;

use serde_json::Value;
use wasmalert_core::id::check_name;

use crate::Io;
use crate::client::Client;
use crate::error::Error;
use crate::output::{self, Format};
use crate::text::{bytes, number, plain};

pub(crate) async fn push(
    client: &Client,
    file: &Path,
    name: Option<&str>,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    check_name(&name).map_err(|error| {
        Error::Usage(format!(
            "the module's name {name:?} {error}; give one with --name"
        ))
    })?;
    let wasm = super::read_wasm(file)?;
    let answer = client.post_wasm(&["modules", &name], wasm).await?;
    output::answer(io, format, &answer, |module, _| summary(module))?;
    Ok(())
}

fn summary(module: &Value) -> String {
    let compile_ms = number(&module["compile_ms"]);
    output::fields(&[
        ("name", plain(&module["name"])),
        ("version", plain(&module["version"])),
        ("digest", plain(&module["digest"])),
        ("world", plain(&module["world"])),
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
