//! Modules, sources, receivers, secrets and groups.

use super::*;

pub(super) async fn module_versions_count_up_and_digests_are_found(store: Store) {
    let t = tenant("t");
    let one = store.put_module(&t, &module("m", b"one")).await.unwrap();
    let two = store.put_module(&t, &module("m", b"two")).await.unwrap();
    let again = store.put_module(&t, &module("m", b"one")).await.unwrap();
    assert_eq!((one.module.version, one.created), (1, true));
    assert_eq!((two.module.version, two.created), (2, true));
    assert_eq!(
        again,
        PutModule {
            module: one.module.clone(),
            created: false
        }
    );
    assert_eq!(one.module.bytes, 3);

    store.put_module(&t, &module("a", b"one")).await.unwrap();
    let listed = store.list_modules(&t).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|m| (m.name.as_str(), m.version)).collect();
    assert_eq!(listed, [("a", 1), ("m", 1)]);
    let versions = store.module_versions(&t, "m").await.unwrap();
    assert_eq!(versions, [two.module.clone(), one.module.clone()]);
    assert_eq!(store.get_module(&t, "m", 1).await.unwrap(), Some(one.module));
    assert_eq!(store.get_module(&t, "m", 3).await.unwrap(), None);
    assert_eq!(store.get_module(&t, "x", 1).await.unwrap(), None);
}

pub(super) async fn one_version_is_promoted(store: Store) {
    let (t, u) = (tenant("t"), tenant("u"));
    for tenant in [&t, &u] {
        for wasm in [&b"one"[..], b"two", b"three"] {
            store.put_module(tenant, &module("m", wasm)).await.unwrap();
        }
    }
    let promoted = async |tenant: &TenantId| {
        let listed = store.list_modules(tenant).await.unwrap();
        let versions = store.module_versions(tenant, "m").await.unwrap();
        let marked: Vec<_> = versions.into_iter().filter(|row| row.promoted).collect();
        assert_eq!(listed, marked);
        marked.iter().map(|row| row.version).collect::<Vec<_>>()
    };
    // The first, until somebody says otherwise.
    assert_eq!(promoted(&t).await, [1]);
    assert!(store.promote_module(&t, "m", 2).await.unwrap());
    assert_eq!(promoted(&t).await, [2]);
    assert_eq!(promoted(&u).await, [1]);
    let known = store.put_module(&t, &module("m", b"two")).await.unwrap();
    assert!(known.module.promoted && !known.created);
    for (name, version) in [("m", 4), ("m", 0), ("n", 1)] {
        assert!(!store.promote_module(&t, name, version).await.unwrap());
    }
    assert_eq!(promoted(&t).await, [2]);
    // What is deleted is promoted no more.
    assert!(store.delete_module_version(&t, "m", 2).await.unwrap());
    assert_eq!(promoted(&t).await, [3]);
    assert!(store.delete_module_version(&t, "m", 1).await.unwrap());
    assert_eq!(promoted(&t).await, [3]);
    // A name that was deleted begins anew.
    assert!(store.delete_module(&t, "m").await.unwrap());
    store.put_module(&t, &module("m", b"four")).await.unwrap();
    assert_eq!(promoted(&t).await, [1]);
}

pub(super) async fn module_bytes_are_kept_once_and_swept(store: Store) {
    let t = tenant("t");
    let new = module("m", b"code");
    store.put_module(&t, &new).await.unwrap();
    store.put_module(&t, &module("n", b"code")).await.unwrap();
    store.put_module(&t, &module("m", b"more")).await.unwrap();
    assert_eq!(count(&store, "SELECT COUNT(*) FROM module_code").await, 2);
    let wasm = store.module_wasm(&t, "m", 1).await.unwrap();
    assert_eq!(wasm.as_deref(), Some(&b"code"[..]));

    assert!(store.delete_module_version(&t, "m", 1).await.unwrap());
    assert!(!store.delete_module_version(&t, "m", 1).await.unwrap());
    assert_eq!(store.module_wasm(&t, "m", 1).await.unwrap(), None);
    let shared = store.wasm_by_digest(&t, &new.digest).await.unwrap();
    assert_eq!(shared.as_deref(), Some(&b"code"[..]));
    assert!(store.delete_module(&t, "n").await.unwrap());
    assert!(!store.delete_module(&t, "n").await.unwrap());
    assert_eq!(store.wasm_by_digest(&t, &new.digest).await.unwrap(), None);

    // The number of a deleted version is not given again while the name has any.
    store.put_module(&t, &module("m", b"third")).await.unwrap();
    assert!(store.delete_module_version(&t, "m", 3).await.unwrap());
    let fourth = store.put_module(&t, &module("m", b"fourth")).await.unwrap();
    assert_eq!(fourth.module.version, 4);
}

