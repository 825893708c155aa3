use super::rate::Buckets;
use super::*;

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
