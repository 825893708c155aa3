use super::*;

fn flags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn defaults_hold_together() {
    let config = load(None, &|_| None, &BTreeMap::new()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.resend_delay_ms, 60_000);
    assert!(config.upload_stock);
}

#[test]
fn flags_win_over_environment_and_environment_over_file() {
    let file = std::env::temp_dir().join(format!("wasmalert-config-{}.toml", std::process::id()));
    std::fs::write(
        &file,
        "threads = 1\nkeep_evaluations = 2\nresend_delay = \"3s\"\n",
    )
    .unwrap();
    let env = |name: &str| match name {
        "WASMALERT_KEEP_EVALUATIONS" => Some("20".to_owned()),
        "WASMALERT_RESEND_DELAY" => Some("30s".to_owned()),
        _ => None,
    };
    let config = load(Some(&file), &env, &flags(&[("resend_delay", "5m")])).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        (config.threads, config.keep_evaluations, config.resend_delay_ms),
        (1, 20, 300_000)
    );
}

#[test]
fn every_error_is_reported_at_once_with_its_place() {
    let file = std::env::temp_dir().join(format!("wasmalert-config-bad-{}.toml", std::process::id()));
    std::fs::write(&file, "lisen = \"x\"\nthreads = [1]\n").unwrap();
    let env = |name: &str| (name == "WASMALERT_LIMIT_FUEL").then(|| "lots".to_owned());
    let flags = flags(&[
        ("listen", "nowhere"),
        ("token", "short"),
        ("external_url", "ftp://x"),
    ]);
    let errors = load(Some(&file), &env, &flags).unwrap_err().0;
    std::fs::remove_file(&file).unwrap();
    let text = errors.join("\n");
    for part in [
        "no setting is called `lisen`",
        "`threads` is a array",
        "WASMALERT_LIMIT_FUEL: `lots`",
        "--listen: `nowhere`",
        "--token: must be",
        "--external-url: `ftp://x`",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(errors.len(), 6, "{text}");
    assert!(!text.contains("short"), "the token is shown:\n{text}");
}

#[test]
fn limits_are_settings() {
    let config = load(None, &|_| None, &flags(&[("limit_findings", "7")])).unwrap();
    assert_eq!(config.limits.findings, 7);
}
