use super::*;

#[test]
fn patterns_go_through_folders() {
    let folder = std::env::temp_dir().join(format!("wasmalert-offline-glob-{}", std::process::id()));
    for file in ["a/1.yml", "b/2.yml", "b/3.txt", "c.yml"] {
        let file = folder.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
    }
    let found = |pattern: &str| -> Vec<_> {
        let found = matches(&folder, pattern).into_iter();
        found
            .map(|path| path.strip_prefix(&folder).unwrap().display().to_string())
            .collect()
    };
    assert_eq!(found("*/*.yml"), ["a/1.yml", "b/2.yml"]);
    assert_eq!(found("c.yml"), ["c.yml"]);
    assert_eq!(found("./b/../c.yml").len(), 1);
    assert!(found("none.yml").is_empty() && found("a").is_empty());
    std::fs::remove_dir_all(&folder).unwrap();
}
