//! From a core module to a component.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use super::CompileError;
use super::check::check;
use crate::world;

/// The module name of WASI 0.1 imports, which get a stub: see `wasi_stub.wat`.
pub(super) const PREVIEW1: &str = "wasi_snapshot_preview1";

const STUB: &str = include_str!("../wasi_stub.wat");

/// Makes a component of a core module that carries its `component-type` section.
/// A component is given back as it is.
///
/// # Errors
/// The module is not valid, carries no such section, or lacks what it promises.
pub fn componentize(core: &[u8]) -> Result<Vec<u8>, CompileError> {
    super::check::check_bytes(core, u64::MAX)?;
    Ok(check(core)?.component)
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
