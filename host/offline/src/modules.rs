//! Components: found, compiled and loaded, each once for all suites.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use wasmalert_sandbox::compile::{debug_file_of, is_debug_of};
use wasmalert_sandbox::{
    Artifacts, CompileLimits, Component, Sandbox, SandboxConfig, World, compile_with_lines,
};

use wasmalert_rulefile::problem::read_at_most;

/// Folders that are tried before one can be made.
const TRIES_MAX: u32 = 1_000;

/// The components that rules name.
pub struct Modules {
    exe: PathBuf,
    stock: Vec<(&'static str, &'static [u8])>,
    sandbox: Sandbox,
    artifacts: Artifacts,
    /// Bytes of the file, and what became of them.
    loaded: Vec<(Vec<u8>, Component)>,
    /// Dropped last: the machine code of what is loaded is in it.
    _folder: Folder,
}

/// A component that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    #[error("there is no module {name}: name its file in a `module` document or under `modules`; {known}")]
    Unknown { name: String, known: String },
    #[error("module {name}: {reason}")]
    Unusable { name: String, reason: String },
    #[error("cannot set up the sandbox: {0}")]
    Sandbox(String),
}

impl Modules {
    /// Sets up the sandbox. `exe` is a program whose `compile-worker` compiles;
    /// `stock` are the modules that come with it; `threads` run rules at a time.
    ///
    /// # Errors
    /// There is no folder for compiled code, or no room for the sandbox.
    pub fn new(
        exe: PathBuf,
        stock: Vec<(&'static str, &'static [u8])>,
        threads: u32,
    ) -> Result<Self, ModuleError> {
        let fail = |error: &dyn std::fmt::Display| ModuleError::Sandbox(error.to_string());
        let folder = Folder::new().map_err(|error| fail(&error))?;
        let config = SandboxConfig {
            instances: threads,
            lines: true,
            ..SandboxConfig::default()
        };
        Ok(Self {
            exe,
            stock,
            sandbox: Sandbox::new(&config).map_err(|error| fail(&error))?,
            artifacts: Artifacts::open(&folder.0).map_err(|error| fail(&error))?,
            loaded: Vec::new(),
            _folder: folder,
        })
    }

    /// The component of that name: that of `files`, else the stock module.
    ///
    /// # Errors
    /// There is none, or it is not one that runs.
    pub(crate) fn load(
        &mut self,
        name: &str,
        world: World,
        files: &BTreeMap<String, PathBuf>,
    ) -> Result<Component, ModuleError> {
        let unusable = |reason: String| ModuleError::Unusable {
            name: name.to_owned(),
            reason,
        };
        let limits = CompileLimits::default();
        let wasm = match files.get(name) {
            Some(path) => readable(path, limits.wasm_bytes)
                .map_err(|error| unusable(format!("{}: {error}", path.display())))?,
            None => self.stock(name)?.to_vec(),
        };
        let loaded = self.loaded.iter().find(|(bytes, _)| *bytes == wasm);
        let component = match loaded {
            Some((_, component)) => component.clone(),
            None => {
                let compiled = compile_with_lines(&self.exe, &wasm, &limits);
                let compiled = compiled.map_err(|error| unusable(error.to_string()))?;
                let component = self
                    .store(&compiled.artifact)
                    .map_err(|error| unusable(error.to_string()))?;
                self.loaded.push((wasm, component.clone()));
                component
            }
        };
        match component.world() == world {
            true => Ok(component),
            false => Err(unusable(format!(
                "is a {}, not a {}",
                component.world().as_str(),
                world.as_str()
            ))),
        }
    }

    /// The component of a file.
    ///
    /// # Errors
    /// It is not one that runs, or not of that world.
    pub fn file(&mut self, path: &Path, world: World) -> Result<Component, ModuleError> {
        let name = path.display().to_string();
        let files = BTreeMap::from([(name.clone(), path.to_owned())]);
        self.load(&name, world, &files)
    }

    fn stock(&self, name: &str) -> Result<&'static [u8], ModuleError> {
        let found = self.stock.iter().find(|(stock, _)| *stock == name);
        found.map(|(_, wasm)| *wasm).ok_or_else(|| {
            let names: Vec<&str> = self.stock.iter().map(|(name, _)| *name).collect();
            ModuleError::Unknown {
                name: name.to_owned(),
                known: match &names[..] {
                    [] => "this program was built without stock modules".to_owned(),
                    names => format!("stock modules are {}", names.join(", ")),
                },
            }
        })
    }

    /// Machine code is loaded from the store of artifacts alone.
    fn store(&self, artifact: &[u8]) -> Result<Component, Box<dyn std::error::Error>> {
        let digest = format!("offline-{}", self.loaded.len());
        self.artifacts.put(&self.sandbox, &digest, artifact)?;
        let file = self.artifacts.get(&self.sandbox, &digest)?;
        Ok(self.sandbox.load(file.ok_or("its artifact is gone")?)?)
    }
}

/// The component itself, or the one beside it that is the same and tells functions and lines.
fn readable(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let component = read(path, bytes_max)?;
    Ok(match read(&debug_file_of(path), bytes_max) {
        Ok(debug) if is_debug_of(&debug, &component) => debug,
        // None, that of another build, or one too large: traps tell less then.
        _ => component,
    })
}

fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    read_at_most(fs::File::open(path)?, bytes_max)
}

/// A folder of this process alone, removed at the end.
struct Folder(PathBuf);

impl Folder {
    /// Never one that is there already: what is loaded from it is run.
    fn new() -> io::Result<Self> {
        let mut error = io::Error::from(ErrorKind::AlreadyExists);
        for number in 0..TRIES_MAX {
            let name = format!("wasmalert-test-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(failed) if failed.kind() == ErrorKind::AlreadyExists => error = failed,
                Err(failed) => return Err(failed),
            }
        }
        Err(error)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the system's folder for what may be lost.
        let _ = fs::remove_dir_all(&self.0);
    }
}
