use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("wasmalert-keyring-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn load(&self, source: &KeySource) -> Result<Keyring, KeyError> {
        Keyring::load(source, &self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn keyring(text: &str) -> Keyring {
    let folder = Folder::new();
    folder.load(&KeySource::Text(text.to_owned())).expect("keys")
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a name")
}

#[test]
fn what_is_sealed_opens_for_the_same_row_alone() {
    let keys = keyring(ONE);
    let (own, other) = (tenant("a"), tenant("b"));
    let sealed_for = SealedFor {
        tenant: &own,
        name: "key",
        hosts: r#"["*"]"#,
    };
    let sealed = keys.seal(sealed_for, "s3cr3t").expect("sealed");
    assert_eq!(keys.open(sealed_for, &sealed), Ok("s3cr3t".to_owned()));
    for moved in [
        SealedFor {
            tenant: &other,
            ..sealed_for
        },
        SealedFor {
            name: "other",
            ..sealed_for
        },
        SealedFor {
            hosts: r#"["evil.example"]"#,
            ..sealed_for
        },
        SealedFor {
            name: "key[",
            hosts: r#""*"]"#,
            ..sealed_for
        },
    ] {
        assert_eq!(keys.open(moved, &sealed), Err(OpenError::Damaged), "{moved:?}");
    }
    let bytes = BASE64.decode(&sealed.content).expect("base64");
    assert!(!bytes.windows(6).any(|part| part == b"s3cr3t"));
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let content = BASE64.encode(bytes);
        let changed = Sealed {
            content,
            ..sealed.clone()
        };
        assert_eq!(
            keys.open(sealed_for, &changed),
            Err(OpenError::Damaged),
            "byte {at}"
        );
    }
    for content in ["", "AAAA", "no base64"] {
        let content = content.to_owned();
        let changed = Sealed {
            content,
            ..sealed.clone()
        };
        assert_eq!(keys.open(sealed_for, &changed), Err(OpenError::Damaged));
    }
    let again = keys.seal(sealed_for, "s3cr3t").expect("sealed");
    assert_ne!(again.content, sealed.content, "each has a nonce of its own");
}

#[test]
fn the_first_key_seals_and_every_key_opens() {
    let owner = tenant("a");
    let sealed_for = SealedFor {
        tenant: &owner,
        name: "n",
        hosts: "",
    };
    let sealed = keyring(ONE).seal(sealed_for, "value").expect("sealed");
    let rotated = keyring(&format!("# new\n{TWO}\n\n# old\n{ONE}\n"));
    assert_eq!(rotated.open(sealed_for, &sealed), Ok("value".to_owned()));
    assert_ne!(rotated.first_id(), sealed.key_id);
    assert_eq!(keyring(TWO).first_id(), rotated.first_id());
    assert_eq!(keyring(TWO).open(sealed_for, &sealed), Err(OpenError::NoKey));
    assert_eq!(
        keyring(&format!("{TWO}, {ONE}")).open(sealed_for, &sealed),
        Ok("value".to_owned())
    );
}

#[test]
fn keys_that_are_none() {
    let folder = Folder::new();
    let load = |text: &str| folder.load(&KeySource::Text(text.to_owned())).map(drop);
    for wrong in [
        format!("{ONE}\nAQEB"),
        format!("{ONE},short-s3cr3t"),
        format!("{ONE}A"),
    ] {
        let error = load(&wrong).expect_err("is refused").to_string();
        assert!(error.contains("is not 32 bytes in base64"), "{error}");
        assert!(!error.contains("AQEB") && !error.contains("s3cr3t"), "{error}");
    }
    assert!(matches!(
        load(" # nothing\n"),
        Err(KeyError::Count { found: 0, .. })
    ));
    let missing = folder.load(&KeySource::File(folder.0.join("none")));
    assert!(matches!(missing.map(drop), Err(KeyError::Io { .. })));
    assert!(!format!("{:?}", KeySource::Text(ONE.to_owned())).contains("AQEB"));
}

#[test]
fn without_a_key_one_is_made_and_kept() {
    let folder = Folder::new();
    let made = folder.load(&KeySource::DataDir).expect("a key");
    let path = folder.0.join(FILE_NAME);
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = folder.load(&KeySource::DataDir).expect("a key");
    assert_eq!(made.first_id(), again.first_id());
    assert_ne!(made.first_id(), keyring(ONE).first_id());

    // It opens what it sealed after another has taken its place.
    let owner = tenant("a");
    let sealed_for = SealedFor {
        tenant: &owner,
        name: "n",
        hosts: "",
    };
    let sealed = made.seal(sealed_for, "value").expect("sealed");
    let file = folder.0.join("mine");
    std::fs::write(&file, ONE).expect("written");
    let mine = folder.load(&KeySource::File(file)).expect("keys");
    assert_eq!(mine.first_id(), keyring(ONE).first_id());
    assert_eq!(mine.open(sealed_for, &sealed), Ok("value".to_owned()));
}
