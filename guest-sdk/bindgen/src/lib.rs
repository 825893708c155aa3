//! Makes the bindings of the SDKs for C and Zig, the types of JavaScript's, and the reference of the contract, out of `wit/`; they are committed,
//! so that no author needs this crate. A test holds the committed files to what
//! comes out here.

mod c;
mod reference;
mod typescript;
mod zig;

use std::error::Error;
use std::path::Path;

use wit_bindgen_core::wit_parser::{Resolve, WorldId};

/// A file by its path from `guest-sdk/`, with its text.
pub type File = (String, String);

/// The worlds of the contract.
const WORLDS: [&str; 2] = ["rule", "notifier"];

/// Makes all files out of the folder of the contract.
///
/// # Errors
/// The contract does not parse, or has something that bindings are not made for.
pub fn bindings(wit: &Path) -> Result<Vec<File>, Box<dyn Error>> {
    let mut files = Vec::new();
    for world in WORLDS {
        let (mut resolve, id) = parse(wit, world)?;
        files.extend(c::bindings(&mut resolve, id)?);
    }
    let (resolve, id) = parse(wit, WORLDS[0])?;
    let package = resolve.worlds[id].package.ok_or("a world of no package")?;
    files.push(zig::bindings(&resolve, package)?);
    files.push(typescript::bindings(&resolve, id)?);
    files.push(reference::reference(&resolve, package));
    Ok(files)
}

fn parse(wit: &Path, world: &str) -> Result<(Resolve, WorldId), Box<dyn Error>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let id = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, id))
}
