//! JavaScript and TypeScript, with QuickJS in componentize-qjs.

use super::{Made, Tell, own, run};
use crate::tool::Tool;
use crate::{Error, Language, Project};

const INSTALL_NODE: &str = "Get Node.js 20 or newer from https://nodejs.org";

pub(super) fn make(project: &Project, tell: Tell<'_>) -> Result<Made, Error> {
    let mut source = format!("{}.js", project.kind.as_str());
    if project.language == Language::TypeScript {
        let check = own(project, "tsc")?.arg("--noEmit");
        // Types become spaces, so that lines and columns stay what they are.
        let strip = Tool::need(project, "node", INSTALL_NODE)?.arg("sdk/tools/strip-types.js");
        for tool in [check, strip] {
            tell(&tool.to_string());
            tool.run()?;
        }
        source = format!("build/js/{source}");
    }
    let out = format!("build/{}.wasm", project.name);
    let tool = own(project, "componentize-qjs")?
        .args(["--wit", "build/wit", "--world", project.kind.as_str()])
        .args(["--js", &source, "--sync", "--stub-wasi", "-o", &out]);
    Ok(Made::utf8(run(&tool, project.component(), tell)?))
}
