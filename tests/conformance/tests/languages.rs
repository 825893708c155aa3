//! Every language, from `wasmalert new` to green tests, with its own tools.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use common::{path, program, root, tools};
use serde_json::{Value, json};
use wasmalert_author::Language;
use wasmalert_conformance::{BEHAVIOURS, Guest, measure};

mod common;
mod sdks;

/// The name that the guests give as their own.
const NAME: &str = "conformance";
/// What tools keep from one build to the next, in a project.
const CACHES: [&str; 2] = ["target", ".zig-cache"];

macro_rules! languages {
    ($($test:ident: $language:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                conform(Language::$language);
            }
        )*

        #[test]
        fn every_language_is_here() {
            assert_eq!([$(Language::$language),*], Language::ALL);
        }
    };
}

languages! {
    rust: Rust,
    typescript: TypeScript,
    javascript: JavaScript,
    python: Python,
    go: Go,
    c: C,
    cpp: Cpp,
    zig: Zig,
    assemblyscript: AssemblyScript,
}

#[expect(clippy::disallowed_methods, reason = "measures how long authors wait")]
fn conform(language: Language) {
    let work = root().join("target/conformance").join(language.id());
    let notifier = Project::new(&work.join("notifier"), language, "notifier");
    notifier.build_and_test("notifier_test.yml");
    notifier.replace(&root().join("guest-sdk").join(language.id()).join("examples/ntfy"));
    notifier.add("ntfy_test.yml");
    notifier.build_and_test("ntfy_test.yml");

    let started = Instant::now();
    let rule = Project::new(&work.join("rule"), language, "rule");
    rule.build_and_test("rules_test.yml");
    let seconds = started.elapsed().as_secs_f64();
    if language == Language::C {
        rule.run(&["dev", "--once"]); // the same for all, and quick here
    }
    rule.replace(
        &root()
            .join("guest-sdk")
            .join(language.id())
            .join("examples/spread"),
    );
    rule.add("spread.yml");
    rule.add("spread_test.yml");
    rule.build_and_test("spread_test.yml");

    rule.replace(&root().join("tests/conformance/guests").join(language.id()));
    rule.run(&["build"]);
    rule.add("exception.yml");
    rule.add("exception_test.yml");
    let told = rule.fail(&["test", "exception_test.yml"]);
    let place = format!("{}:", source(language));
    assert!(
        told.contains("boom") && told.contains(&place),
        "{place} is not in {told}"
    );

    let wasm = fs::read(rule.dir.join(format!("build/{NAME}.wasm"))).unwrap();
    let guest = Guest::load(Path::new(env!("CARGO_BIN_EXE_conformance")), &wasm).unwrap();
    let wrong: Vec<String> = BEHAVIOURS
        .iter()
        .filter_map(|behaviour| {
            Some(format!(
                "{}: {}",
                behaviour.name,
                (behaviour.check)(&guest).err()?
            ))
        })
        .collect();
    assert!(wrong.is_empty(), "{}:\n{}", language.title(), wrong.join("\n"));
    let mut row = measure(&guest).unwrap().json();
    row["language"] = json!(language.title());
    row["behaviours"] = json!(BEHAVIOURS.len() - wrong.len());
    row["seconds_to_green"] = json!(seconds);
    fs::write(work.join("measured.json"), row.to_string()).unwrap();
}

/// The file that authors write their rule in.
fn source(language: Language) -> &'static str {
    match language {
        Language::Rust => "src/lib.rs",
        Language::TypeScript => "rule.ts",
        Language::JavaScript => "rule.js",
        Language::Python => "rule.py",
        Language::Go => "rule.go",
        Language::C => "src/rule.c",
        Language::Cpp => "src/rule.cpp",
        Language::Zig => "src/rule.zig",
        Language::AssemblyScript => "assembly/rule.ts",
    }
}

