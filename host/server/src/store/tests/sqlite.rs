//! The file: modes, crashes, damage, full disks, schema.

use std::os::unix::fs::PermissionsExt as _;

use super::migrate::{MIGRATIONS, Migration};
use super::*;

/// A commit with something in every table.
fn with_alert(group: &GroupKey, revision: i64, seq: i64) -> RuleCommit {
    let mut one = commit(&rule_of(group, "r"), revision, seq);
    one.alerts_upsert = vec![alert("A", seq as f64)];
    one.outbox = vec![delivery(&format!("{seq:025x}"), "am", OutboxKind::Fired)];
    one.evaluation = Some(evaluation(&format!("{seq:025x}"), seq));
    one
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let dir = TempDir::new();
    let data_dir = dir.path().join("deep/data");
    std::fs::create_dir_all(&data_dir).unwrap();
    let loose = std::fs::Permissions::from_mode(0o644);
    std::fs::write(data_dir.join(FILE_NAME), "").unwrap();
    std::fs::set_permissions(data_dir.join(FILE_NAME), loose).unwrap();
    let store = Store::open(&data_dir).await.unwrap();
    put_rules(&store, &group("t"), &["r"]).await;
    let files = std::fs::read_dir(&data_dir).unwrap();
    let modes: Vec<_> = files
        .map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert_eq!(modes, [0o600; 3], "the file, its log and its index");
}

#[tokio::test]
async fn evaluations_of_a_rule_are_listed_without_those_of_others() {
    let dir = TempDir::new();
    let store = Store::open(dir.path()).await.unwrap();
    let explain = format!("EXPLAIN QUERY PLAN {}", crate::store::evaluations::LIST);
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(explain))
        .fetch_all(&store.read)
        .await
        .unwrap();
    let search = &plan[0].3;
    assert!(search.contains("AND rule=?"), "{plan:?}");
}

#[tokio::test]
async fn committed_work_is_there_after_a_crash() {
    let dir = TempDir::new();
    let key = group("t");
    let store = Store::open(dir.path()).await.unwrap();
    let revision = put_rules(&store, &key, &["r"]).await;
    let last_id = store.new_id(2_000_000_000_000);
    for seq in 1..=20 {
        store
            .commit(with_alert(&key, revision, seq))
            .done()
            .await
            .unwrap();
    }
    let mut last = with_alert(&key, revision, 21);
    last.outbox[0].id = last_id.clone();
    store.commit(last).done().await.unwrap();
    // What the disk holds in the middle of the next transaction is what a crash leaves.
    let mut open = store.begin_write().await.unwrap();
    sqlx::query("DELETE FROM alerts")
        .execute(&mut *open)
        .await
        .unwrap();
    let crashed = TempDir::new();
    for file in [FILE_NAME.to_owned(), format!("{FILE_NAME}-wal")] {
        std::fs::copy(dir.path().join(&file), crashed.path().join(&file)).unwrap();
    }
    let again = Store::open(crashed.path()).await.unwrap();
    let before = store.load_group_runtime(&key).await.unwrap();
    let after = again.load_group_runtime(&key).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(after[0].health.seq, 21);
    assert_eq!(after[0].alerts, [alert("A", 21.0)]);
    let pending = again.list_outbox(&key.tenant, None, 100, None).await.unwrap();
    assert_eq!(pending.len(), 21);
    assert!(again.new_id(1) > last_id, "ids go on, whatever the clock says");
    again.commit(with_alert(&key, revision, 22)).done().await.unwrap();
}

