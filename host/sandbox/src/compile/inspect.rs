use super::CompileError;
use crate::model::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleKind {
    Core,
    Component,
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
    /// Why an upload would be refused; empty when it would not.
    pub problems: Vec<String>,
    /// What could be better.
    pub warnings: Vec<String>,
}
