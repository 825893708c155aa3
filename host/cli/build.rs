//! Embeds the stock components that were built before, so that one binary is a
//! whole installation. Without any the list is empty and the build goes on.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where `make build` leaves the components, seen from this package.
const COMPONENTS_DIR: &str = "../../target/components";

fn main() -> io::Result<()> {
    let dir = components_dir();
    // Cargo takes a missing path for a changed one and would build anew every time.
    let _ = fs::create_dir_all(&dir);
    println!("cargo::rerun-if-changed={}", dir.display());
    println!("cargo::rerun-if-env-changed=WASMALERT_COMPONENTS_DIR");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("stock.rs"), table(&components(&dir)?))
}

fn components_dir() -> PathBuf {
    if let Some(dir) = env::var_os("WASMALERT_COMPONENTS_DIR") {
        return PathBuf::from(dir);
    }
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    package.join(COMPONENTS_DIR)
}

/// The `.wasm` files of a folder with their stems, sorted. Beside each lies what it says of itself.
fn components(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Ok(Vec::new());
    };
    let mut found: Vec<_> = entries
        .filter_map(|entry| fs::canonicalize(entry.ok()?.path()).ok())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect();
    found.sort();
    for (_, path) in &found {
        let about = path.with_extension("json");
        if !about.is_file() {
            let missing = format!("{} is missing: run `make components`", about.display());
            return Err(io::Error::other(missing));
        }
    }
    Ok(found)
}

fn table(components: &[(String, PathBuf)]) -> String {
    let rows: String = components
        .iter()
        .map(|(name, path)| {
            let (wasm, about) = (path.display().to_string(), path.with_extension("json"));
            let about = about.display().to_string();
            format!(
                "    StockModule {{ name: {name:?}, wasm: include_bytes!({wasm:?}), about: include_str!({about:?}) }},\n"
            )
        })
        .collect();
    format!("&[\n{rows}]\n")
}
