//! Python, with componentize-py.

use super::{Made, Tell, own, run};
use crate::{Error, Project};

pub(super) fn make(project: &Project, tell: Tell<'_>) -> Result<Made, Error> {
    let out = format!("build/{}.wasm", project.name);
    let kind = project.kind.as_str();
    let mut tool = own(project, "componentize-py")?
        .args(["-q", "-d", "build/wit", "-w", kind, "componentize", "--stub-wasi"])
        .args(["-p", ".", "-p", "sdk/src", "-o", &out])
        .arg(format!("wasmalert.component.{kind}"));
    // Without it, the packages of some other Python would be put into the component.
    let own = project.dir.join(".venv");
    if let Ok(own) = std::path::absolute(own)
        && own.is_dir()
    {
        tool = tool.env("VIRTUAL_ENV", own);
    }
    Ok(Made::utf8(run(&tool, project.component(), tell)?))
}
