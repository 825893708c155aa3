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
        ("ruler_prefix", "/api"),
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
        "--ruler-prefix: `/api`",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(errors.len(), 7, "{text}");
    assert!(!text.contains("short"), "the token is shown:\n{text}");
}

#[test]
fn limits_are_settings() {
    let config = load(None, &|_| None, &flags(&[("limit_findings", "7")])).unwrap();
    assert_eq!(config.limits.findings, 7);
}

#[test]
fn where_requests_may_go_is_a_setting() {
    let default = load(None, &|_| None, &BTreeMap::new()).unwrap().egress;
    let json = serde_json::to_value(&default).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"allow": [{"scheme": "any", "host": "*"}], "private": []})
    );
    let set = flags(&[
        ("egress_allow", "https://*.example.com:8443, intranet"),
        ("egress_private", "10.1.0.0/16,fd00::/8"),
    ]);
    let policy = load(None, &|_| None, &set).unwrap().egress;
    let json = serde_json::to_value(&policy).unwrap();
    let expected = serde_json::json!({
        "allow": [
            {"scheme": "https", "host": "*.example.com", "ports": [8443]},
            {"scheme": "any", "host": "intranet"},
        ],
        "private": ["10.1.0.0/16", "fd00::/8"],
    });
    assert_eq!(json, expected);
    let wrong = flags(&[
        ("egress_allow", "*,ftp://a"),
        ("egress_private", "10.0.0.5/8,intranet"),
    ]);
    let errors = load(None, &|_| None, &wrong).unwrap_err().0;
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].starts_with("--egress-allow: \"ftp://a\""), "{errors:?}");
}

#[test]
fn keys_of_secrets_come_from_one_place_and_are_not_shown() {
    let source = |pairs: &[(&str, &str)]| load(None, &|_| None, &flags(pairs));
    assert!(matches!(source(&[]).unwrap().secrets_key, KeySource::DataDir));
    let file = source(&[("secrets_key_file", "/k")]).unwrap().secrets_key;
    assert!(matches!(file, KeySource::File(path) if path == Path::new("/k")));
    let text = source(&[("secrets_key", "s3cr3t")]).unwrap();
    assert!(matches!(&text.secrets_key, KeySource::Text(text) if text == "s3cr3t"));
    assert!(!format!("{text:?}").contains("s3cr3t"));
    let both = source(&[("secrets_key", "s3cr3t"), ("secrets_key_file", "/k")])
        .unwrap_err()
        .0;
    assert_eq!(
        both,
        ["--secrets-key and --secrets-key-file: give one of the two"]
    );
}

#[test]
fn an_issuer_needs_what_makes_its_tokens_safe() {
    let oidc = |more: &[(&str, &str)]| {
        let base = [
            ("oidc_issuer", "https://a.example/realm"),
            ("oidc_audience", "wasmalert"),
        ];
        load(None, &|_| None, &flags(&[&base, more].concat()))
    };
    let config = oidc(&[("oidc_roles", "a=read, a=deploy,b c=admin")])
        .unwrap()
        .oidc;
    let config = config.unwrap();
    assert_eq!(config.roles["a"].to_string(), "read,deploy");
    assert_eq!(config.roles["b c"].to_string(), "read,write,deploy,admin");
    let url = config.discovery_url().unwrap();
    assert_eq!(
        url.as_str(),
        "https://a.example/realm/.well-known/openid-configuration"
    );
    assert!(load(None, &|_| None, &BTreeMap::new()).unwrap().oidc.is_none());
    let errors = |result: Result<Config, ConfigErrors>| result.unwrap_err().0.join("\n");
    assert!(errors(oidc(&[])).contains("oidc_roles: it is empty"));
    let roles = errors(oidc(&[("oidc_roles", "a=operator,=read,a")]));
    assert_eq!(roles.matches("--oidc-roles: ").count(), 3, "{roles}");
    for wrong in [
        "http://a.example",
        "http://127.0.0.1.example",
        "https://user:word@a.example",
        "https://a.example?b",
        "https://a.example/#b",
        "a.example",
        "",
    ] {
        let set = [
            ("oidc_issuer", wrong),
            ("oidc_audience", "w"),
            ("oidc_roles", "a=read"),
        ];
        let said = errors(load(None, &|_| None, &flags(&set)));
        let part = if wrong.is_empty() {
            "there is no issuer"
        } else {
            "--oidc-issuer: "
        };
        assert!(said.contains(part), "{wrong}: {said}");
    }
    for loopback in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:1/x"] {
        let set = [("oidc_issuer", loopback), ("oidc_roles", "a=read")];
        assert!(oidc(&set).is_ok(), "{loopback}");
    }
}

#[test]
fn proxies_and_tls_are_settings() {
    let config = load(None, &|_| None, &BTreeMap::new()).unwrap();
    assert!(config.proxy.networks.is_empty() && config.tls.is_none());
    assert_eq!(config.proxy.scopes.to_string(), "read,write,deploy");
    let set = [
        ("tls_cert_file", "/c"),
        ("tls_key_file", "/k"),
        ("tls_client_ca_file", "/a"),
    ];
    let tls = load(None, &|_| None, &flags(&set)).unwrap().tls.unwrap();
    assert!(tls.client_required && tls.client_ca_file.is_some());
    for (name, value) in [
        ("tls_key_file", "/k"),
        ("tls_client_ca_file", "/a"),
        ("proxy_networks", "10.0.0.1/8"),
        ("proxy_scopes", "operator"),
    ] {
        let errors = load(None, &|_| None, &flags(&[(name, value)])).unwrap_err().0;
        assert_eq!(errors.len(), 1, "{errors:?}");
    }
}
