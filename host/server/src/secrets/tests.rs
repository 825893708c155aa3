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

#[test]
fn replaces_every_placeholder_once() {
    let check = |text: &str, expected: &str| {
        assert_eq!(
            substitute(text, Place::Header, &secrets()).expect("is replaced"),
            expected
        );
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
    let error = substitute("{{secret:gone}}", Place::Body, &secrets()).expect_err("is missing");
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
        let error = substitute("{{secret:lines}}", place, &secrets()).expect_err("is refused");
        assert!(matches!(&error, SecretError::Control { name, .. } if name == "lines"));
        assert!(!error.to_string().contains("b: c"), "{error}");
    }
    assert_eq!(
        substitute("{{secret:lines}}", Place::Body, &secrets()).expect("may stand"),
        "a\r\nb: c"
    );
}

#[test]
fn bodies_need_not_be_text() {
    let replaced = substitute_bytes(b"\xff{{secret:token}}\xfe\x00{{secret:a.b-c}}", &secrets());
    assert_eq!(&*replaced.expect("is replaced"), b"\xffs3cr3t\xfe\x00x");
    let plain = b"\xff no placeholder";
    assert_eq!(&*substitute_bytes(plain, &secrets()).expect("is kept"), plain);
    assert_eq!(&*substitute_bytes(b"", &secrets()).expect("is kept"), b"");
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