fn in_use(result: Result<bool, StoreError>) -> Vec<String> {
    match result {
        Err(StoreError::InUse { by, .. }) => by,
        other => panic!("expected InUse, got {other:?}"),
    }
}

pub(super) async fn modules_in_use_are_not_deleted(store: Store) {
    let t = tenant("t");
    store.put_module(&t, &module("m", b"one")).await.unwrap();
    store.put_module(&t, &module("m", b"two")).await.unwrap();
    let mut uses = rule_uses(&["r"]);
    uses[0].modules = vec![ModuleUse {
        name: "m".into(),
        version: Some(1),
    }];
    store.put_group(&group("t"), "{}", &uses, 1).await.unwrap();

    assert_eq!(in_use(store.delete_module(&t, "m").await), ["rule ns/g/r"]);
    assert_eq!(
        in_use(store.delete_module_version(&t, "m", 1).await),
        ["rule ns/g/r"]
    );
    assert_eq!(store.module_versions(&t, "m").await.unwrap().len(), 2);
    assert!(store.delete_module_version(&t, "m", 2).await.unwrap());

    store
        .put_receiver(&t, "am", "{}", &unpinned("m"), 1)
        .await
        .unwrap();
    assert_eq!(
        in_use(store.delete_module(&t, "m").await),
        ["rule ns/g/r", "receiver am"]
    );
    assert!(store.delete_group(&group("t")).await.unwrap());
    assert_eq!(in_use(store.delete_module(&t, "m").await), ["receiver am"]);
    assert!(store.delete_receiver(&t, "am").await.unwrap());
    assert!(store.delete_module(&t, "m").await.unwrap());
}

pub(super) async fn stock_is_noted_once_and_outlives_its_version(store: Store) {
    let t = tenant("t");
    let noted = |program: &str| StockRow {
        name: "m".into(),
        digest: module("m", b"one").digest,
        program: program.into(),
    };
    store.put_module(&t, &module("m", b"one")).await.unwrap();
    store.put_stock(&t, &noted("0.1.0")).await.unwrap();
    store.put_stock(&t, &noted("0.2.0")).await.unwrap();
    assert!(store.delete_module(&t, "m").await.unwrap());
    assert_eq!(store.list_stock(&t).await.unwrap(), [noted("0.1.0")]);
    assert_eq!(store.list_stock(&tenant("u")).await.unwrap(), []);
}

pub(super) async fn unpinned_uses_hold_the_promoted_version(store: Store) {
    let t = tenant("t");
    for wasm in [b"one", b"two"] {
        store.put_module(&t, &module("m", wasm)).await.unwrap();
    }
    let mut uses = rule_uses(&["r"]);
    uses[0].modules = vec![unpinned("m")];
    store.put_group(&group("t"), "{}", &uses, 1).await.unwrap();
    let refused = store.delete_module_version(&t, "m", 1).await;
    assert_eq!(in_use(refused), ["rule ns/g/r"]);
    assert!(store.promote_module(&t, "m", 2).await.unwrap());
    let refused = store.delete_module_version(&t, "m", 2).await;
    assert_eq!(in_use(refused), ["rule ns/g/r"]);
    assert!(store.delete_module_version(&t, "m", 1).await.unwrap());

    // A group put again without the module lets it go.
    put_rules(&store, &group("t"), &["r"]).await;
    assert!(store.delete_module_version(&t, "m", 2).await.unwrap());
}