#[tokio::test]
async fn dropped_without_close_and_opened_beside_the_first() {
    let dir = TempDir::new();
    let key = group("t");
    let store = Store::open(dir.path()).await.unwrap();
    let revision = put_rules(&store, &key, &["r"]).await;
    store.commit(with_alert(&key, revision, 1)).done().await.unwrap();
    let second = Store::open(dir.path()).await.unwrap();
    assert_eq!(second.load_group_runtime(&key).await.unwrap().len(), 1);
    second.commit(with_alert(&key, revision, 2)).done().await.unwrap();
    let first = store.load_group_runtime(&key).await.unwrap();
    assert_eq!(first[0].health.seq, 2);
    drop((store, second));
    let third = Store::open(dir.path()).await.unwrap();
    assert_eq!(third.load_group_runtime(&key).await.unwrap(), first);
    third.close().await;
    let closed = third.commit(with_alert(&key, revision, 3)).done().await;
    assert!(matches!(closed, Err(StoreError::Closed)), "{closed:?}");
    assert!(matches!(third.get_group(&key).await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn the_log_does_not_grow_with_what_is_committed_and_is_gone_after_the_end() {
    let dir = TempDir::new();
    let key = group("t");
    let store = Store::open(dir.path()).await.unwrap();
    let revision = put_rules(&store, &key, &["r"]).await;
    let log = dir.path().join(format!("{FILE_NAME}-wal"));
    let log_bytes = || std::fs::metadata(&log).map_or(0, |log| log.len());
    let mut sizes = Vec::new();
    for round in 0..3 {
        for seq in 1..=200 {
            let commit = with_alert(&key, revision, round * 200 + seq);
            store.commit(commit).done().await.unwrap();
        }
        sizes.push(log_bytes());
        checkpoint::once(&store.checkpoints).await.unwrap();
    }
    assert!(
        sizes[0] > 1 << 20,
        "without a checkpoint everything is in it: {sizes:?}"
    );
    assert!(sizes[2] < 2 * sizes[0], "it began anew: {sizes:?}");
    store.close().await;
    assert_eq!(log_bytes(), 0);
}

#[tokio::test]
async fn what_is_no_database_is_refused_with_advice() {
    let dir = TempDir::new();
    let file = dir.path().join(FILE_NAME);
    std::fs::write(
        &file,
        "this is not a database, but a text of some length\n".repeat(99),
    )
    .unwrap();
    let error = Store::open(dir.path()).await.err().unwrap();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains(file.to_str().unwrap()) && text.contains("backup"),
        "{text}"
    );

    let blocked = dir.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let error = Store::open(&blocked).await.err().unwrap();
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn damaged_pages_are_an_error_and_no_panic() {
    let dir = TempDir::new();
    let key = group("t");
    let store = Store::open(dir.path()).await.unwrap();
    let revision = put_rules(&store, &key, &["r"]).await;
    for seq in 1..=200 {
        store
            .commit(with_alert(&key, revision, seq))
            .done()
            .await
            .unwrap();
    }
    store.close().await;
    drop(store);
    let file = dir.path().join(FILE_NAME);
    let mut bytes = std::fs::read(&file).unwrap();
    let size = bytes.len();
    bytes[4_096..size].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let error = match Store::open(dir.path()).await {
        Ok(store) => store.list_outbox(&key.tenant, None, 1_000, None).await.err(),
        Err(error) => Some(error),
    };
    assert!(matches!(error, Some(StoreError::Damaged { .. })), "{error:?}");
}

#[tokio::test]
async fn a_schema_from_elsewhere_is_refused() {
    let dir = TempDir::new();
    let next = |version, sql| Migration { version, sql };
    let newest = MIGRATIONS.last().map_or(0, |step| step.version);
    let and_then = |sql| {
        let known = MIGRATIONS.iter().map(|step| next(step.version, step.sql));
        known.chain([next(newest + 1, sql)]).collect::<Vec<_>>()
    };
    let added = and_then("CREATE TABLE added (id BIGINT NOT NULL PRIMARY KEY)");
    let key = group("t");
    let store = Store::open(dir.path()).await.unwrap();
    put_rules(&store, &key, &["r"]).await;
    store.close().await;
    // A step that fails leaves the store as it was.
    let failing = and_then("CREATE TABLE half (id BIGINT); CREATE NONSENSE");
    assert!(Store::open_with(dir.path(), &failing).await.is_err());
    let store = Store::open_with(dir.path(), &added).await.unwrap();
    assert_eq!(count(&store, "SELECT COUNT(*) FROM added").await, 0);
    assert!(store.get_group(&key).await.unwrap().is_some());
    store.close().await;

    let older = Store::open(dir.path()).await.err().unwrap();
    assert!(
        matches!(older, StoreError::NewerSchema { found, known, .. }
            if (found, known) == (newest + 1, newest)),
        "{older:?}"
    );
    let edited = and_then("CREATE TABLE added (id BIGINT)");
    let other = Store::open_with(dir.path(), &edited).await.err().unwrap();
    assert!(
        matches!(other, StoreError::OtherSchema { version, .. } if version == newest + 1),
        "{other:?}"
    );
    assert!(Store::open_with(dir.path(), &added).await.is_ok());
}

#[tokio::test]
async fn versions_from_before_provenance_and_promotion_tell_what_is_known() {
    let dir = TempDir::new();
    let before = MIGRATIONS.iter().filter(|step| step.version < 7);
    let before: Vec<_> = before
        .map(|step| Migration {
            version: step.version,
            sql: step.sql,
        })
        .collect();
    let store = Store::open_with(dir.path(), &before).await.unwrap();
    let rows = "INSERT INTO module_names VALUES ('t', 'm', 2);
        INSERT INTO module_code VALUES ('t', 'own', x'00'), ('t', 'stock', x'01');
        INSERT INTO modules (tenant, name, version, digest, world, description, size_bytes, compile_ms, created_ms)
            VALUES ('t', 'm', 1, 'own', 'rule', '{}', 1, 1, 1), ('t', 'm', 2, 'stock', 'rule', '{}', 1, 1, 1);
        INSERT INTO stock_modules VALUES ('t', 'm', 'stock', '0.1.0')";
    sqlx::raw_sql(rows).execute(&store.write).await.unwrap();
    store.close().await;
    let store = Store::open(dir.path()).await.unwrap();
    let versions = store.module_versions(&tenant("t"), "m").await.unwrap();
    let provenance: Vec<_> = versions.iter().map(|row| row.provenance.as_str()).collect();
    assert_eq!(provenance, ["{\"source\":{\"kind\":\"stock\"}}", "{}"]);
    // Nor was any promoted: the newest was what rules followed.
    let promoted: Vec<_> = versions.iter().map(|row| row.promoted).collect();
    assert_eq!(promoted, [true, false]);
    let parsed = crate::provenance::Provenance::parse(provenance[0]);
    assert_eq!(parsed.source, Some(crate::provenance::ModuleSource::Stock));
}

#[tokio::test]
async fn a_full_disk_fails_commits_whole_and_recovers() {
    let dir = TempDir::new();
    let key = group("t");
    let store = Store::open(dir.path()).await.unwrap();
    let revision = put_rules(&store, &key, &["r"]).await;
    store.commit(with_alert(&key, revision, 1)).done().await.unwrap();
    let before = store.load_group_runtime(&key).await.unwrap();
    // For the connection at hand, and not below what is in use.
    let fill_disk = async || sql(&store, "PRAGMA max_page_count = 1").await.unwrap();
    let mut big = with_alert(&key, revision, 2);
    big.state.insert("k".into(), Some(vec![7; 1 << 20]));
    for _ in 0..3 {
        fill_disk().await;
        let full = store.commit(big.clone()).done().await;
        assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
    }
    fill_disk().await;
    let module = store.put_module(&key.tenant, &module("m", &[0; 1 << 20])).await;
    assert!(matches!(module, Err(StoreError::Full { .. })), "{module:?}");
    assert_eq!(store.load_group_runtime(&key).await.unwrap(), before);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM outbox").await, 1);
    assert!(store.list_modules(&key.tenant).await.unwrap().is_empty());
    sql(&store, "PRAGMA max_page_count = 1000000").await.unwrap();
    store.commit(big).done().await.unwrap();
    assert_eq!(store.load_group_runtime(&key).await.unwrap()[0].health.seq, 2);
}

#[tokio::test]
async fn a_read_only_file_fails_commits_whole() {
    let dir = TempDir::new();
    let key = group("t");
    let store = Store::open(dir.path()).await.unwrap();
    let revision = put_rules(&store, &key, &["r"]).await;
    sql(&store, "PRAGMA query_only = 1").await.unwrap();
    let refused = store.commit(with_alert(&key, revision, 1)).done().await;
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    assert!(store.load_group_runtime(&key).await.unwrap().is_empty());
    sql(&store, "PRAGMA query_only = 0").await.unwrap();
    store.commit(with_alert(&key, revision, 1)).done().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_write_leaves_nothing_behind() {
    let dir = TempDir::new();
    let store = Store::open(dir.path()).await.unwrap();
    let t = tenant("t");
    for steps in 0..40 {
        // Polled a few times, then dropped, as a handler is when its client goes away.
        let put = store.put_named(ItemKind::Source, &t, "s", "{}", 1);
        let mut put = Box::pin(put);
        for _ in 0..steps {
            if futures_util::poll!(&mut put).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let writer = store.begin_write().await.unwrap();
    drop(writer);
    put_rules(&store, &group("t"), &["r"]).await;
}

#[tokio::test]
async fn flushes_before_it_answers() {
    let dir = TempDir::new();
    let store = Store::open(dir.path()).await.unwrap();
    let mut tx = store.begin_write().await.unwrap();
    let pragma = async |tx: &mut Connection, sql: &'static str| -> String {
        let row = sqlx::query(sql).fetch_one(tx).await.unwrap();
        sqlx::Row::try_get_unchecked(&row, 0).unwrap()
    };
    assert_eq!(pragma(&mut tx, "PRAGMA journal_mode").await, "wal");
    assert_eq!(pragma(&mut tx, "PRAGMA synchronous").await, "2", "FULL");
    assert_eq!(pragma(&mut tx, "PRAGMA foreign_keys").await, "1");
}
