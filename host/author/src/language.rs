//! The languages that components are written in.

/// A language with an SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    TypeScript,
    JavaScript,
    Python,
    Go,
    C,
    Cpp,
    Zig,
    AssemblyScript,
}

impl Language {
    pub const ALL: [Self; 9] = [
        Self::Rust,
        Self::TypeScript,
        Self::JavaScript,
        Self::Python,
        Self::Go,
        Self::C,
        Self::Cpp,
        Self::Zig,
        Self::AssemblyScript,
    ];

    /// Its name in `wasmalert.json`, on the command line, and as a folder of `guest-sdk/`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::TypeScript => "typescript",
            Self::JavaScript => "javascript",
            Self::Python => "python",
            Self::Go => "go",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Zig => "zig",
            Self::AssemblyScript => "assemblyscript",
        }
    }

    /// Its name, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::TypeScript => "TypeScript",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::C => "C",
            Self::Cpp => "C++",
            Self::Zig => "Zig",
            Self::AssemblyScript => "AssemblyScript",
        }
    }

    /// The language of an id.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.id() == id)
    }

    /// What is typed once in a new project so that its tools are there; none where they are the system's.
    #[must_use]
    pub fn install(self) -> Option<&'static str> {
        match self {
            Self::TypeScript | Self::JavaScript | Self::AssemblyScript => Some("npm install"),
            Self::Python => Some("python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"),
            Self::Rust | Self::Go | Self::C | Self::Cpp | Self::Zig => None,
        }
    }

    /// What of this repository a project has of it, and where.
    pub(crate) fn sdk(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rust => &[
                ("guest-sdk/rust", "sdk/guest-sdk/rust"),
                ("host/core", "sdk/host/core"),
                ("wit", "sdk/wit"),
            ],
            Self::TypeScript | Self::JavaScript => &[("guest-sdk/javascript", "sdk")],
            Self::Python => &[("guest-sdk/python", "sdk")],
            Self::Go => &[("guest-sdk/go", "sdk")],
            Self::C => &[("guest-sdk/c", "sdk/c")],
            Self::Cpp => &[("guest-sdk/c", "sdk/c"), ("guest-sdk/cpp", "sdk/cpp")],
            Self::Zig => &[("guest-sdk/zig", "sdk/zig")],
            Self::AssemblyScript => &[("guest-sdk/assemblyscript", "sdk")],
        }
    }
}
