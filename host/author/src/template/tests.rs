use super::*;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wasmalert-author-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn wants(&self, name: &str, language: Language, kind: World) -> New {
        New {
            dir: self.0.join(name),
            language,
            kind,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_language_has_templates_for_both_kinds() {
    let folder = Folder::new("templates");
    for language in Language::ALL {
        for kind in World::ALL {
            let name = format!("{}-{}", language.id(), kind.as_str());
            let project = new(&folder.wants(&name, language, kind)).unwrap();
            assert_eq!(Project::open(&project.dir).unwrap(), project);
            let made = files(&project);
            let test = match kind {
                World::Rule => "rules_test.yml",
                World::Notifier => "notifier_test.yml",
            };
            for file in [test, ".gitignore", "sdk"] {
                assert!(
                    made.contains(&PathBuf::from(file)),
                    "{name} has no {file}: {made:?}"
                );
            }
            for file in made.iter().filter(|file| *file != Path::new("sdk")) {
                let text = fs::read_to_string(project.dir.join(file)).unwrap();
                assert!(!text.contains("{{name"), "{name}/{} has a gap", file.display());
            }
            assert!(
                fs::read_to_string(project.dir.join(test))
                    .unwrap()
                    .contains(&name)
                    || kind == World::Rule,
                "the test is of the project"
            );
        }
    }
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let folder = Folder::new("in-use");
    let wants = folder.wants("busy", Language::C, World::Rule);
    fs::create_dir_all(&wants.dir).unwrap();
    fs::write(wants.dir.join("mine"), "dear to me").unwrap();
    let error = new(&wants).unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");
    assert_eq!(fs::read_dir(&wants.dir).unwrap().count(), 1);
}

#[test]
fn names_that_some_language_refuses_are_refused() {
    let folder = Folder::new("names");
    for name in [
        "Disk",
        "9lives",
        "a_b",
        "a--b",
        "a-",
        "ünder",
        "null",
        "serde",
        "core",
        &"x".repeat(65),
    ] {
        let refused = new(&folder.wants(name, Language::Rust, World::Rule));
        assert!(refused.is_err(), "{name:?} was taken");
    }
    for name in ["a", "disk-full", "p99", &"x".repeat(64)] {
        new(&folder.wants(name, Language::C, World::Rule)).unwrap();
    }
}

#[test]
fn a_wrong_manifest_says_what_is_wrong() {
    let folder = Folder::new("manifest");
    let error = Project::open(&folder.0).unwrap_err().to_string();
    assert!(error.contains("wasmalert new"), "{error}");
    for (manifest, says) in [
        ("{", "EOF"),
        (
            r#"{"name": "a", "language": "cobol", "kind": "rule"}"#,
            "known are rust, typescript",
        ),
        (
            r#"{"name": "../a", "language": "c", "kind": "rule"}"#,
            "cannot be the name",
        ),
        (
            r#"{"name": "a", "language": "c", "kind": "metric"}"#,
            "there is no kind",
        ),
        (
            r#"{"name": "a", "language": "c", "kind": "rule", "more": 1}"#,
            "unknown field",
        ),
    ] {
        fs::write(folder.0.join(MANIFEST), manifest).unwrap();
        let error = Project::open(&folder.0).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(MANIFEST), "{error}");
    }
}

#[test]
fn tutorials_show_the_templates() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorials");
    for language in Language::ALL {
        let folder = format!("guest-sdk/{}/template/rule", language.id());
        let page = fs::read_to_string(docs.join(format!("{}.md", language.id()))).unwrap();
        let shown = embedded::under(&folder).filter(|(_, contents)| {
            let text = String::from_utf8_lossy(contents).replace(NAME, "busy-hosts");
            // A rule's own tests are not shown.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            text.contains("cpu_seconds_total") && page.contains(text.trim())
        });
        assert_eq!(
            shown.count(),
            1,
            "{}: the rule is another one than the template's",
            language.id()
        );
    }
}
