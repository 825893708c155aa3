//! Relabelling rules, as JSON and applied.

use super::*;

fn relabel(json: &str) -> Result<Relabel, String> {
    let rules: Vec<Rule> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Relabel::new(&rules).map_err(|error| error.to_string())
}

/// What a rule makes of one series.
fn applied(json: &str) -> String {
    let labels = [
        ("__name__", "http_requests"),
        ("job", "web"),
        ("pod", "a-1"),
        ("uid", "7"),
    ];
    match relabel(json).unwrap().apply(labels.into_iter().collect()) {
        Some(labels) => labels
            .iter()
            .map(|(name, value)| format!("{name}={value} "))
            .collect(),
        None => "dropped".into(),
    }
}

#[test]
fn what_rules_do() {
    let whole = "__name__=http_requests job=web pod=a-1 uid=7 ";
    for (json, expected) in [
        ("[]", whole),
        (r#"[{"drop_series": {"regex": "http_.*"}}]"#, "dropped"),
        (r#"[{"drop_series": {"regex": "http_"}}]"#, whole),
        (
            r#"[{"drop_series": {"label": "absent", "regex": ""}}]"#,
            "dropped",
        ),
        (
            r#"[{"drop_series": {"label": "pod", "regex": "b-1|a-1"}}]"#,
            "dropped",
        ),
        (r#"[{"keep_series": {"label": "pod", "regex": "a-\\d"}}]"#, whole),
        (r#"[{"keep_series": {"label": "pod", "regex": "a"}}]"#, "dropped"),
        (
            r#"[{"label_drop": "pod|uid"}]"#,
            "__name__=http_requests job=web ",
        ),
        (r#"[{"label_drop": ".*"}]"#, "__name__=http_requests "),
        (r#"[{"label_keep": "job"}]"#, "__name__=http_requests job=web "),
        (
            r#"[{"label_rename": {"from": "pod", "to": "instance"}}]"#,
            "__name__=http_requests instance=a-1 job=web uid=7 ",
        ),
        (
            r#"[{"label_rename": {"from": "pod", "to": "uid"}}]"#,
            "__name__=http_requests job=web uid=a-1 ",
        ),
        (r#"[{"label_rename": {"from": "absent", "to": "uid"}}]"#, whole),
        (
            r#"[{"label_drop": "uid"}, {"drop_series": {"label": "uid", "regex": "7"}}]"#,
            "__name__=http_requests job=web pod=a-1 ",
        ),
    ] {
        assert_eq!(applied(json), expected, "{json}");
    }
}

#[test]
fn rules_that_cannot_be_used() {
    for (json, expected) in [
        (
            r#"[{"label_drop": "a"}, {"label_drop": "a)(b"}]"#,
            "relabelling rule 2: regex parse error",
        ),
        (
            r#"[{"label_keep": "(a{1000}){1000}"}]"#,
            "relabelling rule 1: Compiled regex exceeds size limit",
        ),
        (
            r#"[{"label_rename": {"from": "", "to": "b"}}]"#,
            "relabelling rule 1: `from` and `to`",
        ),
        (
            r#"[{"label_rename": {"from": "__name__", "to": "b"}}]"#,
            "relabelling rule 1: `__name__` may not be renamed",
        ),
        (r#"[{"replace": "a"}]"#, "unknown variant `replace`"),
        (
            r#"[{"drop_series": {"regex": "a", "regexp": "b"}}]"#,
            "unknown field `regexp`",
        ),
    ] {
        let error = relabel(json).unwrap_err();
        assert!(error.starts_with(expected), "{json}: {error}");
    }
    let many = vec![Rule::LabelDrop("a".into()); RULES_MAX + 1];
    assert_eq!(
        Relabel::new(&many).unwrap_err(),
        RelabelError::TooMany { found: 101 }
    );
    assert!(Relabel::new(&many[1..]).is_ok());
}

#[test]
fn rules_are_written_as_they_are_read() {
    let json = r#"[{"drop_series":{"label":"__name__","regex":"a"}},{"label_keep":"b"},{"label_rename":{"from":"c","to":"d"}}]"#;
    let rules: Vec<Rule> = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&rules).unwrap(), json);
}
