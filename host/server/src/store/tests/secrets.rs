//! Secrets in the file: sealed, sealed anew, and taken over from older versions.

use super::*;
use crate::egress::HostPort;
use crate::secrets::at_rest::{read, seal, seal_anew};
use crate::secrets::keyring::{KeySource, Keyring};
use crate::secrets::{Place, SecretError, Secrets, substitute};
use crate::store::migrate::{MIGRATIONS, Migration};

const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
/// Long enough that no chance has it in a file, and told apart from others.
const VALUE: &str = "pla1n-v4lue-of-a-secret";

fn keyring(keys: &str) -> Keyring {
    Keyring::load(&KeySource::Text(keys.to_owned()), Path::new("none")).expect("keys")
}

/// The steps of the versions that kept plain text.
fn older() -> &'static [Migration] {
    let sealing = MIGRATIONS.iter().position(|step| step.version == 5);
    &MIGRATIONS[..sealing.expect("there is the step")]
}

/// A value as a request to this host would carry it.
fn value(secrets: &Secrets, name: &str, host: &str) -> Result<String, SecretError> {
    let url = reqwest::Url::parse(&format!("http://{host}/")).expect("a URL");
    let text = format!("{{{{secret:{name}}}}}");
    let value = substitute(&text, Place::Body, &secrets.for_url(&url));
    value.map(std::borrow::Cow::into_owned)
}

/// Files of the directory that hold the text.
fn files_with(dir: &TempDir, text: &str) -> Vec<String> {
    let files = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    };
    files
        .filter(holds)
        .map(|path| path.display().to_string())
        .collect()
}

async fn put(store: &Store, keys: &str, name: &str, hosts: &[&str]) {
    let hosts: Vec<HostPort> = hosts.iter().map(|host| host.parse().unwrap()).collect();
    let row = seal(&keyring(keys), &tenant("t"), name, VALUE, &hosts).unwrap();
    store.put_secret(&tenant("t"), &row, 1).await.unwrap();
}

/// A store of an older version with plain secrets: some there, one replaced, many gone.
async fn plain_store(dir: &TempDir) -> Store {
    let store = Store::open_with(dir.path(), older()).await.unwrap();
    // Older versions left deleted text where it was.
    let keeps = sqlx::query("PRAGMA secure_delete = OFF");
    keeps.execute(&store.write).await.unwrap();
    let insert = "INSERT INTO secrets (tenant, name, content, updated_ms) VALUES ($1, $2, $3, 7)
        ON CONFLICT (tenant, name) DO UPDATE SET content = excluded.content";
    let long = VALUE.repeat(1_000);
    let many = (0..200).map(|at| ("t", format!("gone-{at}"), long.as_str()));
    let kept = [
        ("t", "a", VALUE),
        ("t", "b", &long),
        ("u", "a", VALUE),
        ("t", "b", "x"),
    ];
    let kept = kept.map(|(tenant, name, content)| (tenant, name.to_owned(), content));
    for (tenant, name, content) in many.chain(kept) {
        let put = sqlx::query(insert).bind(tenant).bind(name).bind(content);
        put.execute(&store.write).await.unwrap();
    }
    let gone = sqlx::query("DELETE FROM secrets WHERE name LIKE 'gone-%'");
    gone.execute(&store.write).await.unwrap();
    store
}

#[tokio::test]
async fn plain_text_of_an_older_version_is_sealed_and_gone_from_every_file() {
    let dir = TempDir::new();
    plain_store(&dir).await.close().await;
    assert!(
        !files_with(&dir, VALUE).is_empty(),
        "so there is something to find"
    );

    let (store, keys) = (Store::open(dir.path()).await.unwrap(), keyring(ONE));
    seal_anew(&store, &keys).await.unwrap();
    assert_eq!(files_with(&dir, VALUE), [""; 0], "while it is open");
    for name in ["t", "u"] {
        let secrets = read(&store, &keys, &tenant(name)).await.unwrap();
        assert_eq!(value(&secrets, "a", "any.example"), Ok(VALUE.to_owned()));
    }
    let listed = store.list_secrets(&tenant("t")).await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|row| (row.name.as_str(), row.hosts.as_str(), row.updated_ms))
        .collect();
    assert_eq!(listed, [("a", "[\"*\"]", 7), ("b", "[\"*\"]", 7)]);
    store.close().await;
    assert_eq!(files_with(&dir, VALUE), [""; 0], "after it was closed");
}

