//! Projects of components: a rule or a notifier in a language of the author's choice.
//!
//! A *project* is a folder with a `wasmalert.json`. It has the language's own files, so that its own
//! tools and editors work as usual; a copy of the *SDK* of that language, in `sdk/`; and `build/`, where
//! the component is left. The SDKs and *templates* are those of `guest-sdk/` when the program was built, so
//! that what they know of the contract is what the program knows.
//!
//! | Module | What is in it |
//! | --- | --- |
//! | [`language`] | the languages, and what of `guest-sdk/` is theirs |
//! | [`project`] | `wasmalert.json` |
//! | [`template`] | a new project |
//! | [`mod@build`] | from a project to a component, a file for each family of tools |
//! | [`tool`] | a language's own tools: found and run |

pub mod build;
mod embedded;
pub mod language;
pub mod project;
pub mod template;
pub mod tool;

pub use build::{Built, build};
pub use language::Language;
pub use project::Project;
pub use template::{New, new};

use std::path::PathBuf;

use wasmalert_sandbox::CompileError;

/// Why a project cannot be made or built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {reason}", .path.display())]
    File { path: PathBuf, reason: String },
    /// A name that a project may not have, or no project where one should be.
    #[error("{0}")]
    Usage(String),
    #[error("{tool} is not there, and {language} is built with it.\n  {install}")]
    ToolMissing {
        tool: String,
        language: &'static str,
        install: String,
    },
    #[error("{command} failed ({status}); what it said is above")]
    ToolFailed { command: String, status: String },
    #[error("{command} left no {}", .path.display())]
    NothingBuilt { command: String, path: PathBuf },
    #[error("{}: {error}", .path.display())]
    NotAComponent { path: PathBuf, error: CompileError },
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::File {
            path: path.into(),
            reason: reason.to_string(),
        }
    }
}
