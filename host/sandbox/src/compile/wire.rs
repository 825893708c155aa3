//! What server and worker say to each other: a line of JSON, then bytes.
//!
//! To the worker: [`Request`], then the upload until the end of the stream. Back:
//! [`Reply`], then the component and the artifact.

use serde::{Deserialize, Serialize};

use super::{CompileError, CompileLimits, Compiled, Producer};
use crate::model::World;

/// The longest line of JSON, either way.
pub(super) const LINE_BYTES_MAX: u64 = 256 << 10;

#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) memory_bytes: u64,
    pub(super) cpu_seconds: u64,
    pub(super) wasm_bytes: u64,
    pub(super) minimum_memory_bytes: u64,
    /// Whether machine code knows its lines of source.
    pub(super) lines: bool,
}

impl Request {
    pub(super) fn new(limits: &CompileLimits, lines: bool) -> Self {
        Self {
            lines,
            memory_bytes: limits.memory_bytes,
            cpu_seconds: limits.cpu_seconds,
            wasm_bytes: limits.wasm_bytes,
            minimum_memory_bytes: limits.minimum_memory_bytes,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) enum Reply {
    Compiled {
        world: String,
        component_bytes: usize,
        artifact_bytes: usize,
        imports: Vec<String>,
        minimum_memory_bytes: u64,
        warnings: Vec<String>,
        producers: Vec<Producer>,
    },
    Refused {
        code: String,
        message: String,
        problems: Vec<String>,
    },
}

/// The codes a worker may answer with.
const CODES: [&str; 12] = [
    "empty_module",
    "not_wasm",
    "too_large",
    "invalid_wasm",
    "no_component_type",
    "world_unknown",
    "world_mismatch",
    "memory_too_large",
    "too_complex",
    "compile_failed",
    "compile_memory",
    "host_error",
];

/// A reply in bytes.
pub(super) fn reply(result: &Result<Compiled, CompileError>) -> serde_json::Result<Vec<u8>> {
    let (head, bodies) = match result {
        Ok(compiled) => {
            let head = Reply::Compiled {
                world: compiled.world.as_str().to_owned(),
                component_bytes: compiled.component.len(),
                artifact_bytes: compiled.artifact.len(),
                imports: compiled.imports.clone(),
                minimum_memory_bytes: compiled.minimum_memory_bytes,
                warnings: compiled.warnings.clone(),
                producers: compiled.producers.clone(),
            };
            (head, [&compiled.component[..], &compiled.artifact[..]])
        }
        Err(error) => {
            let head = Reply::Refused {
                code: error.code.to_owned(),
                message: error.message.clone(),
                problems: error.problems.clone(),
            };
            (head, [&[][..], &[][..]])
        }
    };
    let mut bytes = serde_json::to_vec(&head)?;
    bytes.push(b'\n');
    bodies.iter().for_each(|body| bytes.extend_from_slice(body));
    Ok(bytes)
}

/// Reads a reply; none when it is not whole.
pub(super) fn parse_reply(bytes: &[u8]) -> Option<Result<Compiled, CompileError>> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let body = &bytes[end + 1..];
    match serde_json::from_slice(&bytes[..end]).ok()? {
        Reply::Compiled {
            world,
            component_bytes,
            artifact_bytes,
            imports,
            minimum_memory_bytes,
            warnings,
            producers,
        } => {
            if body.len() != component_bytes.checked_add(artifact_bytes)? {
                return None;
            }
            let (component, artifact) = body.split_at(component_bytes);
            Some(Ok(Compiled {
                world: World::parse(&world)?,
                component: component.to_vec(),
                artifact: artifact.to_vec(),
                imports,
                minimum_memory_bytes,
                warnings,
                producers,
            }))
        }
        Reply::Refused {
            code,
            message,
            problems,
        } => {
            let code = CODES.into_iter().find(|known| *known == code)?;
            Some(Err(CompileError {
                code,
                message,
                problems,
            }))
        }
    }
}