pub(super) async fn many_users_are_named_up_to_a_bound(store: Store) {
    let t = tenant("t");
    store.put_named(ItemKind::Source, &t, "s", "{}", 1).await.unwrap();
    let names: Vec<String> = (0..USERS_NAMED_MAX + 5).map(|n| format!("r{n}")).collect();
    let mut uses = rule_uses(&names.iter().map(String::as_str).collect::<Vec<_>>());
    uses.iter_mut().for_each(|rule| rule.sources = vec!["s".into()]);
    store.put_group(&group("t"), "{}", &uses, 1).await.unwrap();
    assert_eq!(in_use(store.delete_source(&t, "s").await).len(), USERS_NAMED_MAX);
}

pub(super) async fn sources_receivers_and_secrets(store: Store) {
    let t = tenant("t");
    let first = store
        .put_named(ItemKind::Source, &t, "s", "{\"v\":1}", 1)
        .await
        .unwrap();
    let second = store
        .put_named(ItemKind::Source, &t, "s", "{\"v\":2}", 2)
        .await
        .unwrap();
    assert!(second > first);
    let source = SpecRow {
        name: "s".into(),
        spec: "{\"v\":2}".into(),
        revision: second,
        updated_ms: 2,
    };
    assert_eq!(
        store.get_spec(&SOURCES, &t, "s").await.unwrap(),
        Some(source.clone())
    );
    assert_eq!(store.list_specs(&SOURCES, &t).await.unwrap(), [source]);
    assert!(store.delete_source(&t, "s").await.unwrap());
    assert!(!store.delete_source(&t, "s").await.unwrap());
    assert_eq!(store.get_spec(&SOURCES, &t, "s").await.unwrap(), None);

    store.put_module(&t, &module("m", b"one")).await.unwrap();
    let pinned = ModuleUse {
        name: "m".into(),
        version: Some(1),
    };
    store
        .put_receiver(&t, "am", "{}", &unpinned("m"), 3)
        .await
        .unwrap();
    let revision = store.put_receiver(&t, "am", "[]", &pinned, 4).await.unwrap();
    let receiver = ReceiverRow {
        name: "am".into(),
        spec: "[]".into(),
        module: pinned,
        revision,
        updated_ms: 4,
    };
    assert_eq!(
        store.get_receiver(&t, "am").await.unwrap(),
        Some(receiver.clone())
    );
    assert_eq!(store.list_receivers(&t).await.unwrap(), [receiver]);

    store.put_secret(&t, &sealed("token", "old"), 5).await.unwrap();
    let newer = SealedSecret {
        key_id: "k2".into(),
        hosts: "[\"a\"]".into(),
        ..sealed("token", "new")
    };
    store.put_secret(&t, &newer, 6).await.unwrap();
    let listed = store.list_secrets(&t).await.unwrap();
    assert_eq!(
        listed,
        [SecretRow {
            name: "token".into(),
            hosts: "[\"a\"]".into(),
            updated_ms: 6
        }]
    );
    let of_tenant = store.sealed_secrets(&t).await.unwrap();
    assert_eq!(of_tenant, std::slice::from_ref(&newer));
    let all = store.sealed_secrets_of_all_tenants().await.unwrap();
    assert_eq!(all, [(t.clone(), newer)]);
    assert!(store.delete_secret(&t, "token").await.unwrap());
    assert!(!store.delete_secret(&t, "token").await.unwrap());
    assert_eq!(store.sealed_secrets(&t).await.unwrap(), []);
}

pub(super) async fn signers_and_policies_of_signatures(store: Store) {
    let (t, u) = (tenant("t"), tenant("u"));
    let signer = |name: &str, key: &str, updated_ms| SignerRow {
        name: name.into(),
        public_key: key.into(),
        updated_ms,
    };
    store.put_signer(&t, &signer("b", "two", 1)).await.unwrap();
    store.put_signer(&t, &signer("a", "one", 1)).await.unwrap();
    store.put_signer(&u, &signer("a", "one", 1)).await.unwrap();
    assert!(
        store.put_signer(&t, &signer("c", "one", 1)).await.is_err(),
        "a key is a signer's alone"
    );
    store.put_signer(&t, &signer("a", "three", 2)).await.unwrap();
    let listed = store.list_signers(&t).await.unwrap();
    assert_eq!(listed, [signer("a", "three", 2), signer("b", "two", 1)]);
    assert!(store.delete_signer(&t, "a").await.unwrap());
    assert!(!store.delete_signer(&t, "a").await.unwrap());
    assert_eq!(store.list_signers(&u).await.unwrap(), [signer("a", "one", 1)]);

    assert_eq!(store.signature_policy(&t).await.unwrap(), None);
    for policy in ["require", "warn"] {
        store.put_signature_policy(&t, policy).await.unwrap();
        assert_eq!(store.signature_policy(&t).await.unwrap().as_deref(), Some(policy));
    }
    assert_eq!(store.signature_policy(&u).await.unwrap(), None);
}

