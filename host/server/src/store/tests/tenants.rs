//! Two tenants with the same names see nothing of each other.

use super::*;

/// The same things in a tenant, told apart by `mark`.
async fn fill(store: &Store, name: &str, mark: &str) {
    let t = tenant(name);
    let key = group(name);
    store.put_module(&t, &module("m", mark.as_bytes())).await.unwrap();
    store.put_named(ItemKind::Source, &t, "s", mark, 1).await.unwrap();
    store
        .put_receiver(&t, "am", mark, &unpinned("m"), 1)
        .await
        .unwrap();
    let state = BTreeMap::from([("k".to_owned(), Some(mark.as_bytes().to_vec()))]);
    store.write_receiver_state(&t, "am", &state).await.unwrap();
    store.put_secret(&t, &sealed("token", mark), 1).await.unwrap();
    let revision = store.put_group(&key, mark, &rule_uses(&["r"]), 1).await.unwrap();
    let mut one = commit(&rule_of(&key, "r"), revision, 1);
    one.alerts_upsert = vec![alert(mark, 1.0)];
    one.state.insert("k".into(), Some(mark.as_bytes().to_vec()));
    one.queries = Some(mark.into());
    one.outbox = vec![NewOutboxRow {
        payload: mark.into(),
        ..delivery("01", "am", OutboxKind::Resend)
    }];
    one.evaluation = Some(EvaluationRow {
        outcome: Some(mark.into()),
        ..evaluation("e1", 1)
    });
    store.commit(one).done().await.unwrap();
}

pub(super) async fn configuration_is_apart(store: Store) {
    fill(&store, "t", "one").await;
    fill(&store, "u", "two").await;
    for (name, mark, other) in [("t", "one", "two"), ("u", "two", "one")] {
        let t = tenant(name);
        let digest = module("m", mark.as_bytes()).digest;
        let foreign = module("m", other.as_bytes()).digest;
        assert_eq!(store.list_modules(&t).await.unwrap().len(), 1);
        assert_eq!(store.module_versions(&t, "m").await.unwrap().len(), 1);
        let module = store.get_module(&t, "m", 1).await.unwrap().unwrap();
        assert_eq!((module.version, &module.digest), (1, &digest));
        let wasm = store.module_wasm(&t, "m", 1).await.unwrap().unwrap();
        assert_eq!(wasm, mark.as_bytes());
        assert!(store.wasm_by_digest(&t, &digest).await.unwrap().is_some());
        assert_eq!(store.wasm_by_digest(&t, &foreign).await.unwrap(), None);
        assert_eq!(
            store.get_spec(&SOURCES, &t, "s").await.unwrap().unwrap().spec,
            mark
        );
        assert_eq!(store.list_specs(&SOURCES, &t).await.unwrap().len(), 1);
        assert_eq!(store.get_receiver(&t, "am").await.unwrap().unwrap().spec, mark);
        assert_eq!(store.list_receivers(&t).await.unwrap().len(), 1);
        assert_eq!(
            store.receiver_state(&t, "am").await.unwrap()["k"],
            mark.as_bytes()
        );
        assert_eq!(store.sealed_secrets(&t).await.unwrap(), [sealed("token", mark)]);
        assert_eq!(store.list_secrets(&t).await.unwrap().len(), 1);
        assert_eq!(store.get_group(&group(name)).await.unwrap().unwrap().spec, mark);
        assert_eq!(store.list_groups(&t).await.unwrap().len(), 1);
    }
}

pub(super) async fn runtime_and_outbox_are_apart(store: Store) {
    fill(&store, "t", "one").await;
    fill(&store, "u", "two").await;
    for (name, mark) in [("t", "one"), ("u", "two")] {
        let t = tenant(name);
        let rules = store.load_group_runtime(&group(name)).await.unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].alerts, [alert(mark, 1.0)]);
        assert_eq!(rules[0].state["k"], mark.as_bytes());
        assert_eq!(rules[0].queries.as_deref(), Some(mark));
        let outbox = store.list_outbox(&t, None, 10, None).await.unwrap();
        assert_eq!(
            outbox.iter().map(|row| row.payload.as_str()).collect::<Vec<_>>(),
            [mark]
        );
        let (rule, row) = store.get_evaluation(&t, "e1").await.unwrap().unwrap();
        assert_eq!((rule.tenant(), row.outcome.as_deref()), (&t, Some(mark)));
        let listed = store
            .list_evaluations(&rule_of(&group(name), "r"), 10, None)
            .await;
        assert_eq!(listed.unwrap().len(), 1);
    }
    // The same ids in both: a change reaches one.
    let t = tenant("t");
    store.record_attempt(&t, "01", 500, "x").await.unwrap();
    store.record_progress(&t, "01", 2).await.unwrap();
    store.record_dead(&t, "01", 600, "x").await.unwrap();
    assert!(!store.retry_dead(&tenant("u"), "01", 700).await.unwrap());
    let other = store.list_outbox(&tenant("u"), None, 10, None).await.unwrap();
    assert_eq!((other[0].attempts, other[0].requests_done), (0, 0));
    assert_eq!(other[0].status, OutboxStatus::Pending);
    assert!(store.record_delivered(&tenant("u"), "01", 600).await.unwrap());
    let mine = store.list_outbox(&t, None, 10, None).await.unwrap();
    assert_eq!(mine[0].status, OutboxStatus::Dead);
}

