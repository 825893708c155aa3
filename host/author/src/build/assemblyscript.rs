//! AssemblyScript, with its own compiler.

use super::{Made, Tell, run};
use crate::tool::Tool;
use crate::{Error, Project};
use wasmalert_sandbox::compile::TextEncoding;

const INSTALL: &str = "Run: npm install";

pub(super) fn make(project: &Project, tell: Tell<'_>) -> Result<Made, Error> {
    // A transform of the configuration file is looked for elsewhere.
    let tool = Tool::need(project, "asc", INSTALL)?
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
