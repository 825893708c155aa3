//! Makes a component of a core module: `componentize [--world WORLD [--utf16]] IN.wasm OUT.wasm`,
//! with a world for a module that carries none.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use wasmalert_sandbox::World;
use wasmalert_sandbox::compile::{TextEncoding, WORKER_COMMAND, embed_world};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [WORKER_COMMAND] => return wasmalert_sandbox::compile_worker(),
        [from, to] => convert(Path::new(from), Path::new(to), None),
        ["--world", world, from, to] => embed(world, TextEncoding::Utf8, from, to),
        ["--world", world, "--utf16", from, to] => embed(world, TextEncoding::Utf16, from, to),
        _ => Err("usage: componentize [--world WORLD [--utf16]] IN.wasm OUT.wasm".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => complain(&message),
    }
}

fn embed(world: &str, texts: TextEncoding, from: &str, to: &str) -> Result<(), String> {
    let world = World::parse(world).ok_or_else(|| format!("there is no world {world}"))?;
    convert(Path::new(from), Path::new(to), Some((world, texts)))
}

fn convert(from: &Path, to: &Path, world: Option<(World, TextEncoding)>) -> Result<(), String> {
    let mut core = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
    if let Some((world, texts)) = world {
        core = embed_world(&core, world, texts).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    let component =
        wasmalert_sandbox::componentize(&core).map_err(|error| format!("{}: {error}", from.display()))?;
    fs::write(to, component).map_err(|error| format!("{}: {error}", to.display()))
}

#[expect(clippy::print_stderr, reason = "a command-line tool's complaint")]
fn complain(message: &str) -> ExitCode {
    eprintln!("componentize: {message}");
    ExitCode::FAILURE
}
