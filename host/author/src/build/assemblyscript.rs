//! AssemblyScript, with its own compiler.

use super::{Made, Tell, own, run};
use crate::{Error, Project};
use wasmalert_sandbox::compile::TextEncoding;

pub(super) fn make(project: &Project, tell: Tell<'_>) -> Result<Made, Error> {
    // A transform of the configuration file is looked for elsewhere.
    let tool = own(project, "asc")?
        .arg(format!("sdk/{}.ts", project.kind.as_str()))
        .args([
            "--transform",
            "./sdk/transform.mjs",
            "--outFile",
            "build/core.wasm",
        ]);
    Ok(Made {
        file: run(&tool, project.dir.join("build/core.wasm"), tell)?,
        texts: TextEncoding::Utf16,
    })
}
