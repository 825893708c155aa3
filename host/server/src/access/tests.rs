use super::rate::Buckets;
use super::*;
use crate::config::ProxyConfig;

fn scopes(names: &str) -> Scopes {
    Scopes::parse(names.split(',')).unwrap()
}

#[test]
fn scopes_include_others() {
    use Scope::{Admin, Deploy, Operator, Read, Write};
    for (names, allowed) in [
        ("read", vec![Read]),
        ("write", vec![Read, Write]),
        ("deploy", vec![Read, Deploy]),
        ("write,deploy", vec![Read, Write, Deploy]),
        ("admin", vec![Read, Write, Deploy, Admin]),
    ] {
        let scopes = scopes(names);
        assert_eq!(scopes.iter().collect::<Vec<_>>(), allowed, "{names}");
        assert!(!scopes.allow(Operator), "{names}");
    }
    assert_eq!(Scopes::OPERATOR.iter().count(), 5);
    assert_eq!(Scopes::parse(["read", "operator"]), Err("operator"));
    assert!(Scopes::parse([]).unwrap().is_empty());
    assert_eq!(scopes("admin").to_string(), "read,write,deploy,admin");
}

#[test]
fn keys_are_of_one_form_and_no_two_are_the_same() {
    let (one, other) = (Key::make().unwrap(), Key::make().unwrap());
    assert_ne!(one.text(), other.text());
    let text = one.text();
    let read = Key::parse(&text).unwrap();
    assert_eq!((read.id.as_str(), read.digest()), (one.id.as_str(), one.digest()));
    assert!(
        !text.contains(
            &one.digest()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        )
    );
    for wrong in [
        "",
        "wak_",
        &text[1..],
        &text[..text.len() - 1],
        &format!("{text}0"),
        &text.to_uppercase(),
        &text.replacen('_', "-", 1),
        "wak_0123456789abcdef_zz",
    ] {
        assert!(Key::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_bucket_empties_and_fills_again() {
    let buckets = Buckets::new(2.0, 0.5);
    assert_eq!(buckets.take(&"a", 0), Ok(()));
    assert_eq!(buckets.take(&"a", 0), Ok(()));
    assert_eq!(buckets.take(&"a", 0), Err(2));
    assert_eq!(buckets.check(&"a", 500), Err(2));
    assert_eq!(buckets.check(&"a", 1_500), Err(1));
    assert_eq!(buckets.take(&"b", 0), Ok(()), "others have a bucket of their own");
    assert_eq!(buckets.take(&"a", 2_000), Ok(()));
    assert_eq!(buckets.take(&"a", 2_000), Err(2));
    // It is never fuller than at first, and time that goes back gives nothing.
    assert_eq!(buckets.take(&"a", 1_000_000), Ok(()));
    assert_eq!(buckets.take(&"a", 1_000_000), Ok(()));
    assert!(buckets.take(&"a", 0).is_err());
}

#[test]
fn a_client_is_the_last_address_that_is_not_believed() {
    let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
    let proxies = Proxies::new(ProxyConfig {
        networks: networks.to_vec(),
        scopes: Scopes::NONE,
    });
    let client = |peer: &str, values: &[&str]| {
        let client = proxies.client(peer.parse().unwrap(), values.iter().copied());
        client.to_string()
    };
    for (peer, values, expected) in [
        ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        (
            "fd00::1",
            &["192.0.2.9,198.51.100.1 , 10.0.0.2", "fd00::2"],
            "198.51.100.1",
        ),
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", &["198.51.100.1,"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1, 10.0.0.x"], "10.0.0.1"),
        ("10.0.0.1", &["[fd00::3]:80, [::ffff:10.0.0.2]"], "fd00::3"),
    ] {
        assert_eq!(client(peer, values), expected, "{peer} {values:?}");
    }
    let long = vec!["10.0.0.2"; 10_000].join(",");
    let long = format!("198.51.100.1,{long}");
    assert_eq!(client("10.0.0.1", &[&long]), "10.0.0.2", "a chain has an end");
    assert!(
        !Proxies::new(ProxyConfig {
            networks: Vec::new(),
            scopes: Scopes::NONE
        })
        .trust([127, 0, 0, 1].into())
    );
}
