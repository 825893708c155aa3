use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::spec::ScrapeSpec;
use super::*;

/// A folder of target files of one tenant, removed when dropped.
struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("wasmalert-targets-{}-{next}", std::process::id()));
        fs::create_dir_all(dir.join("acme")).unwrap();
        Self(dir)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join("acme").join(name), text).unwrap();
    }

    fn folder(&self) -> Folder {
        Folder::of(&self.0, &TenantId::new("acme").unwrap())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn plan(files: &[&str]) -> Arc<Plan> {
    let spec = serde_json::json!({"files": files, "labels": {"env": "prod", "team": "a"}});
    let spec: ScrapeSpec = serde_json::from_value(spec).unwrap();
    Arc::new(spec.plan("node").unwrap())
}

fn shown(targets: &FileTargets) -> Vec<String> {
    let of_files = targets.of_file.iter();
    of_files
        .flat_map(|(file, targets)| {
            targets
                .iter()
                .map(move |target| format!("{file} {} {}", target.url, target.labels))
        })
        .collect()
}

#[test]
fn targets_come_from_json_and_yaml_with_the_scrapes_labels_under_theirs() {
    let files = Files::new();
    files.write(
        "node-a.json",
        r#"[{"targets": ["a:1"], "labels": {"env": "test"}}]"#,
    );
    files.write("node-b.yml", "- targets:\n  - b:1\n  - b:2\n");
    files.write("other.json", r#"[{"targets": ["c:1"]}]"#);
    files.write("node-c.txt", r#"[{"targets": ["d:1"]}]"#);
    let plan = plan(&["node-*.json", "node-?.yml"]);
    let read = files.folder().targets(&plan, &FileTargets::default());
    assert_eq!(read.errors, [""; 0]);
    assert_eq!(
        shown(&read),
        [
            r#"node-a.json http://a:1/metrics {env="test", instance="a:1", job="node", team="a"}"#,
            r#"node-b.yml http://b:1/metrics {env="prod", instance="b:1", job="node", team="a"}"#,
            r#"node-b.yml http://b:2/metrics {env="prod", instance="b:2", job="node", team="a"}"#,
        ]
    );
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_targets_and_one_that_is_gone_has_none() {
    let files = Files::new();
    let plan = plan(&["*.json"]);
    files.write("a.json", r#"[{"targets": ["a:1"]}]"#);
    files.write("b.json", r#"[{"targets": ["b:1"]}]"#);
    let first = files.folder().targets(&plan, &FileTargets::default());
    assert_eq!(files.folder().list(&plan.spec.files).unwrap(), first.listing);
    files.write("a.json", r#"[{"targets": ["a:1", "x y"]}]"#);
    fs::remove_file(files.0.join("acme/b.json")).unwrap();
    assert_ne!(files.folder().list(&plan.spec.files).unwrap(), first.listing);
    let second = files.folder().targets(&plan, &first);
    assert_eq!(shown(&second).len(), 1);
    assert!(shown(&second)[0].starts_with("a.json http://a:1/metrics"));
    let [error] = &second.errors[..] else {
        panic!("{:?}", second.errors)
    };
    assert!(
        error.starts_with("a.json: target `x y` of job `node`: expected host:port"),
        "{error}"
    );
}

#[test]
fn a_tenant_without_a_folder_has_no_files() {
    let files = Files::new();
    let other = Folder::of(&files.0, &TenantId::new("other").unwrap());
    let read = other.targets(&plan(&["*.json"]), &FileTargets::default());
    assert_eq!((shown(&read), read.errors), (Vec::new(), Vec::new()));
}

#[test]
fn names_stay_within_the_folder() {
    let wrong = |name: &str| {
        let mut errors = Vec::new();
        check(&[name.to_owned()], &mut errors);
        errors.len()
    };
    for name in ["a.json", "*.yml", "node-[ab].yaml"] {
        assert_eq!(wrong(name), 0, "{name}");
    }
    for name in [
        "../a.json",
        "a/b.json",
        "/etc/a.json",
        ".a.json",
        "..json",
        "a.conf",
        "a\\b.json",
        "a\n.json",
        "",
        &"a".repeat(300),
    ] {
        assert_eq!(wrong(name), 1, "{name}");
    }
}
