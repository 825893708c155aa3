//! What a file is, for its author.

use super::check::{check, check_bytes};
use super::{CompileError, Producer};
use crate::model::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleKind {
    /// A core module that carries its `component-type` section.
    Core,
    Component,
}

impl ModuleKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core module",
            Self::Component => "component",
        }
    }
}

/// What a file is, for its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    pub kind: ModuleKind,
    /// None when it exports what neither world does.
    pub world: Option<World>,
    /// Sorted names.
    pub imports: Vec<String>,
    /// Sorted names.
    pub exports: Vec<String>,
    pub wasm_bytes: u64,
    /// Size once it is a component.
    pub component_bytes: u64,
    pub functions: u64,
    pub code_bytes: u64,
    /// Minimum size of its memories, together.
    pub minimum_memory_bytes: u64,
    /// Whether it imports WASI 0.1, and so gets the stub.
    pub wasi_stub: bool,
    /// What it says it was made with.
    pub producers: Vec<Producer>,
    /// Why an upload would be refused; empty when it would not.
    pub problems: Vec<String>,
    /// What could be better.
    pub warnings: Vec<String>,
}

/// Looks at a file without compiling it. In this process: for files that the
/// caller trusts, such as an author's own.
///
/// # Errors
/// It is not WebAssembly, not valid, too complex, or cannot become a component.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, CompileError> {
    check_bytes(wasm, u64::MAX)?;
    let checked = check(wasm)?;
    let problems = match checked.accept() {
        Ok(_) => Vec::new(),
        Err(error) if checked.problems.is_empty() => vec![error.message],
        Err(error) => error.problems,
    };
    Ok(Inspection {
        kind: checked.kind,
        world: checked.world,
        imports: checked.imports,
        exports: checked.exports,
        wasm_bytes: wasm.len() as u64,
        component_bytes: checked.component.len() as u64,
        functions: checked.census.functions,
        code_bytes: checked.census.code_bytes,
        minimum_memory_bytes: checked.census.minimum_memory_bytes,
        wasi_stub: checked.kind == ModuleKind::Core && checked.census.imports_preview1,
        producers: checked.census.producers.list(),
        problems,
        warnings: checked.warnings,
    })
}
