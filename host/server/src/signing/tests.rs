//! Against keys and signatures that the program `minisign` made.

use super::*;

const WASM: &[u8] = b"not really wasm";
const A_KEY: &str = "RWTewjFvyguAwQH1TM1+KHW3BRFTRK/OQT+9UcKFb0dMEd7G3yQZ40SU";
const B_KEY: &str = "RWSwC2nUl9WiJpFqHReBjJZ95f+qRegcjRHnvSt0swhyGc4Bpfjpeup9";
const BY_A: &str = "untrusted comment: signature from minisign secret key
RUTewjFvyguAwX+5PnJPZZ9rCTEDIqvS4TICAw88r57SeqUYnJanbtiKX5UBcHPLWnUW1ShCVAc4QxViXSXqWQD0wlGRk0w0WQA=
trusted comment: version 3 of slack
X8lpodltW0XBVxnjcC7TUa2PTTROohqPl4Ev7YnjR0rznMeoSCMhImRrbQq0cnRG16iBPpRwHQWj13Bei4VfCA==
";
const BY_A_LEGACY: &str = "untrusted comment: signature from minisign secret key
RWTewjFvyguAwRjjDWbIqMcetYosMUgrugd/Ak4MXueFH5YFJNLzoUGmZEz7qyi5zc5RP9CulMCGa5uxAsDDkY4HK0GN9UR0WwI=
trusted comment: legacy
6OZ3RJ4+tj0ja2FFQC3kfiKaJDU22ekVrHoJsbhhosw9AbCZGGVpL1t3TP8lyKzpdhuUMobwNrjZ3FX8K4GQBw==
";
const BY_B: &str = "untrusted comment: signature from minisign secret key
RUSwC2nUl9WiJvvD6Dj0tdUbmQo/0M0JmswY8rWNlRVlMj9RaVFksQw+3Dd/4KEbbwhT/LbYMbRyxISpcLKNvtLtzLwnY4ju6gg=
trusted comment: b
yEb34wuUqFxz6iVpLPP64xjgoaZ4ngaikbMT3OfEDMbp2DF3MmT9VgMxtPYOAqjX5hFPxYBrChYOCSZK/28RBQ==
";

fn signers() -> Signers {
    [Signer::parse("release", A_KEY).unwrap()].into_iter().collect()
}

fn judged(policy: SignaturePolicy, wasm: &[u8], text: Option<&str>) -> Result<Verdict, &'static str> {
    let verdict = signers().judge(policy, wasm, text);
    verdict.map_err(|error| error.code())
}

const POLICIES: [SignaturePolicy; 3] = [
    SignaturePolicy::Off,
    SignaturePolicy::Warn,
    SignaturePolicy::Require,
];

#[test]
fn a_good_signature_is_good_under_every_policy() {
    for policy in POLICIES {
        let verdict = judged(policy, WASM, Some(BY_A)).unwrap();
        assert_eq!(verdict.warning, None);
        let expected = SignedBy {
            signer: "release".into(),
            key_id: "C1800BCA6F31C2DE".into(),
            public_key: A_KEY.into(),
            trusted_comment: "version 3 of slack".into(),
        };
        assert_eq!(verdict.signed_by, Some(expected));
    }
}

#[test]
fn a_bad_signature_of_a_signer_is_bad_under_every_policy() {
    let other_comment = BY_A.replace("version 3", "version 4");
    let global_of_another = {
        let line = BY_B.lines().nth(3).unwrap();
        BY_A.replace(BY_A.lines().nth(3).unwrap(), line)
    };
    for policy in POLICIES {
        for (wasm, text) in [
            (&b"other bytes"[..], BY_A),
            (WASM, &other_comment),
            (WASM, &global_of_another),
            (WASM, BY_A_LEGACY),
            (WASM, ""),
            (WASM, "untrusted comment: x\nRUQ=\ntrusted comment: y\n"),
            (WASM, &"x".repeat(SIGNATURE_BYTES_MAX + 1)),
        ] {
            assert_eq!(
                judged(policy, wasm, Some(text)),
                Err("signature_invalid"),
                "{text}"
            );
        }
    }
    let legacy = signers().judge(SignaturePolicy::Off, WASM, Some(BY_A_LEGACY));
    assert!(legacy.unwrap_err().to_string().contains("legacy"));
}