pub(super) async fn where_a_version_comes_from_can_be_replaced(store: Store) {
    let (t, u) = (tenant("t"), tenant("u"));
    for tenant in [&t, &u] {
        store.put_module(tenant, &module("m", b"one")).await.unwrap();
    }
    assert!(store.set_provenance(&t, "m", 1, "{\"a\":1}").await.unwrap());
    assert!(!store.set_provenance(&t, "m", 2, "{}").await.unwrap());
    let provenance = async |tenant: &TenantId| {
        let row = store.get_module(tenant, "m", 1).await.unwrap();
        row.expect("a version").provenance
    };
    assert_eq!(provenance(&t).await, "{\"a\":1}");
    assert_eq!(provenance(&u).await, "{}");
}

pub(super) async fn egress_policies_belong_to_tenants(store: Store) {
    let (t, gone) = (tenant("t"), tenant("gone"));
    assert!(
        !store.put_egress(&t, "{}").await.unwrap(),
        "there is no such tenant"
    );
    for tenant in [&t, &gone] {
        store.put_tenant_if_missing(tenant, 1).await.unwrap();
        assert!(store.put_egress(tenant, "{}").await.unwrap());
    }
    assert!(store.put_egress(&t, "[]").await.unwrap());
    store.delete_tenant(&gone).await.unwrap();
    let all = store.egress_of_all_tenants().await.unwrap();
    assert_eq!(all, [(t.clone(), "[]".to_owned())]);
    let egress = crate::egress::Egress::new(crate::egress::EgressPolicy::unrestricted());
    egress.restore(&store).await.unwrap();
    // What cannot be read allows nothing.
    assert_eq!(*egress.of(&t), crate::egress::EgressPolicy::nothing());
    assert!(store.delete_egress(&t).await.unwrap());
    assert!(!store.delete_egress(&t).await.unwrap());
    assert_eq!(store.egress_of_all_tenants().await.unwrap(), []);
}

pub(super) async fn sources_and_receivers_in_use_are_not_deleted(store: Store) {
    let t = tenant("t");
    store.put_module(&t, &module("m", b"one")).await.unwrap();
    store.put_named(ItemKind::Source, &t, "s", "{}", 1).await.unwrap();
    store
        .put_receiver(&t, "am", "{}", &unpinned("m"), 1)
        .await
        .unwrap();
    let mut uses = rule_uses(&["r"]);
    uses[0].sources = vec!["s".into()];
    uses[0].receivers = vec!["am".into(), "am".into()];
    store.put_group(&group("t"), "{}", &uses, 1).await.unwrap();
    assert_eq!(in_use(store.delete_source(&t, "s").await), ["rule ns/g/r"]);
    assert_eq!(in_use(store.delete_receiver(&t, "am").await), ["rule ns/g/r"]);
    store.delete_group(&group("t")).await.unwrap();
    assert!(store.delete_source(&t, "s").await.unwrap());
    assert!(store.delete_receiver(&t, "am").await.unwrap());
}

pub(super) async fn what_is_missing_cannot_be_used(store: Store) {
    let t = tenant("t");
    store
        .put_module(&tenant("other"), &module("m", b"one"))
        .await
        .unwrap();
    let missing = store.put_receiver(&t, "am", "{}", &unpinned("m"), 1).await;
    assert!(matches!(
        missing,
        Err(StoreError::Missing {
            kind: Kind::Module,
            ..
        })
    ));

    store.put_module(&t, &module("m", b"one")).await.unwrap();
    let before = put_rules(&store, &group("t"), &["r"]).await;
    let mut uses = rule_uses(&["r"]);
    uses[0].modules = vec![ModuleUse {
        name: "m".into(),
        version: Some(2),
    }];
    let missing = store.put_group(&group("t"), "changed", &uses, 2).await;
    assert!(matches!(&missing, Err(StoreError::Missing { name, .. }) if name == "m@2"));
    let kept = store.get_group(&group("t")).await.unwrap().unwrap();
    assert_eq!((kept.spec.as_str(), kept.revision), ("{}", before));
}

