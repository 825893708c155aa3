//! Whether an upload is something to compile.

use wasmparser::{Encoding, Operator, Parser, Payload};
use wit_parser::decoding::{DecodedWasm, decode};

use super::encode::{PREVIEW1, WORLD_SECTION, encode};
use super::producers::Producers;
use super::{CompileError, ModuleKind};
use crate::engine::MEMORIES_PER_COMPONENT_MAX;
use crate::model::World;
use crate::world::{self, STUB_HOST, Side};

/// What a component may have, all its modules together. Python's have 40,000
/// functions in 18 MB.
const FUNCTIONS_MAX: u64 = 65_536;
const TYPES_MAX: u64 = 65_536;
const MODULES_MAX: u64 = 256;
const CODE_BYTES_MAX: u64 = 24 << 20;
/// What one function may have.
const FUNCTION_BYTES_MAX: u64 = 1 << 20;
const BLOCK_DEPTH_MAX: u64 = 4_096;
/// Components within components, and how deep. What the tools for JavaScript make
/// has about 20, 3 deep.
const COMPONENTS_MAX: u64 = 64;
const COMPONENT_DEPTH_MAX: u64 = 8;
/// More than this is worth a warning.
const MINIMUM_MEMORY_BYTES_GOOD: u64 = 1 << 20;

const MAGIC: &[u8] = b"\0asm";

/// What an upload came to.
pub(super) struct Checked {
    pub(super) kind: ModuleKind,
    pub(super) component: Vec<u8>,
    pub(super) world: Option<World>,
    /// Why it is not of its world.
    pub(super) problems: Vec<String>,
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
    pub(super) census: Census,
    pub(super) warnings: Vec<String>,
}

impl Checked {
    /// The world, where nothing is wrong.
    pub(super) fn accept(&self) -> Result<World, CompileError> {
        let Some(world) = self.world else {
            let [rule, notifier] = World::ALL.map(world::export_of);
            let message = format!("exports neither `{rule}` (a rule) nor `{notifier}` (a notifier)");
            let problems = self
                .exports
                .iter()
                .map(|export| format!("exports `{export}`"))
                .collect();
            return Err(CompileError::with_problems("world_unknown", message, problems));
        };
        if self.problems.is_empty() {
            return Ok(world);
        }
        let message = format!(
            "is not of the world `{}`: {}",
            world.as_str(),
            self.problems.join("; ")
        );
        let problems = self.problems.clone();
        Err(CompileError::with_problems("world_mismatch", message, problems))
    }
}

/// Sizes, all modules together.
#[derive(Default)]
pub(super) struct Census {
    pub(super) functions: u64,
    pub(super) code_bytes: u64,
    pub(super) minimum_memory_bytes: u64,
    pub(super) producers: Producers,
    types: u64,
    memories: u64,
    modules: u64,
    is_component: bool,
    has_component_type: bool,
    pub(super) imports_preview1: bool,
    imports_stub_host: bool,
}

/// Checks what can be told without parsing.
pub(super) fn check_bytes(wasm: &[u8], bytes_max: u64) -> Result<(), CompileError> {
    if wasm.is_empty() {
        return Err(CompileError::new("empty_module", "the upload is empty"));
    }
    if wasm.len() as u64 > bytes_max {
        let message = format!("has {} bytes: at most {bytes_max} are allowed", wasm.len());
        return Err(CompileError::new("too_large", message));
    }
    if !wasm.starts_with(MAGIC) {
        let message = "is not WebAssembly: a .wasm file starts with the bytes 00 61 73 6d";
        return Err(CompileError::new("not_wasm", message));
    }
    Ok(())
}

/// Parses an upload, makes a component of it, and holds it against the contract.
pub(super) fn check(wasm: &[u8]) -> Result<Checked, CompileError> {
    let census = count(wasm)?;
    let mut validator = wasmparser::Validator::new();
    validator.validate_all(wasm).map_err(|error| invalid(&error))?;
    let (kind, component) = if census.is_component {
        (ModuleKind::Component, wasm.to_vec())
    } else if census.has_component_type {
        (ModuleKind::Core, encode(wasm, census.imports_preview1)?)
    } else {
        let message = "is a core module without a `component-type` section: build it with bindings that \
                       `wit-bindgen` made from the contract, or make a component of it";
        return Err(CompileError::new("no_component_type", message));
    };
    let mut checked = Checked {
        kind,
        world: None,
        problems: Vec::new(),
        imports: Vec::new(),
        exports: Vec::new(),
        warnings: warnings(&census),
        census,
        component,
    };
    compare(&mut checked)?;
    Ok(checked)
}

