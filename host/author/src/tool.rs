//! The tools of a language: found, and run.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Error, Project};

/// A program with its first arguments, its own settings, and where it is run.
#[derive(Debug, Clone)]
pub struct Tool {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    dir: PathBuf,
}

impl Tool {
    /// A tool of a project: what `npm` and `venv` have put into the project itself, else what is on the `PATH`.
    #[must_use]
    pub fn find(project: &Project, name: &str) -> Option<Self> {
        let dir = absolute(&project.dir);
        let own = ["node_modules/.bin", ".venv/bin"].map(|folder| dir.join(folder));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = own.into_iter().chain(std::env::split_paths(&path));
        let program = folders.find_map(|folder| Some(folder.join(name)).filter(|file| is_program(file)))?;
        Some(Self {
            program,
            args: Vec::new(),
            env: Vec::new(),
            dir,
        })
    }

    /// The same, or the error that says how to install it.
    ///
    /// # Errors
    /// It is not there.
    pub fn need(project: &Project, name: &str, install: &str) -> Result<Self, Error> {
        Self::find(project, name).ok_or_else(|| missing(project, name, install))
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Runs it to its end, its output that of this process' standard error.
    ///
    /// # Errors
    /// It cannot be started, or fails.
    pub fn run(&self) -> Result<(), Error> {
        let failed = |status: String| Error::ToolFailed {
            command: self.to_string(),
            status,
        };
        let status = self
            .command()
            .stdout(io::stderr())
            .status()
            .map_err(|error| failed(error.to_string()))?;
        match status.success() {
            true => Ok(()),
            false => Err(failed(status.to_string())),
        }
    }

    /// What it says on standard output, where it succeeds.
    #[must_use]
    pub fn answer(&self) -> Option<String> {
        let output = self.command().stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (*name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null());
        command
    }
}

impl fmt::Display for Tool {
    /// As one would type it in the project's folder.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", value.display())?;
        }
        let program = self.program.strip_prefix(&self.dir);
        let shown = match program {
            Ok(within) => within.as_os_str(),
            Err(_) => self.program.file_name().unwrap_or_default(),
        };
        write!(f, "{}", shown.display())?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

pub(crate) fn missing(project: &Project, name: &str, install: &str) -> Error {
    Error::ToolMissing {
        tool: name.to_owned(),
        language: project.language.title(),
        install: install.to_owned(),
    }
}

fn quoted(arg: &OsStr) -> String {
    let arg = arg.to_string_lossy();
    match arg.contains([' ', '"', '\'', '*', '$', '[']) {
        true => format!("'{arg}'"),
        false => arg.into_owned(),
    }
}

fn absolute(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use wasmalert_sandbox::World;

    use super::*;
    use crate::Language;

    #[test]
    fn a_projects_own_tools_come_first_and_failures_are_told() {
        let dir = std::env::temp_dir().join(format!("wasmalert-author-tool-{}", std::process::id()));
        let folder = dir.join("node_modules/.bin");
        std::fs::create_dir_all(&folder).unwrap();
        let project = Project {
            dir: dir.clone(),
            name: "a".to_owned(),
            language: Language::AssemblyScript,
            kind: World::Rule,
        };
        assert!(Tool::find(&project, "no-such-tool").is_none());
        let of_system = Tool::find(&project, "sh").unwrap();
        let file = folder.join("sh");
        std::fs::write(&file, "#!/bin/sh\npwd; exit $1").unwrap();
        let not_a_program = Tool::find(&project, "sh").unwrap();
        assert_eq!(not_a_program.program, of_system.program);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let own = Tool::find(&project, "sh").unwrap();
        assert_eq!(own.to_string(), "node_modules/.bin/sh");
        let told = own.clone().arg("0").answer().map(PathBuf::from);
        assert_eq!(
            told.and_then(|path| path.canonicalize().ok()),
            dir.canonicalize().ok()
        );
        let error = own.arg("3").run().unwrap_err().to_string();
        assert!(
            error.starts_with("node_modules/.bin/sh 3 failed (exit status: 3)"),
            "{error}"
        );
        let missing = Tool::need(&project, "asc", "Run: npm install")
            .unwrap_err()
            .to_string();
        assert!(
            missing.contains("AssemblyScript") && missing.contains("npm install"),
            "{missing}"
        );
        std::fs::remove_dir_all(dir).unwrap();
    }
}