pub(super) async fn groups_are_put_listed_and_deleted(store: Store) {
    let key = group("t");
    let mut other = group("t");
    other.namespace = "a/b".into();
    let first = store.put_group(&key, "one", &[], 1).await.unwrap();
    let second = store.put_group(&key, "two", &[], 2).await.unwrap();
    assert!(second > first);
    store.put_group(&other, "three", &[], 3).await.unwrap();
    let row = GroupRow {
        key: key.clone(),
        spec: "two".into(),
        revision: second,
        updated_ms: 2,
    };
    assert_eq!(store.get_group(&key).await.unwrap(), Some(row.clone()));
    let listed = store.list_groups(&key.tenant).await.unwrap();
    assert_eq!(listed.iter().map(|g| &g.key).collect::<Vec<_>>(), [&other, &key]);

    let foreign = group("u");
    store.put_group(&foreign, "four", &[], 4).await.unwrap();
    let all = store.groups_of_all_tenants().await.unwrap();
    let all: Vec<_> = all.into_iter().map(|group| group.unwrap().key).collect();
    assert_eq!(all, [other, key.clone(), foreign]);

    assert!(store.delete_group(&key).await.unwrap());
    assert!(!store.delete_group(&key).await.unwrap());
    assert_eq!(store.get_group(&key).await.unwrap(), None);
}

pub(super) async fn revisions_are_not_used_twice(store: Store) {
    let key = group("t");
    let first = put_rules(&store, &key, &["r"]).await;
    store.delete_group(&key).await.unwrap();
    let second = put_rules(&store, &key, &["r"]).await;
    assert!(second > first);
    let late = store.commit(commit(&rule_of(&key, "r"), first, 1)).done().await;
    assert!(matches!(late, Err(StoreError::Stale)));
}

pub(super) async fn put_group_drops_rules_that_are_gone(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["keep", "drop"]).await;
    for name in ["keep", "drop"] {
        let mut full = commit(&rule_of(&key, name), revision, 1);
        full.alerts_upsert = vec![alert(name, 1.0)];
        full.state.insert("k".into(), Some(vec![1]));
        let timer = wasmalert_core::evaluation::Timer {
            due_ms: 1,
            payload: vec![],
        };
        full.timers.insert("t".into(), Some(timer));
        store.commit(full).done().await.unwrap();
    }
    let before = store.load_group_runtime(&key).await.unwrap();
    put_rules(&store, &key, &["keep", "new"]).await;
    let after = store.load_group_runtime(&key).await.unwrap();
    assert_eq!(after, before[1..], "the rule that stays keeps all it had");
    for query in [
        "SELECT COUNT(*) FROM alerts WHERE rule = 'drop'",
        "SELECT COUNT(*) FROM rule_state WHERE rule = 'drop'",
        "SELECT COUNT(*) FROM rule_timers WHERE rule = 'drop'",
        "SELECT COUNT(*) FROM rule_health WHERE rule = 'drop'",
    ] {
        assert_eq!(count(&store, query).await, 0, "{query}");
    }
    store.delete_group(&key).await.unwrap();
    assert_eq!(count(&store, "SELECT COUNT(*) FROM alerts").await, 0);
    assert!(store.load_group_runtime(&key).await.unwrap().is_empty());
}

