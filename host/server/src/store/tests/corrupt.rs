//! Rows that someone else has broken.

use super::*;

/// Everything there is, in one group.
async fn fill(store: &Store, name: &str) {
    let t = tenant(name);
    let key = group(name);
    store.put_module(&t, &module("m", b"one")).await.unwrap();
    store.put_named(ItemKind::Source, &t, "s", "{}", 1).await.unwrap();
    store
        .put_receiver(&t, "am", "{}", &unpinned("m"), 1)
        .await
        .unwrap();
    let revision = put_rules(store, &key, &["r"]).await;
    let mut one = commit(&rule_of(&key, "r"), revision, 1);
    one.alerts_upsert = vec![alert("A", 1.0)];
    one.state.insert("k".into(), Some(vec![1]));
    let timer = wasmalert_core::evaluation::Timer {
        due_ms: 1,
        payload: vec![],
    };
    one.timers.insert("w".into(), Some(timer));
    one.outbox = vec![delivery(&format!("{name}01"), "am", OutboxKind::Fired)];
    one.evaluation = Some(evaluation("e1", 1));
    store.commit(one).done().await.unwrap();
}

/// The error of the first call that fails.
async fn first_error(store: &Store) -> Option<StoreError> {
    let t = tenant("t");
    let key = group("t");
    let tried = async || -> Result<(), StoreError> {
        store.all_module_versions(&t).await?;
        store.list_specs(&SOURCES, &t).await?;
        store.list_receivers(&t).await?;
        store.list_groups(&t).await?;
        store.load_group_runtime(&key).await?;
        store.list_outbox(&t, None, 10, None).await?;
        store.get_evaluation(&t, "e1").await?;
        store.list_evaluations(&rule_of(&key, "r"), 10, None).await?;
        Ok(())
    };
    tried().await.err()
}

pub(super) async fn broken_rows_say_where_they_are(store: Store) {
    fill(&store, "t").await;
    assert!(first_error(&store).await.is_none());
    let cases = [
        (
            "UPDATE modules SET version = 4294967296",
            "UPDATE modules SET version = 1",
            "modules",
            "version",
            "name=m",
        ),
        (
            "UPDATE module_names SET promoted = 4294967296",
            "UPDATE module_names SET promoted = 1",
            "modules",
            "promoted",
            "name=m",
        ),
        (
            "UPDATE modules SET size_bytes = -1",
            "UPDATE modules SET size_bytes = 3",
            "modules",
            "size_bytes",
            "name=m",
        ),
        (
            "UPDATE receivers SET module_version = -1",
            "UPDATE receivers SET module_version = 0",
            "receivers",
            "module_version",
            "name=am",
        ),
        (
            "UPDATE rule_health SET health = 'great'",
            "UPDATE rule_health SET health = 'ok'",
            "rule_health",
            "health",
            "rule=r",
        ),
        (
            "UPDATE alerts SET labels = '{\"a\":'",
            "UPDATE alerts SET labels = '{}'",
            "alerts",
            "labels",
            "rule=r fingerprint=",
        ),
        (
            "UPDATE alerts SET labels = '{\"a\":1}'",
            "UPDATE alerts SET labels = '{}'",
            "alerts",
            "labels",
            "fingerprint=",
        ),
        (
            "UPDATE alerts SET annotations = '{}'",
            "UPDATE alerts SET annotations = '[]'",
            "alerts",
            "annotations",
            "fingerprint=",
        ),
        (
            "UPDATE outbox SET kind = 'shouted'",
            "UPDATE outbox SET kind = 'fired'",
            "outbox",
            "kind",
            "id=t01",
        ),
        (
            "UPDATE outbox SET attempts = -1",
            "UPDATE outbox SET attempts = 0",
            "outbox",
            "attempts",
            "id=t01",
        ),
        (
            "UPDATE evaluations SET fuel = -1",
            "UPDATE evaluations SET fuel = 1",
            "evaluations",
            "fuel",
            "id=e1",
        ),
        (
            "UPDATE evaluations SET rounds = 4294967296",
            "UPDATE evaluations SET rounds = 1",
            "evaluations",
            "rounds",
            "id=e1",
        ),
    ];
    for (damage, repair, in_table, in_column, in_key) in cases {
        sql(&store, damage).await.unwrap();
        match first_error(&store).await {
            Some(StoreError::Corrupt {
                table, key, column, ..
            }) => {
                assert_eq!((table, column), (in_table, in_column), "{damage}");
                assert!(key.contains(in_key), "{damage}: {key}");
            }
            other => panic!("{damage}: {other:?}"),
        }
        sql(&store, repair).await.unwrap();
        assert!(first_error(&store).await.is_none(), "{repair}");
    }
}

pub(super) async fn one_broken_row_does_not_stop_other_tenants(store: Store) {
    fill(&store, "t").await;
    fill(&store, "u").await;
    sql(&store, "UPDATE outbox SET kind = 'shouted' WHERE tenant = 't'")
        .await
        .unwrap();
    let due = store.due(&tenant("t"), None, 100, 10).await.unwrap();
    assert!(matches!(due[0], Err(StoreError::Corrupt { table: "outbox", .. })));
    let due = store.due(&tenant("u"), None, 100, 10).await.unwrap();
    assert_eq!(due[0].as_ref().unwrap().id, "u01");

    store.put_group(&group("v"), "{}", &[], 1).await.unwrap();
    sql(&store, "UPDATE rule_groups SET tenant = '!' WHERE tenant = 'v'")
        .await
        .unwrap();
    let groups = store.groups_of_all_tenants().await.unwrap();
    assert!(matches!(
        groups[0],
        Err(StoreError::Corrupt { column: "tenant", .. })
    ));
    assert_eq!(groups.iter().filter(|group| group.is_ok()).count(), 2);
}
