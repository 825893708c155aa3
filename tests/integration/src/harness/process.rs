//! Child processes that never outlive the test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Lines of the log that a failing test shows.
const LOG_LINES_SHOWN: usize = 60;

/// A running program whose output goes to a file.
///
/// Dropping it kills it. Should the test itself be killed, the kernel does
/// (`setpriv --pdeathsig`), so start it from the test's own thread.
pub(crate) struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with its log at `dir/name.log`, appended to.
    pub(crate) fn start(
        name: &str,
        dir: &Path,
        program: &Path,
        args: &[String],
        environment: &[(&str, String)],
    ) -> Self {
        let log = dir.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log);
        let output = output.expect("the log's folder is writable");
        let errors = output.try_clone().expect("a file can be opened twice");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(args)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn();
        let child = child.unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
        Self {
            child,
            name: name.into(),
            log,
        }
    }

    /// The process, which is the program itself: `setpriv` has become it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// # Panics
    /// When the process has ended by itself.
    pub(crate) fn assert_alive(&mut self) {
        let ended = self.child.try_wait().expect("a child can be asked");
        if let Some(status) = ended {
            panic!("{} has ended: {status}", self.name);
        }
    }

    /// Asks it to end, as `kill` does, and waits until it has.
    pub(crate) fn stop(&mut self) {
        let asked = Command::new("kill").arg(self.id().to_string()).status();
        assert!(
            asked.is_ok_and(|status| status.success()),
            "{} is gone",
            self.name
        );
        let ended = self.child.wait().expect("a child can be waited for");
        assert!(ended.success(), "{} ended with {ended}", self.name);
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
            eprintln!("--- {}, last lines ---\n{}", self.name, shown.join("\n"));
        }
    }
}