pub(super) async fn receiver_state_is_kept_and_goes_with_the_receiver(store: Store) {
    let t = tenant("t");
    let changes = BTreeMap::from([("a".to_owned(), Some(vec![1])), ("b".to_owned(), Some(vec![]))]);
    let missing = store.write_receiver_state(&t, "am", &changes).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })));
    store.put_module(&t, &module("m", b"one")).await.unwrap();
    store
        .put_receiver(&t, "am", "{}", &unpinned("m"), 1)
        .await
        .unwrap();
    store.write_receiver_state(&t, "am", &changes).await.unwrap();
    let changes = BTreeMap::from([("a".to_owned(), None), ("c".to_owned(), Some(vec![3]))]);
    store.write_receiver_state(&t, "am", &changes).await.unwrap();
    store
        .put_receiver(&t, "am", "[]", &unpinned("m"), 2)
        .await
        .unwrap();
    let state = store.receiver_state(&t, "am").await.unwrap();
    assert_eq!(
        state,
        BTreeMap::from([("b".into(), vec![]), ("c".into(), vec![3])])
    );
    store.delete_receiver(&t, "am").await.unwrap();
    store
        .put_receiver(&t, "am", "{}", &unpinned("m"), 3)
        .await
        .unwrap();
    assert!(store.receiver_state(&t, "am").await.unwrap().is_empty());
}

fn wanted(key: ItemKey, spec: &str, uses: Uses) -> ItemChange {
    let spec = spec.to_owned();
    ItemChange {
        key,
        to: Some(NewItem { spec, uses }),
        expected: Expected::Anything,
    }
}

fn source(name: &str, spec: &str) -> ItemChange {
    wanted(ItemKey::new(ItemKind::Source, name), spec, Uses::Nothing)
}

fn gone(key: ItemKey) -> ItemChange {
    ItemChange {
        key,
        to: None,
        expected: Expected::Anything,
    }
}

async fn changed(store: &Store, changes: Vec<ItemChange>) -> Result<ConfigChanged, StoreError> {
    let t = tenant("t");
    store
        .change_config(&t, &someone(), changes, Terms::default(), 7)
        .await
}

pub(super) async fn a_change_is_made_whole_or_not_at_all(store: Store) {
    let t = tenant("t");
    let mut uses = rule_uses(&["r"]);
    uses[0].sources = vec!["s".into()];
    let group = ItemKey::group("ns", "g");
    // What others refer to comes first, whatever the order.
    let both = vec![
        wanted(group.clone(), "{}", Uses::Rules(uses.clone())),
        source("s", "{}"),
    ];
    let done = changed(&store, both).await.unwrap();
    let keys: Vec<String> = done.items.iter().map(|item| item.key.to_string()).collect();
    assert_eq!(
        (done.revision, keys),
        (1, vec!["source s".to_owned(), "group ns/g".to_owned()])
    );

    uses[0].sources = vec!["absent".into()];
    let broken = vec![
        source("other", "{}"),
        wanted(group.clone(), "{ }", Uses::Rules(uses)),
    ];
    assert!(matches!(
        changed(&store, broken).await,
        Err(StoreError::Missing { .. })
    ));
    assert_eq!(store.get_spec(&SOURCES, &t, "other").await.unwrap(), None);
    assert_eq!(store.config_revision(&t).await.unwrap(), 1);

    // Users go before what they use.
    let both = vec![gone(ItemKey::new(ItemKind::Source, "s")), gone(group)];
    assert_eq!(changed(&store, both).await.unwrap().items.len(), 2);
    assert_eq!(store.list_groups(&t).await.unwrap(), []);
}

pub(super) async fn a_change_knows_what_it_expects(store: Store) {
    let (t, by) = (tenant("t"), someone());
    let unexpected = |result: Result<ConfigChanged, StoreError>| match result {
        Err(error @ StoreError::Unexpected { .. }) => error.to_string(),
        other => panic!("expected Unexpected, got {other:?}"),
    };
    let expecting = |expected, spec| ItemChange {
        expected,
        ..source("s", spec)
    };
    let absent = changed(&store, vec![expecting(Expected::Revision(3), "{}")]).await;
    assert!(unexpected(absent).contains("the source s is not there, and was to be at revision 3"));
    changed(&store, vec![expecting(Expected::Absent, "{}")])
        .await
        .unwrap();
    let there = changed(&store, vec![expecting(Expected::Absent, "{ }")]).await;
    assert!(unexpected(there).contains("is at revision 1, and was to be not there"));
    let done = changed(&store, vec![expecting(Expected::Revision(1), "{ }")]).await;
    assert_eq!(done.unwrap().revision, 2);
    // Also where it is like this already.
    let late = changed(&store, vec![expecting(Expected::Revision(1), "{ }")]).await;
    unexpected(late);

    let whole = Terms {
        expected: Some(1),
        dry_run: false,
    };
    let late = store.change_config(&t, &by, vec![source("u", "{}")], whole, 1);
    assert!(unexpected(late.await).contains("the configuration is at revision 2, not 1"));
    let dry = Terms {
        expected: Some(2),
        dry_run: true,
    };
    let would = store.change_config(&t, &by, vec![source("u", "{}")], dry, 1);
    let would = would.await.unwrap();
    assert_eq!((would.revision, would.items.len()), (2, 1));
    assert_eq!(store.get_spec(&SOURCES, &t, "u").await.unwrap(), None);
    // What changes nothing is no change.
    assert_eq!(changed(&store, vec![source("s", "{ }")]).await.unwrap().items, []);
    assert_eq!(store.config_revision(&t).await.unwrap(), 2);
}