#[tokio::test]
async fn a_start_that_broke_off_is_taken_up_by_the_next() {
    let dir = TempDir::new();
    plain_store(&dir).await.close().await;
    // Sealed, but not yet scrubbed: the file still has what lay in its pages.
    let (store, keys) = (Store::open(dir.path()).await.unwrap(), keyring(ONE));
    let rows = store.sealed_secrets_of_all_tenants().await.unwrap();
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(tenant, row)| {
            let sealed = seal(&keys, &tenant, &row.name, &row.content, &[HostPort::ANY]).unwrap();
            (tenant, sealed)
        })
        .collect();
    store.replace_sealed_secrets(&rows).await.unwrap();
    store.close().await;
    assert!(
        !files_with(&dir, VALUE).is_empty(),
        "so there is something to find"
    );

    let store = Store::open(dir.path()).await.unwrap();
    seal_anew(&store, &keys).await.unwrap();
    assert_eq!(files_with(&dir, VALUE), [""; 0]);
    // It is done once.
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM chores")
        .fetch_one(&store.read)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_secret_is_never_in_a_file_as_it_is() {
    let dir = TempDir::new();
    let store = Store::open(dir.path()).await.unwrap();
    put(&store, ONE, "a", &["*"]).await;
    put(&store, ONE, "a", &["hooks.example.com"]).await;
    let secrets = read(&store, &keyring(ONE), &tenant("t")).await.unwrap();
    assert_eq!(value(&secrets, "a", "hooks.example.com"), Ok(VALUE.to_owned()));
    assert!(matches!(
        value(&secrets, "a", "evil.example"),
        Err(SecretError::NotBound { .. })
    ));
    assert_eq!(files_with(&dir, VALUE), [""; 0]);
    store.close().await;
    assert_eq!(files_with(&dir, VALUE), [""; 0]);
}

#[tokio::test]
async fn a_new_key_on_top_seals_everything_anew() {
    let dir = TempDir::new();
    let store = Store::open(dir.path()).await.unwrap();
    put(&store, ONE, "a", &["*"]).await;
    put(&store, TWO, "b", &["*"]).await;
    let before = store.sealed_secrets(&tenant("t")).await.unwrap();
    seal_anew(&store, &keyring(&format!("{TWO},{ONE}")))
        .await
        .unwrap();
    let after = store.sealed_secrets(&tenant("t")).await.unwrap();
    assert!(after.iter().all(|row| row.key_id == keyring(TWO).first_id()));
    assert_eq!(after[1], before[1], "what is under the first key stays");
    // The old key can go.
    let secrets = read(&store, &keyring(TWO), &tenant("t")).await.unwrap();
    for name in ["a", "b"] {
        assert_eq!(value(&secrets, name, "h"), Ok(VALUE.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn what_does_not_open_stops_nobody_else() {
    let dir = TempDir::new();
    let store = Store::open(dir.path()).await.unwrap();
    put(&store, ONE, "lost", &["*"]).await;
    put(&store, TWO, "kept", &["*"]).await;
    // One row over another, hosts that were widened, and plain text slipped in later.
    put(&store, TWO, "moved", &["*"]).await;
    put(&store, TWO, "widened", &["hooks.example.com"]).await;
    let change = |sql: &'static str| sqlx::query(sql).execute(&store.write);
    let moved =
        "UPDATE secrets SET content = (SELECT content FROM secrets WHERE name = 'kept') WHERE name = 'moved'";
    change(moved).await.unwrap();
    change("UPDATE secrets SET hosts = '[\"*\"]' WHERE name = 'widened'")
        .await
        .unwrap();
    seal_anew(&store, &keyring(TWO)).await.unwrap();
    change("INSERT INTO secrets (tenant, name, content, updated_ms) VALUES ('t', 'plain', 'x', 1)")
        .await
        .unwrap();
    change("INSERT INTO secrets VALUES ('t', 'torn', 'x', 1, 'k', 'no json')")
        .await
        .unwrap();

    let secrets = read(&store, &keyring(TWO), &tenant("t")).await.unwrap();
    assert_eq!(value(&secrets, "kept", "h"), Ok(VALUE.to_owned()));
    for name in ["lost", "moved", "widened", "plain", "torn"] {
        let sealed = matches!(
            value(&secrets, name, "h"),
            Err(SecretError::Sealed { .. } | SecretError::NotBound { .. })
        );
        assert!(sealed, "{name}: {:?}", value(&secrets, name, "h"));
    }
    // It was left as it is: with its key it opens again.
    let again = read(&store, &keyring(ONE), &tenant("t")).await.unwrap();
    assert_eq!(value(&again, "lost", "h"), Ok(VALUE.to_owned()));
}
