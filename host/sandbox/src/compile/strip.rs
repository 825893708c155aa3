//! Takes out of a module what does not run.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmparser::{Parser, Payload};

use super::CompileError;

/// Where a component is found beside `NAME.wasm` that is the same and can be read: `NAME.debug.wasm`, with the
/// names of its functions and the lines of its source. It counts when it says so itself: see [`is_debug_of`].
#[must_use]
pub fn debug_file_of(file: &Path) -> PathBuf {
    file.with_extension("debug.wasm")
}

/// The section in which a debug component has the SHA-256 of what it is the same as.
const DEBUG_OF: &str = "wasmalert-debug-of";

/// Marks a component as the same as another, but for what helps to read it.
#[must_use]
pub fn debug_of(readable: &[u8], component: &[u8]) -> Vec<u8> {
    [readable, &debug_mark(component)].concat()
}

/// Whether a component was marked as the same as that one.
#[must_use]
pub fn is_debug_of(readable: &[u8], component: &[u8]) -> bool {
    readable.ends_with(&debug_mark(component))
}

/// A custom section; all its lengths are below 128, and so one byte each.
fn debug_mark(component: &[u8]) -> Vec<u8> {
    let digest = Sha256::digest(component);
    let name_bytes = DEBUG_OF.len() as u8;
    let mut section = vec![0, 1 + name_bytes + digest.len() as u8, name_bytes];
    section.extend_from_slice(DEBUG_OF.as_bytes());
    section.extend_from_slice(&digest);
    section
}

/// The module without the names of its functions and the lines of its source. What runs is the same, byte
/// for byte.
///
/// # Errors
/// It is not a core module.
pub fn strip(core: &[u8]) -> Result<Vec<u8>, CompileError> {
    let invalid = |why: String| CompileError::new("invalid_wasm", format!("is not valid WebAssembly: {why}"));
    let mut stripped = Vec::with_capacity(core.len());
    let mut kept = 0;
    for payload in Parser::new(0).parse_all(core) {
        match payload.map_err(|error| invalid(error.to_string()))? {
            Payload::Version { encoding, .. } if encoding != wasmparser::Encoding::Module => {
                return Err(invalid("it is a component".to_owned()));
            }
            Payload::CustomSection(section) if is_debug(section.name()) => {
                let end = section.range().end;
                let start = start_of_section(core, section.range().start);
                stripped.extend_from_slice(&core[kept..start]);
                kept = end;
            }
            _ => {}
        }
    }
    stripped.extend_from_slice(&core[kept..]);
    Ok(stripped)
}

fn is_debug(section: &str) -> bool {
    section == "name" || section == "sourceMappingURL" || section.starts_with(".debug_")
}

/// Where the section begins whose contents start there: at its id, before its length in LEB128.
fn start_of_section(core: &[u8], contents: usize) -> usize {
    // The last byte of the length has its highest bit clear, those before it have it set.
    let mut at = contents - 1;
    while core[at - 1] & 0x80 != 0 {
        at -= 1;
    }
    at - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_and_code_stays() {
        let named =
            wat::parse_str(r#"(module (func $work (export "run") (result i32) i32.const 7))"#).unwrap();
        let stripped = strip(&named).unwrap();
        assert!(stripped.len() < named.len());
        assert!(!stripped.windows(4).any(|bytes| bytes == b"work"));
        wasmparser::Validator::new().validate_all(&stripped).unwrap();
        let again = wat::parse_str(r#"(module (func (export "run") (result i32) i32.const 7))"#).unwrap();
        assert_eq!(stripped, again);
    }

    #[test]
    fn a_debug_component_is_that_of_one_component() {
        let readable = wat::parse_str("(module (func $work))").unwrap();
        let component = strip(&readable).unwrap();
        let marked = debug_of(&readable, &component);
        wasmparser::Validator::new().validate_all(&marked).unwrap();
        assert!(is_debug_of(&marked, &component));
        assert!(!is_debug_of(&marked, &readable));
        assert!(!is_debug_of(&readable, &component));
        assert!(!is_debug_of(&marked[..marked.len() - 1], &component));
    }

    #[test]
    fn long_sections_before_others_go_too() {
        let plain = wat::parse_str("(module (memory 1))").unwrap();
        let mut module = plain.clone();
        for length in [1_usize, 200, 20_000] {
            let name = b".debug_line";
            let mut contents = vec![u8::try_from(name.len()).unwrap()];
            contents.extend_from_slice(name);
            contents.extend(std::iter::repeat_n(0xff, length));
            module.push(0);
            let mut size = contents.len();
            while size >= 0x80 {
                module.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
                size >>= 7;
            }
            module.push(u8::try_from(size).unwrap());
            module.extend_from_slice(&contents);
        }
        assert_eq!(strip(&module).unwrap(), plain);
    }
}
