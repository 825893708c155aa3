//! Folders and files around the tests.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The folder of the root Cargo.toml.
pub(crate) fn workspace_root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The folder into which cargo put this build's binaries: the test itself lies
/// in its `deps`.
pub(crate) fn release_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let dir = test.parent().and_then(Path::parent);
    dir.expect("a test lies in PROFILE/deps").to_owned()
}

/// The bytes of a hostile guest.
///
/// # Panics
/// When the guests have not been built.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let path = workspace_root()
        .join("target/guests")
        .join(name)
        .with_extension("wasm");
    fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; build the guests with `make hostile`", path.display()))
}

/// The bytes of a stock component.
///
/// # Panics
/// When the components have not been built.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let path = workspace_root()
        .join("target/components")
        .join(name)
        .with_extension("wasm");
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; build them with `make components`", path.display()))
}

/// A stock component that tells another config schema, no longer than its own.
///
/// # Panics
/// When the schema is too long, or the component does not hold its own as it is.
pub(crate) fn with_schema(name: &str, schema: &str) -> Vec<u8> {
    let path = workspace_root()
        .join("rules-wasm")
        .join(name)
        .join("config.schema.json");
    let own = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let padded = format!("{schema:own$}", own = own.len()).into_bytes();
    assert_eq!(
        padded.len(),
        own.len(),
        "the schema is longer than the component's own"
    );
    let mut wasm = component(name);
    let at = wasm.windows(own.len()).position(|window| window == own);
    let at = at.expect("the component holds its schema in one piece");
    wasm[at..at + own.len()].copy_from_slice(&padded);
    wasm
}

/// A folder that is removed when dropped, unless the test failed.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let unique = format!("wasmalert-test-{}-{count}-{name}", std::process::id());
            let path = std::env::temp_dir().join(unique);
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Kept for a look by an earlier process of the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("the temporary folder is writable: {error}"),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("the temporary folder is writable");
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
