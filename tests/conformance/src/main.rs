//! Holds a guest to the behaviours: `conformance FILE.wasm [BEHAVIOUR...]`. Puts what was measured of all
//! languages into a document: `conformance --table FOLDER FILE.md`.

use std::process::ExitCode;

use wasmalert_conformance::{BEHAVIOURS, Guest, measure, table};
use wasmalert_sandbox::compile::WORKER_COMMAND;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match &arguments[..] {
        [command] if command == WORKER_COMMAND => return wasmalert_sandbox::compile_worker(),
        [option, folder, file] if option == "--table" => table::write(folder.as_ref(), file.as_ref()),
        [file, behaviours @ ..] => hold(file, behaviours),
        [] => Err("usage: conformance FILE.wasm [BEHAVIOUR...] | --table FOLDER FILE.md".to_owned()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

fn hold(file: &str, wanted: &[String]) -> Result<bool, String> {
    let wasm = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let guest = Guest::load(&exe, &wasm)?;
    let mut all = true;
    for behaviour in &BEHAVIOURS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == behaviour.name) {
            continue;
        }
        let result = (behaviour.check)(&guest);
        all &= result.is_ok();
        say(&match result {
            Ok(()) => format!("ok    {}", behaviour.name),
            Err(why) => format!("FAIL  {}: {why}", behaviour.name),
        });
    }
    say(&match measure(&guest) {
        Ok(measured) => measured.json().to_string(),
        Err(why) => format!("not measured: {why}"),
    });
    Ok(all)
}

#[expect(clippy::print_stdout, reason = "a command-line tool's answer")]
fn say(line: &str) {
    println!("{line}");
}
