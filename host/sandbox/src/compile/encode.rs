//! From a core module to a component.

use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::CompileError;
use super::check::{check, check_bytes};
use crate::model::World;
use crate::world;

/// Where a core module has the world that it is of.
pub(super) const WORLD_SECTION: &str = "component-type";
/// Version and layer that follow the first four bytes of a component.
const COMPONENT_VERSION: [u8; 4] = [0x0d, 0, 1, 0];
/// The module name of WASI 0.1 imports, which get a stub: see `wasi_stub.wat`.
pub(super) const PREVIEW1: &str = "wasi_snapshot_preview1";

const STUB: &str = include_str!("../wasi_stub.wat");

/// Makes a component of a core module that carries its `component-type` section.
/// A component is given back as it is.
///
/// # Errors
/// The module is not valid, carries no such section, or lacks what it promises.
pub fn componentize(core: &[u8]) -> Result<Vec<u8>, CompileError> {
    check_bytes(core, u64::MAX)?;
    Ok(check(core)?.component)
}

/// How a core module has its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    Utf8,
    Utf16,
}

/// Whether it is a component already, by its first bytes.
#[must_use]
pub fn is_component(wasm: &[u8]) -> bool {
    wasm.get(4..8) == Some(&COMPONENT_VERSION)
}

/// Whether a core module carries the world that it is of.
#[must_use]
pub fn carries_world(core: &[u8]) -> bool {
    Parser::new(0).parse_all(core).any(|payload| {
        matches!(payload, Ok(Payload::CustomSection(section)) if section.name().starts_with(WORLD_SECTION))
    })
}

/// Puts a world into a core module that was built without: the `component-type` section that
/// bindings of most languages bring along.
///
/// # Errors
/// It is not a core module.
pub fn embed_world(core: &[u8], world: World, texts: TextEncoding) -> Result<Vec<u8>, CompileError> {
    check_bytes(core, u64::MAX)?;
    let (resolve, id) = world::contract_of(world)
        .map_err(|error| CompileError::new("host_error", format!("the contract cannot be read: {error}")))?;
    let texts = match texts {
        TextEncoding::Utf8 => StringEncoding::UTF8,
        TextEncoding::Utf16 => StringEncoding::UTF16,
    };
    let mut module = core.to_vec();
    embed_component_metadata(&mut module, &resolve, id, texts)
        .map_err(|error| CompileError::new("invalid_wasm", format!("is not a core module: {error:#}")))?;
    Ok(module)
}

pub(super) fn encode(core: &[u8], with_stub: bool) -> Result<Vec<u8>, CompileError> {
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(core)
        .map_err(|e| refused(&e))?;
    if with_stub {
        let stub = stub()
            .map_err(|error| CompileError::new("host_error", format!("the WASI stub is broken: {error}")))?;
        encoder = encoder.adapter(PREVIEW1, &stub).map_err(|e| refused(&e))?;
    }
    encoder.encode().map_err(|e| refused(&e))
}

/// The stub as a module that carries the type of what it asks of the host.
fn stub() -> Result<Vec<u8>, String> {
    let mut stub = wat::parse_str(STUB).map_err(|error| error.to_string())?;
    let (resolve, world) = world::stub()?;
    embed_component_metadata(&mut stub, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| format!("{error:#}"))?;
    Ok(stub)
}

/// The module is valid, so what is wrong is how it fits its world.
fn refused(error: &impl std::fmt::Display) -> CompileError {
    let what = format!("{error:#}");
    let message = format!("does not make a component: {what}");
    CompileError::with_problems("world_mismatch", message, vec![what])
}
