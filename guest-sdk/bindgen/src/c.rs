//! Bindings for C, of `wit-bindgen-c`: `c/generated/WORLD/wit.h` and `wit.c`.
//!
//! Both worlds get the same names, so that what works for both is written once.

use std::error::Error;

use wit_bindgen_c::Opts;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::{Resolve, WorldId, WorldKey};

use crate::File;

/// What generated names start with, and what generated files are called.
const PREFIX: &str = "wit";

pub(crate) fn bindings(resolve: &mut Resolve, world: WorldId) -> Result<Vec<File>, Box<dyn Error>> {
    let options = Opts {
        rename: short_names(resolve, world),
        rename_world: Some(PREFIX.to_owned()),
        no_helpers: true,
        // The type of the component is put in when it is built.
        no_object_file: true,
        ..Opts::default()
    };
    let folder = format!("c/generated/{}", resolve.worlds[world].name);
    let mut files = Files::default();
    options.build().generate(resolve, world, &mut files)?;
    let named = files.iter().map(|(name, bytes)| {
        let text = String::from_utf8(bytes.to_vec())?;
        Ok((format!("{folder}/{name}"), text))
    });
    named.collect()
}

/// `wit_INTERFACE` for `wasmalert:rules/INTERFACE@VERSION`.
fn short_names(resolve: &Resolve, world: WorldId) -> Vec<(String, String)> {
    let world = &resolve.worlds[world];
    let keys = world.imports.keys().chain(world.exports.keys());
    let named = keys.filter_map(|key| {
        let WorldKey::Interface(id) = key else { return None };
        let interface = resolve.interfaces[*id].name.as_ref()?;
        Some((resolve.name_world_key(key), format!("{PREFIX}_{interface}")))
    });
    named.collect()
}