#[test]
fn what_is_missing_or_unknown_is_a_matter_of_the_policy() {
    use SignaturePolicy::{Off, Require, Warn};
    let warned = |policy, text| {
        let verdict = judged(policy, WASM, text).unwrap();
        assert_eq!(verdict.signed_by, None);
        verdict.warning.is_some()
    };
    assert!(!warned(Off, None));
    assert!(warned(Warn, None));
    assert_eq!(judged(Require, WASM, None), Err("signature_missing"));
    assert!(
        warned(Off, Some(BY_B)),
        "a signature that came to nothing is told of"
    );
    assert!(warned(Warn, Some(BY_B)));
    assert_eq!(judged(Require, WASM, Some(BY_B)), Err("signer_unknown"));
}

/// Whoever makes a key can give it the id of another.
#[test]
fn a_key_with_the_id_of_a_signer_is_not_that_signer() {
    let mut twin = BASE64.decode(B_KEY).unwrap();
    let a = BASE64.decode(A_KEY).unwrap();
    twin[2..10].copy_from_slice(&a[2..10]);
    let twin = Signer::parse("twin", &BASE64.encode(&twin)).unwrap();
    assert_eq!(twin.key_id, "C1800BCA6F31C2DE");
    let alone: Signers = [twin.clone()].into_iter().collect();
    let refused = alone.judge(SignaturePolicy::Off, WASM, Some(BY_A));
    assert_eq!(refused.unwrap_err().code(), "signature_invalid");
    let both: Signers = [twin, Signer::parse("release", A_KEY).unwrap()]
        .into_iter()
        .collect();
    let verdict = both.judge(SignaturePolicy::Off, WASM, Some(BY_A)).unwrap();
    assert_eq!(verdict.signed_by.unwrap().signer, "release");
    assert!(both.trust(A_KEY) && !both.trust(B_KEY));
}

#[test]
fn an_id_has_no_zeros_before_it() {
    let mut key = BASE64.decode(A_KEY).unwrap();
    key[9] = 0x0e;
    let key = Signer::parse("a", &BASE64.encode(&key)).unwrap();
    assert_eq!(key.key_id, "E800BCA6F31C2DE");
}

#[test]
fn a_key_is_read_from_its_file_or_its_line() {
    let file = format!("untrusted comment: minisign public key C1800BCA6F31C2DE\n{A_KEY}\n");
    let from_file = Signer::parse("a", &file).unwrap();
    assert_eq!(from_file, Signer::parse("a", &format!(" {A_KEY}\n")).unwrap());
    assert_eq!(from_file.public_key, A_KEY);
    for wrong in [
        "",
        "hello",
        "untrusted comment: x\n",
        "RWQ=",
        BY_A,
        &"A".repeat(2_000),
    ] {
        assert!(Signer::parse("a", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn policies_are_in_order_and_have_names() {
    assert!(SignaturePolicy::Off < SignaturePolicy::Warn && SignaturePolicy::Warn < SignaturePolicy::Require);
    for policy in POLICIES {
        assert_eq!(policy.as_str().parse(), Ok(policy));
    }
    assert_eq!("on".parse::<SignaturePolicy>(), Err(()));
}

#[test]
fn no_changed_signature_is_good() {
    let untrusted = BY_A.find('\n').unwrap();
    let (mut changed, mut good) = (BY_A.as_bytes().to_vec(), Vec::new());
    for at in untrusted..BY_A.len() {
        for bit in [0, 2, 5] {
            changed[at] ^= 1 << bit;
            let verdict = signers().judge(SignaturePolicy::Off, WASM, str::from_utf8(&changed).ok());
            if verdict.is_ok_and(|verdict| verdict.signed_by.is_some()) {
                good.push(String::from_utf8_lossy(&changed).into_owned());
            }
            changed[at] ^= 1 << bit;
        }
    }
    // What follows the last line is not looked at.
    good.retain(|text| text.lines().nth(3) != BY_A.lines().nth(3));
    assert!(good.is_empty(), "{good:#?}");
}