/// What the tests install is what authors are told to install.
#[test]
fn the_tools_are_those_of_the_templates() {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let mut told = String::new();
    for builder in ["go", "zig"] {
        told += &read(&root().join(format!("host/author/src/build/{builder}.rs")));
    }
    let mut of_templates = BTreeSet::new();
    for language in Language::ALL {
        for kind in ["rule", "notifier"] {
            let template = root().join(format!("guest-sdk/{}/template/{kind}", language.id()));
            told += &read(&template.join("requirements.txt"));
            of_templates.extend(npm_tools(&read(&template.join("package.json"))));
        }
    }
    let pins = root().join("tests/conformance/tools");
    assert_eq!(npm_tools(&read(&pins.join("package.json"))), of_templates);
    let requirements = read(&pins.join("requirements.txt"));
    let python: Vec<_> = requirements.lines().filter(|line| line.contains("==")).collect();
    assert_eq!(python.len(), 3, "{requirements}");
    for pin in python {
        assert!(told.contains(pin), "no template and no builder names {pin}");
        let (name, _) = pin.split_once("==").unwrap();
        let all = told.matches(&format!("{name}==")).count();
        assert_eq!(told.matches(pin).count(), all, "{name} in two versions");
    }
}

/// Names and versions of a `package.json`; none of a file that is not there.
fn npm_tools(text: &str) -> BTreeSet<(String, String)> {
    let package: Value = serde_json::from_str(text).unwrap_or_default();
    let tools = package["devDependencies"].as_object().into_iter().flatten();
    tools
        .map(|(name, version)| (name.clone(), version.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// A project that `wasmalert new` has made.
struct Project {
    dir: PathBuf,
}

impl Project {
    fn new(parent: &Path, language: Language, kind: &str) -> Self {
        let dir = parent.join(NAME);
        let kept = parent.join("kept");
        let _ = fs::remove_dir_all(&kept);
        fs::create_dir_all(&kept).unwrap();
        for cache in CACHES {
            let _ = fs::rename(dir.join(cache), kept.join(cache)); // none the first time
        }
        let _ = fs::remove_dir_all(&dir);
        let project = Self { dir };
        let dir = project.dir.to_str().unwrap();
        project.run_in(parent, &["new", dir, "--lang", language.id(), "--kind", kind]);
        for cache in CACHES {
            let _ = fs::rename(kept.join(cache), project.dir.join(cache));
        }
        if project.dir.join("package.json").is_file() {
            // What `npm install` would bring, installed once for all.
            let to = project.dir.join("node_modules");
            std::os::unix::fs::symlink(tools().join("node_modules"), to).unwrap();
        }
        project
    }

    /// Puts other sources over those of the template.
    fn replace(&self, with: &Path) {
        assert!(with.is_dir(), "there is no {}", with.display());
        copy(with, &self.dir);
    }

    fn add(&self, file: &str) {
        let from = root().join("tests/conformance/examples").join(file);
        fs::copy(from, self.dir.join(file)).unwrap();
    }

    fn build_and_test(&self, test: &str) {
        self.run(&["build"]);
        self.run(&["test", test]);
    }

    fn run(&self, args: &[&str]) {
        self.run_in(&self.dir, args);
    }

    fn run_in(&self, dir: &Path, args: &[&str]) {
        let (succeeded, said) = wasmalert(dir, args);
        assert!(
            succeeded,
            "wasmalert {} in {}:\n{said}",
            args.join(" "),
            dir.display()
        );
    }

    /// What a command says that is to fail.
    fn fail(&self, args: &[&str]) -> String {
        let (succeeded, said) = wasmalert(&self.dir, args);
        assert!(!succeeded, "wasmalert {} did not fail:\n{said}", args.join(" "));
        said
    }
}

/// Whether a command succeeded, and what it said.
fn wasmalert(dir: &Path, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(program());
    let output = command
        .args(args)
        .current_dir(dir)
        .env("PATH", path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Copies the files of a folder and of those in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), &to).unwrap()),
        }
    }
}