pub(super) async fn changes_are_on_record_and_can_be_undone(store: Store) {
    let t = tenant("t");
    changed(&store, vec![source("a", "1"), source("b", "1")])
        .await
        .unwrap();
    changed(&store, vec![source("a", "2"), source("c", "1")])
        .await
        .unwrap();
    changed(&store, vec![gone(ItemKey::new(ItemKind::Source, "b"))])
        .await
        .unwrap();
    changed(&store, vec![source("a", "3")]).await.unwrap();

    let all = store.list_config_changes(&t, None, 10).await.unwrap();
    let told: Vec<(i64, u64)> = all
        .iter()
        .map(|change| (change.revision, change.items_total))
        .collect();
    assert_eq!(told, [(4, 1), (3, 1), (2, 2), (1, 2)]);
    assert_eq!((all[0].time_ms, &all[0].origin), (7, &someone()));
    assert_eq!(all[1].items[0].after, None);
    let older = store.list_config_changes(&t, Some(3), 1).await.unwrap();
    assert_eq!(older[0].revision, 2);
    let second = store.get_config_change(&t, 2).await.unwrap().unwrap();
    let texts: Vec<(Option<&str>, Option<&str>)> = second
        .items
        .iter()
        .map(|item| (item.before.as_deref(), item.after.as_deref()))
        .collect();
    assert_eq!(texts, [(Some("1"), Some("2")), (None, Some("1"))]);
    assert_eq!(store.get_config_change(&tenant("u"), 2).await.unwrap(), None);

    let since = store.config_changed_since(&t, 1).await.unwrap();
    let since: Vec<(&str, Option<&str>)> = since
        .iter()
        .map(|(key, spec)| (&*key.name, spec.as_deref()))
        .collect();
    assert_eq!(since, [("a", Some("1")), ("c", None), ("b", Some("1"))]);
    assert_eq!(store.config_changed_since(&t, 4).await.unwrap(), []);
    for beyond in [-1, 5] {
        let refused = store.config_changed_since(&t, beyond).await;
        assert!(matches!(refused, Err(StoreError::Unfit(_))), "{beyond}");
    }
}

pub(super) async fn the_oldest_changes_go_when_they_take_too_much(store: Store) {
    let t = tenant("t");
    let large = |n: usize| format!("{n}{}", "x".repeat(9 << 20));
    for n in 0..6 {
        changed(&store, vec![source("s", &large(n))]).await.unwrap();
    }
    // Each but the first has what was before and after: 18 MiB, of which three are within 64.
    let kept = store.list_config_changes(&t, None, 10).await.unwrap();
    let kept: Vec<i64> = kept.iter().map(|change| change.revision).collect();
    assert_eq!(kept, [6, 5, 4]);
    assert_eq!(store.config_changed_since(&t, 3).await.unwrap().len(), 1);
    assert!(store.config_changed_since(&t, 2).await.is_err());
    // One that is too large by itself is kept.
    let huge: Vec<ItemChange> = (0..8).map(|n| source(&format!("s{n}"), &large(n))).collect();
    changed(&store, huge).await.unwrap();
    let kept = store.list_config_changes(&t, None, 10).await.unwrap();
    assert_eq!(kept.len(), 1);
}
