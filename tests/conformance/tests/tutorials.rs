//! The tutorial of every language, followed to the letter: its commands are run as they stand there.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs;
use std::process::Command;

use common::{path, program, root};
use wasmalert_author::Language;

mod common;

macro_rules! tutorials {
    ($($test:ident: $language:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                follow(Language::$language);
            }
        )*

        #[test]
        fn every_language_has_a_tutorial() {
            assert_eq!([$(Language::$language),*], Language::ALL);
        }
    };
}

tutorials! {
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

fn follow(language: Language) {
    let page = root().join(format!("docs/tutorials/{}.md", language.id()));
    let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let commands = commands(&text);
    assert!(
        commands.contains("wasmalert build"),
        "{} builds nothing",
        page.display()
    );
    let dir = root()
        .join("target/conformance")
        .join(language.id())
        .join("tutorial");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let mut folders = vec![program().parent().unwrap().to_owned()];
    folders.extend(std::env::split_paths(&path()));
    let output = Command::new("bash")
        .args(["-euxo", "pipefail", "-c", &commands])
        .current_dir(&dir)
        .env("PATH", std::env::join_paths(folders).unwrap())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{}:\n{said}", page.display());
    assert!(said.contains("2 tests passed"), "{}:\n{said}", page.display());
}

/// What stands in the blocks of `sh`.
fn commands(text: &str) -> String {
    let blocks = text.split("```sh\n").skip(1);
    blocks.filter_map(|block| block.split("```").next()).collect()
}
