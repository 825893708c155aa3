//! What can go wrong with a command, and what people are told.

use std::fmt::Write as _;
use std::io;

use serde_json::Value;

use crate::text::clean;

/// Entries of `problems` that are printed; the rest is counted.
const PROBLEMS_MAX: usize = 100;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line or a file is wrong.
    #[error("{0}")]
    Usage(String),
    /// Every error of the files given.
    #[error("{}", .0.join("\n"))]
    Documents(Vec<String>),
    /// Every error of the files given, which nothing was to be sent of.
    #[error("{}", .0.join("\n"))]
    Files(Vec<String>),
    /// The server answered with an error.
    #[error("{0}")]
    Problem(Problem),
    /// No answer came.
    #[error("{0}")]
    Request(String),
    /// The command did its work, and told of what failed.
    #[error("{0}")]
    Failed(String),
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Documents(_) | Self::Files(_) => 2,
            Self::Problem(_) | Self::Request(_) | Self::Failed(_) | Self::Output(_) => 1,
        }
    }

    /// The text for people, without a newline at its end.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Documents(errors) => list(errors) + "; nothing was sent",
            Self::Files(errors) => list(errors),
            other => format!("error: {other}"),
        }
    }
}

/// Each error on a line of its own, and how many there are.
fn list(errors: &[String]) -> String {
    let mut list = String::new();
    for error in errors {
        let _ = writeln!(list, "error: {error}");
    }
    let count = errors.len();
    let s = if count == 1 { "" } else { "s" };
    list + &format!("{count} error{s}")
}

/// An answer that says what is wrong, `application/problem+json` where it comes
/// from the server itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) problems: Vec<String>,
}

impl Problem {
    /// Reads the body of a failed answer, whatever it is.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            let detail = format!("the server answered {status}: {}", text.trim());
            return Self {
                status,
                detail,
                ..Self::default()
            };
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let detail = [text("detail"), text("title")]
            .into_iter()
            .find(|text| !text.is_empty());
        let problems = fields.get("problems").and_then(Value::as_array);
        Self {
            status,
            code: text("code").to_owned(),
            detail: detail.map_or_else(|| format!("the server answered {status}"), str::to_owned),
            problems: problems.into_iter().flatten().map(problem_line).collect(),
        }
    }
}

fn problem_line(problem: &Value) -> String {
    problem
        .as_str()
        .map_or_else(|| problem.to_string(), str::to_owned)
}

impl std::fmt::Display for Problem {
    /// `detail (code)`, then each problem on a line of its own.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&clean(&self.detail))?;
        if !self.code.is_empty() {
            write!(f, " ({})", clean(&self.code))?;
        }
        for problem in self.problems.iter().take(PROBLEMS_MAX) {
            write!(f, "\n  - {}", clean(problem))?;
        }
        if self.problems.len() > PROBLEMS_MAX {
            write!(f, "\n  … and {} more", self.problems.len() - PROBLEMS_MAX)?;
        }
        if self.status == 401 {
            f.write_str(
                "\nGive the token with --token or WASMALERT_TOKEN; `wasmalert serve` keeps the one it made \
                 in the file `token` of its data directory.",
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
