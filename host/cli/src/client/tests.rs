use super::*;

fn address(path: &[&str], query: &[(&str, String)]) -> String {
    url(&base("http://127.0.0.1:8080").unwrap(), path, query)
        .unwrap()
        .to_string()
}

#[test]
fn every_name_stays_one_segment() {
    for (name, encoded) in [
        ("node", "node"),
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("a%2Fb", "a%252Fb"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("a\\b", "a%5Cb"),
    ] {
        assert_eq!(
            address(&["groups", "prod", name], &[]),
            format!("http://127.0.0.1:8080/v1/groups/prod/{encoded}")
        );
    }
}

#[test]
fn a_query_is_encoded_too() {
    let query = [("namespace", "a&b=c d".to_owned()), ("limit", "5".to_owned())];
    assert_eq!(
        address(&["rules"], &query),
        "http://127.0.0.1:8080/v1/rules?namespace=a%26b%3Dc+d&limit=5"
    );
}

#[test]
fn names_that_an_address_would_swallow_are_refused() {
    let base = base("http://127.0.0.1:8080").unwrap();
    for name in ["", ".", ".."] {
        assert!(
            matches!(url(&base, &["groups", "prod", name], &[]), Err(Error::Usage(_))),
            "{name:?}"
        );
    }
}

#[test]
fn a_server_may_live_below_a_path() {
    for given in ["https://alerts.example/team", "https://alerts.example/team/"] {
        let url = url(&base(given).unwrap(), &["rules"], &[]).unwrap();
        assert_eq!(url.as_str(), "https://alerts.example/team/v1/rules");
    }
}

#[test]
fn an_address_that_cannot_be_one_is_refused() {
    for given in [
        "127.0.0.1:8080",
        "ftp://x",
        "http://u@x",
        "http://x/?a=b",
        "http://",
    ] {
        assert!(matches!(base(given), Err(Error::Usage(_))), "{given}");
    }
}

#[test]
fn loopback_goes_past_any_proxy() {
    for (given, loopback) in [
        ("http://127.0.0.1:1", true),
        ("http://[::1]:1", true),
        ("http://localhost", true),
        ("http://10.0.0.1", false),
    ] {
        assert_eq!(is_loopback(&base(given).unwrap()), loopback, "{given}");
    }
}

#[test]
fn a_token_with_a_newline_is_refused_and_not_shown() {
    let Err(Error::Usage(message)) = bearer("secret\nx") else {
        panic!("taken")
    };
    assert!(!message.contains("secret"));
}