fn compare(checked: &mut Checked) -> Result<(), CompileError> {
    let decoded = read(&checked.component)
        .map_err(|why| CompileError::new("invalid_wasm", format!("cannot be read: {why}")))?;
    let DecodedWasm::Component(resolve, world) = &decoded else {
        return Ok(());
    };
    let found = Side {
        resolve,
        world: *world,
    };
    let names = |items: Vec<(String, &wit_parser::WorldItem)>| {
        let mut names: Vec<String> = items.into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    };
    checked.imports = names(found.imports());
    checked.exports = names(found.exports());
    checked.world = world::of(|export| checked.exports.iter().any(|name| name == export));
    let Some(of) = checked.world else { return Ok(()) };
    let (contract, expected) = world::contract_of(of)
        .map_err(|error| CompileError::new("host_error", format!("the contract cannot be read: {error}")))?;
    let expected = Side {
        resolve: &contract,
        world: expected,
    };
    // The stub's own import, unless the upload brought it along.
    let with_stub = checked.kind == ModuleKind::Core && checked.census.imports_preview1;
    let hidden = (with_stub && !checked.census.imports_stub_host).then_some(STUB_HOST);
    checked.imports.retain(|import| Some(import.as_str()) != hidden);
    checked.problems = world::problems(expected, found, hidden);
    Ok(())
}

/// Reads the types of a component. Of some that are valid, such as those that export the type
/// of an instance, the reader panics, which says no more than that no world has them.
fn read(component: &[u8]) -> Result<DecodedWasm, String> {
    match std::panic::catch_unwind(|| decode(component)) {
        Ok(decoded) => decoded.map_err(|error| format!("{error:#}")),
        Err(_) => Err("it has types that no world of the contract has".to_owned()),
    }
}

fn warnings(census: &Census) -> Vec<String> {
    let mut warnings = Vec::new();
    if census.minimum_memory_bytes > MINIMUM_MEMORY_BYTES_GOOD {
        warnings.push(format!(
            "its minimum memory is {} KiB, which slows every run down: where the language allows, link with \
             `-zstack-size=65536`",
            census.minimum_memory_bytes >> 10
        ));
    }
    warnings
}

fn invalid(error: &wasmparser::BinaryReaderError) -> CompileError {
    CompileError::new("invalid_wasm", format!("is not valid WebAssembly: {error}"))
}

/// Counts what there is, and stops at the first bound.
fn count(wasm: &[u8]) -> Result<Census, CompileError> {
    let mut census = Census::default();
    let (mut depth, mut components) = (0_u64, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|error| invalid(&error))?;
        match &payload {
            Payload::Version { encoding, range, .. } => {
                let component = *encoding == Encoding::Component;
                census.modules += u64::from(!component);
                census.is_component |= component && range.start == 0;
            }
            Payload::ComponentSection { .. } => {
                depth += 1;
                components += 1;
            }
            Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => census.section(&payload).map_err(|error| invalid(&error))?,
        }
        if let Payload::CodeSectionEntry(body) = &payload {
            census.code_bytes += body.range().len() as u64;
            bound(
                "bytes in one function",
                body.range().len() as u64,
                FUNCTION_BYTES_MAX,
            )?;
            bound(
                "nested blocks",
                block_depth(body).map_err(|error| invalid(&error))?,
                BLOCK_DEPTH_MAX,
            )?;
        }
        bound("functions", census.functions, FUNCTIONS_MAX)?;
        bound("types", census.types, TYPES_MAX)?;
        bound("memories", census.memories, u64::from(MEMORIES_PER_COMPONENT_MAX))?;
        bound("core modules", census.modules, MODULES_MAX)?;
        bound("bytes of code", census.code_bytes, CODE_BYTES_MAX)?;
        bound("components", components, COMPONENTS_MAX)?;
        bound("components within components", depth, COMPONENT_DEPTH_MAX)?;
    }
    Ok(census)
}

impl Census {
    fn section(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(types) => self.types += u64::from(types.count()),
            Payload::ComponentTypeSection(types) => self.types += u64::from(types.count()),
            Payload::FunctionSection(functions) => self.functions += u64::from(functions.count()),
            Payload::MemorySection(memories) => {
                self.memories += u64::from(memories.count());
                for memory in memories.clone() {
                    let memory = memory?;
                    let page_bytes = 1_u64
                        .checked_shl(memory.page_size_log2.unwrap_or(16))
                        .unwrap_or(u64::MAX);
                    let bytes = memory.initial.saturating_mul(page_bytes);
                    self.minimum_memory_bytes = self.minimum_memory_bytes.saturating_add(bytes);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    let module = import?.module;
                    self.imports_preview1 |= module == PREVIEW1;
                    self.imports_stub_host |= module == STUB_HOST;
                }
            }
            Payload::CustomSection(section) => {
                self.has_component_type |= section.name().starts_with(WORLD_SECTION);
                self.producers.read(section);
            }
            _ => {}
        }
        Ok(())
    }
}

fn block_depth(body: &wasmparser::FunctionBody<'_>) -> wasmparser::Result<u64> {
    let (mut depth, mut deepest) = (0_u64, 0);
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        match operators.read()? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Operator::End => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(deepest)
}

fn bound(what: &str, found: u64, allowed: u64) -> Result<(), CompileError> {
    if found <= allowed {
        return Ok(());
    }
    let message = format!("has {found} {what}: at most {allowed} are allowed");
    Err(CompileError::new("too_complex", message))
}
