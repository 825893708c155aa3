use super::*;

fn secrets() -> Secrets {
    [
        ("token", "s3cr3t"),
        ("a.b-c", "x"),
        ("lines", "a\r\nb: c"),
        ("nested", "{{secret:token}}"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

/// Fills in a text of a request to anywhere.
fn fill(text: &str, place: Place) -> Result<String, SecretError> {
    let anywhere = url("http://example.com");
    substitute(text, place, &secrets().for_url(&anywhere)).map(Cow::into_owned)
}

fn fill_bytes(bytes: &[u8]) -> Vec<u8> {
    let anywhere = url("http://example.com");
    let secrets = secrets();
    let filled = substitute_bytes(bytes, &secrets.for_url(&anywhere));
    filled.expect("is replaced").into_owned()
}

#[test]
fn replaces_every_placeholder_once() {
    let check = |text: &str, expected: &str| {
        assert_eq!(fill(text, Place::Header).expect("is replaced"), expected);
    };
    check("plain", "plain");
    check("Bearer {{secret:token}}", "Bearer s3cr3t");
    check(
        "{{secret:token}}{{secret:a.b-c}}{{secret:token}}",
        "s3cr3txs3cr3t",
    );
    check("{{secret:nested}}", "{{secret:token}}");
    check("{{secret:open", "{{secret:open");
    check("{{ secret:token }}", "{{ secret:token }}");
}

#[test]
fn a_missing_secret_is_named() {
    let error = fill("{{secret:gone}}", Place::Body).expect_err("is missing");
    assert_eq!(
        error,
        SecretError::Missing {
            name: "gone".to_owned()
        }
    );
    assert!(error.to_string().contains("{{secret:gone}}"), "{error}");
}

#[test]
fn control_characters_stay_out_of_headers_and_urls() {
    for place in [Place::Header, Place::Url] {
        let error = fill("{{secret:lines}}", place).expect_err("is refused");
        assert!(matches!(&error, SecretError::Control { name, .. } if name == "lines"));
        assert!(!error.to_string().contains("b: c"), "{error}");
    }
    assert_eq!(
        fill("{{secret:lines}}", Place::Body).expect("may stand"),
        "a\r\nb: c"
    );
}

#[test]
fn bodies_need_not_be_text() {
    assert_eq!(
        fill_bytes(b"\xff{{secret:token}}\xfe\x00{{secret:a.b-c}}"),
        b"\xffs3cr3t\xfe\x00x"
    );
    for plain in [&b"\xff no placeholder"[..], b""] {
        assert_eq!(fill_bytes(plain), plain);
    }
}

/// Two secrets of which one goes to Slack and to one port of an address alone.
fn bound() -> Secrets {
    let hosts = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a host")).collect();
    let mut secrets = Secrets::default();
    let own = hosts(&["hooks.slack.com", "*.example.com", "10.0.0.5:9090"]);
    secrets.insert("own".to_owned(), Some("Pa55word".to_owned()), own);
    secrets.insert("any".to_owned(), Some("t0ken".to_owned()), hosts(&["*"]));
    secrets.insert(
        "host".to_owned(),
        Some("Hooks.Slack.com".to_owned()),
        hosts(&["hooks.slack.com"]),
    );
    secrets.insert("sealed".to_owned(), None, hosts(&["*"]));
    secrets
}

#[test]
fn a_secret_goes_to_its_hosts_alone() {
    let secrets = bound();
    let fill = |text: &str, to: &str| {
        let to = url(to);
        substitute(text, Place::Header, &secrets.for_url(&to)).map(Cow::into_owned)
    };
    for to in [
        "https://hooks.slack.com/services",
        "https://HOOKS.slack.com.:8443",
        "http://a.b.example.com",
        "http://10.0.0.5:9090/x",
        "http://0xa.5:9090",
    ] {
        assert_eq!(fill("{{secret:own}}", to), Ok("Pa55word".to_owned()), "{to}");
    }
    for (to, host) in [
        ("https://slack.com", "slack.com"),
        ("https://hooks.slack.com.evil.org", "hooks.slack.com.evil.org"),
        ("https://hooks.slack.com@evil.org", "evil.org"),
        ("https://evil.org/hooks.slack.com", "evil.org"),
        ("https://example.com", "example.com"),
        ("http://10.0.0.5", "10.0.0.5"),
        ("http://10.0.0.5:9091", "10.0.0.5:9091"),
    ] {
        let refused = fill("{{secret:any}} {{secret:own}}", to).expect_err(to);
        let host = host.to_owned();
        let name = "own".to_owned();
        assert_eq!(refused, SecretError::NotBound { name, host }, "{to}");
        assert_eq!(fill("{{secret:any}}", to), Ok("t0ken".to_owned()), "{to}");
    }
    let body = substitute_bytes(b"{{secret:own}}", &secrets.for_url(&url("http://evil.org"))).map(drop);
    let says = body.expect_err("is refused").to_string();
    assert!(says.contains("\"own\" is not bound to evil.org"), "{says}");
}

#[test]
fn a_secret_in_a_url_is_held_against_the_host_that_comes_out() {
    let secrets = bound();
    let filled = secrets.fill_url("https://hooks.slack.com/{{secret:own}}?k={{secret:any}}");
    assert_eq!(
        filled.map(String::from),
        Ok("https://hooks.slack.com/Pa55word?k=t0ken".to_owned())
    );
    let filled = secrets.fill_url("https://{{secret:host}}/in").map(String::from);
    assert_eq!(filled, Ok("https://hooks.slack.com/in".to_owned()));
    for (text, host) in [
        ("https://evil.org/{{secret:own}}", "evil.org"),
        // Where a secret makes up the host, the host is not told.
        ("https://{{secret:own}}.evil.org/", "the host of its URL"),
        ("https://{{secret:own}}", "the host of its URL"),
        ("https://evil.org:81/{{secret:host}}", "evil.org:81"),
        ("https://{{secret:host}}@evil.org/", "evil.org"),
        ("https://{{secret:host}}.evil.org/", "the host of its URL"),
    ] {
        match secrets.fill_url(text) {
            Err(error @ SecretError::NotBound { .. }) => {
                let says = error.to_string();
                assert!(
                    says.contains(&format!("is not bound to {host}:")),
                    "{text}: {says}"
                );
                assert!(!says.to_lowercase().contains("pa55word"), "{text}: {says}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(
        secrets.fill_url("{{secret:own}}"),
        Err(SecretError::Url(_))
    ));
}

#[test]
fn a_secret_that_does_not_open_says_so() {
    let (secrets, to) = (bound(), url("http://a"));
    let error =
        substitute("{{secret:sealed}}", Place::Body, &secrets.for_url(&to)).expect_err("has no value");
    assert!(
        error.to_string().contains("\"sealed\" cannot be opened"),
        "{error}"
    );
}

#[test]
fn redacts_values_in_every_spelling_longest_first() {
    let redactor = Redactor::new(["pass word/1", "pass", "abc"]);
    assert_eq!(redactor.redact("got pass word/1 and pass"), "got *** and ***");
    assert_eq!(redactor.redact("GET /pass%20word%2F1"), "GET /***");
    assert_eq!(redactor.redact("abc is too short"), "abc is too short");
    assert_eq!(
        Redactor::new(["li\nne"]).redact(r#"near "li\nne""#),
        r#"near "***""#
    );
    assert_eq!(
        Redactor::new(["Intern.Example"]).redact("no intern.example"),
        "no ***"
    );
}

#[test]
fn redacts_only_what_was_asked_for() {
    let redactor = Redactor::of(["x {{secret:token}}"], &secrets());
    assert_eq!(redactor.redact("s3cr3t {{secret:token}}"), "*** {{secret:token}}");
}

#[test]
fn debug_shows_names_alone() {
    let shown = format!("{:?} {:?}", secrets(), Redactor::new(["s3cr3t"]));
    assert!(shown.contains("token") && !shown.contains("s3cr3t"), "{shown}");
}