pub(super) async fn deletes_reach_only_their_tenant(store: Store) {
    fill(&store, "t", "same").await;
    fill(&store, "u", "same").await;
    let t = tenant("t");
    let u = tenant("u");
    let before = store.load_group_runtime(&group("u")).await.unwrap();
    put_rules(&store, &group("t"), &["another"]).await;
    assert!(store.delete_group(&group("t")).await.unwrap());
    assert!(store.delete_receiver(&t, "am").await.unwrap());
    assert!(store.delete_source(&t, "s").await.unwrap());
    assert!(store.delete_secret(&t, "token").await.unwrap());
    assert!(store.delete_module_version(&t, "m", 1).await.unwrap());
    assert!(!store.delete_module(&t, "m").await.unwrap());
    assert_eq!(store.load_group_runtime(&group("u")).await.unwrap(), before);
    assert_eq!(store.module_wasm(&u, "m", 1).await.unwrap().unwrap(), b"same");
    assert_eq!(store.receiver_state(&u, "am").await.unwrap()["k"], b"same");
    assert!(store.get_spec(&SOURCES, &u, "s").await.unwrap().is_some());
    assert_eq!(store.sealed_secrets(&u).await.unwrap().len(), 1);
    assert!(store.get_group(&group("u")).await.unwrap().is_some());
}

/// What a deleted tenant leaves in the tables that have tenants.
pub(super) async fn a_deleted_tenant_leaves_only_its_last_revision(store: Store) {
    for name in ["t", "u"] {
        let row = TenantRow {
            weight: 7,
            quotas: BTreeMap::from([("rules".to_owned(), 3)]),
            limits: BTreeMap::from([("fuel".to_owned(), 4)]),
            created_ms: 1,
            ..TenantRow::new(tenant(name))
        };
        assert!(store.put_tenant(&row).await.unwrap());
        assert!(!store.put_tenant(&row).await.unwrap());
        assert!(store.list_tenants_of_all_tenants().await.unwrap().contains(&row));
        fill(&store, name, name).await;
        let key = KeyRow {
            tenant: tenant(name),
            id: name.into(),
            title: String::new(),
            digest: vec![1],
            scopes: "read".into(),
            created_ms: 1,
            expires_ms: None,
            last_used_ms: None,
        };
        store.add_key(&key).await.unwrap();
        store
            .put_named(ItemKind::Scrape, &tenant(name), "s", "{}", 1)
            .await
            .unwrap();
        let stock = StockRow {
            name: "m".into(),
            digest: "sha256:0".into(),
            program: "0.1.0".into(),
        };
        store.put_stock(&tenant(name), &stock).await.unwrap();
        let signer = SignerRow {
            name: "release".into(),
            public_key: "RWQ".into(),
            updated_ms: 1,
        };
        store.put_signer(&tenant(name), &signer).await.unwrap();
        store.put_signature_policy(&tenant(name), "warn").await.unwrap();
    }
    let rows = async |name: &str| {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'tenant'
             WHERE m.type = 'table' ORDER BY m.name",
        )
        .fetch_all(&store.read)
        .await
        .unwrap();
        let mut with_rows = Vec::new();
        for table in tables {
            let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE tenant = $1"));
            let count: i64 = sqlx::query_scalar(sql)
                .bind(name)
                .fetch_one(&store.read)
                .await
                .unwrap();
            if count > 0 {
                with_rows.push(table);
            }
        }
        with_rows
    };
    let before = rows("t").await;
    // All but the audit log and the timers, which `fill` leaves empty: a table that is
    // new and has tenants is to be filled there, and deleted from.
    assert_eq!(before.len(), 23, "{before:?}");
    assert!(store.delete_tenant(&tenant("t")).await.unwrap());
    assert_eq!(rows("t").await, ["revisions"]);
    assert_eq!(rows("u").await, before, "the other one keeps everything");
    assert!(!store.delete_tenant(&tenant("t")).await.unwrap());
}
