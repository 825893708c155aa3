//! The store's contract. The suites get a fresh store and use nothing but portable SQL, so
//! that another backend runs them too; `sqlite` is about the file.

mod audit;
mod commits;
mod config;
mod corrupt;
mod evaluations;
mod outbox;
mod secrets;
mod sqlite;
mod tenants;
mod usage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use wasmalert_core::standing::Standing;
use wasmalert_core::{GroupKey, Labels, RuleKey, TenantId};

use super::*;

/// A directory of its own, gone with the value.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let chance = getrandom::u64().unwrap();
        let name = format!("wasmalert-store-{count}-{chance:016x}");
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A secret that some key sealed, as far as the store knows.
fn sealed(name: &str, content: &str) -> SealedSecret {
    SealedSecret {
        name: name.to_owned(),
        hosts: "[\"*\"]".to_owned(),
        key_id: "k1".to_owned(),
        content: content.to_owned(),
    }
}

/// Runs each suite's tests against each backend.
macro_rules! contract {
    ($($suite:ident: $($test:ident),+ $(,)?;)+) => {
        mod on_sqlite { $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let dir = super::TempDir::new();
                let store = super::Store::open(dir.path()).await.unwrap();
                super::$suite::$test(store).await;
            }
        )+)+ }
    };
}

contract! {
    audit:
        the_log_of_all_is_listed_and_exported_in_order,
        entries_are_added_and_removed_by_age_alone;
    config:
        module_versions_count_up_and_digests_are_found,
        module_bytes_are_kept_once_and_swept,
        modules_in_use_are_not_deleted,
        stock_is_noted_once_and_outlives_its_version,
        one_version_is_promoted,
        unpinned_uses_hold_the_promoted_version,
        many_users_are_named_up_to_a_bound,
        sources_receivers_and_secrets,
        egress_policies_belong_to_tenants,
        signers_and_policies_of_signatures,
        where_a_version_comes_from_can_be_replaced,
        sources_and_receivers_in_use_are_not_deleted,
        what_is_missing_cannot_be_used,
        groups_are_put_listed_and_deleted,
        revisions_are_not_used_twice,
        put_group_drops_rules_that_are_gone,
        a_change_is_made_whole_or_not_at_all,
        a_change_knows_what_it_expects,
        changes_are_on_record_and_can_be_undone,
        the_oldest_changes_go_when_they_take_too_much,
        receiver_state_is_kept_and_goes_with_the_receiver;
    commits:
        a_commit_holds_everything,
        the_next_commit_changes_only_what_it_names,
        any_float_survives,
        alerts_are_told_apart_by_all_labels,
        a_stale_commit_writes_nothing,
        a_failing_part_rolls_the_commit_back,
        one_bad_commit_does_not_fail_the_others,
        many_commits_share_transactions,
        a_commit_that_nobody_waits_for_goes_with_the_next,
        a_commit_goes_on_when_nobody_waits,
        ten_thousand_alerts_take_less_than_a_second,
        ids_sort_in_order;
    outbox:
        lanes_go_in_order,
        lanes_do_not_wait_for_each_other,
        a_resend_gives_way_to_what_comes_after,
        an_attempt_moves_the_time_and_keeps_progress,
        dead_ones_let_the_lane_go_on_and_can_be_retried,
        finished_ones_do_not_change,
        listing_goes_page_by_page,
        backlogs_count_per_tenant,
        pruning_by_age_and_by_count,
        a_long_lane_stays_cheap;
    evaluations:
        listed_newest_first_in_pages,
        an_evaluation_comes_back_whole,
        only_the_last_are_kept,
        none_are_kept_when_none_are_wanted,
        pruned_by_age_in_steps;
    corrupt:
        broken_rows_say_where_they_are,
        one_broken_row_does_not_stop_other_tenants;
    tenants:
        configuration_is_apart,
        runtime_and_outbox_are_apart,
        deletes_reach_only_their_tenant,
        a_deleted_tenant_leaves_only_its_last_revision;
    usage:
        an_evaluation_is_counted_once_and_with_its_commit,
        what_rules_used_long_ago_is_their_tenants;
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn group(tenant_name: &str) -> GroupKey {
    GroupKey {
        tenant: tenant(tenant_name),
        namespace: "ns".into(),
        group: "g".into(),
    }
}

fn rule_of(group: &GroupKey, rule: &str) -> RuleKey {
    RuleKey {
        group: group.clone(),
        rule: rule.into(),
    }
}

fn rule_uses(rules: &[&str]) -> Vec<RuleUses> {
    let uses = |rule: &&str| RuleUses {
        rule: (*rule).to_owned(),
        ..RuleUses::default()
    };
    rules.iter().map(uses).collect()
}

fn someone() -> Origin {
    Origin {
        actor: "operator".into(),
        address: "127.0.0.1".into(),
        call: "PUT /v1/x".into(),
    }
}

/// Changes of one thing.
impl Store {
    async fn put_one(
        &self,
        tenant: &TenantId,
        key: ItemKey,
        (spec, uses): (&str, Uses),
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        let stored = self.config_items(tenant, [&key].into_iter()).await?;
        // What refers to something else is another one.
        let is_same = stored.get(&key).is_some_and(|item| item.spec == spec);
        let spec = if is_same {
            format!("{spec} ")
        } else {
            spec.to_owned()
        };
        let to = Some(NewItem { spec, uses });
        let expected = Expected::Anything;
        let change = ItemChange { key, to, expected };
        let changed = self
            .change_config(tenant, &someone(), vec![change], Terms::default(), now_ms)
            .await?;
        Ok(changed.revision)
    }

    async fn delete_one(&self, tenant: &TenantId, key: ItemKey) -> Result<bool, StoreError> {
        let (to, expected) = (None, Expected::Anything);
        let change = ItemChange { key, to, expected };
        let changed = self
            .change_config(tenant, &someone(), vec![change], Terms::default(), 1)
            .await?;
        Ok(!changed.items.is_empty())
    }

    async fn put_group(
        &self,
        key: &GroupKey,
        spec: &str,
        rules: &[RuleUses],
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        let item = ItemKey::group(&key.namespace, &key.group);
        self.put_one(&key.tenant, item, (spec, Uses::Rules(rules.to_vec())), now_ms)
            .await
    }

    async fn delete_group(&self, key: &GroupKey) -> Result<bool, StoreError> {
        let item = ItemKey::group(&key.namespace, &key.group);
        self.delete_one(&key.tenant, item).await
    }

    async fn put_named(
        &self,
        kind: ItemKind,
        tenant: &TenantId,
        name: &str,
        spec: &str,
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        let item = ItemKey::new(kind, name);
        self.put_one(tenant, item, (spec, Uses::Nothing), now_ms).await
    }

    async fn put_receiver(
        &self,
        tenant: &TenantId,
        name: &str,
        spec: &str,
        module: &ModuleUse,
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        let item = ItemKey::new(ItemKind::Receiver, name);
        self.put_one(tenant, item, (spec, Uses::Module(module.clone())), now_ms)
            .await
    }

    async fn delete_receiver(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        self.delete_one(tenant, ItemKey::new(ItemKind::Receiver, name))
            .await
    }

    async fn delete_source(&self, tenant: &TenantId, name: &str) -> Result<bool, StoreError> {
        self.delete_one(tenant, ItemKey::new(ItemKind::Source, name))
            .await
    }
}

/// A group with these rules, which use nothing; its revision.
async fn put_rules(store: &Store, group: &GroupKey, rules: &[&str]) -> i64 {
    let uses = rule_uses(rules);
    store.put_group(group, "{}", &uses, 1).await.unwrap()
}

fn module(name: &str, wasm: &[u8]) -> NewModule {
    NewModule {
        name: name.to_owned(),
        digest: format!("sha256:{}", migrate::hex(wasm)),
        world: "rule".to_owned(),
        description: "{\"doc\":\"\"}".to_owned(),
        provenance: "{}".to_owned(),
        wasm: wasm.to_vec(),
        compile_ms: 12,
        created_ms: 34,
    }
}

fn unpinned(name: &str) -> ModuleUse {
    ModuleUse {
        name: name.to_owned(),
        version: None,
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn alert(name: &str, value: f64) -> AlertRow {
    AlertRow {
        labels: labels(&[("alertname", name), ("odd", "quote\" \\ \u{1F525}\n")]),
        annotations: vec![("summary".into(), "x".into()), ("a".into(), "é".into())],
        value,
        state: "firing".into(),
        active_at_ms: Some(1),
        fired_at_ms: Some(2),
        resolved_at_ms: None,
        last_sent_at_ms: Some(-4),
        keep_firing_since_ms: None,
        seen: 1,
    }
}

/// A commit that changes the health alone.
fn commit(rule: &RuleKey, group_revision: i64, seq: i64) -> RuleCommit {
    RuleCommit {
        rule: rule.clone(),
        group_revision,
        health: HealthRow {
            health: Health::Ok,
            error: None,
            last_evaluation_ms: Some(seq * 1_000),
            last_duration_ns: Some(7),
            missed: 0,
            missed_paused: 0,
            missed_stopped: 0,
            seq,
            standing: Standing::default(),
        },
        alerts_upsert: vec![],
        alerts_remove: vec![],
        state: BTreeMap::new(),
        timers: BTreeMap::new(),
        queries: None,
        outbox: vec![],
        used: (0, Default::default()),
        evaluation: None,
        keep_evaluations: 10,
    }
}

fn delivery(id: &str, receiver: &str, kind: OutboxKind) -> NewOutboxRow {
    NewOutboxRow {
        id: id.to_owned(),
        receiver: receiver.to_owned(),
        kind,
        payload: format!("{{\"id\":\"{id}\"}}"),
        idempotency_key: format!("key-{id}"),
        created_ms: 100,
        next_attempt_ms: 100,
    }
}

fn evaluation(id: &str, seq: i64) -> EvaluationRow {
    EvaluationRow {
        summary: EvaluationSummary {
            id: id.to_owned(),
            seq,
            slot_ms: seq * 1_000,
            trigger: "interval".to_owned(),
            error: None,
            fuel: 1_234,
            wall_ns: 56,
            rounds: 2,
            bytes: 3,
        },
        inputs: vec![0, 255, 1],
        outcome: Some("{}".to_owned()),
        effects: None,
    }
}

/// Runs a statement beside the API.
async fn sql(store: &Store, statement: &'static str) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(statement).execute(&store.write).await?;
    Ok(done.rows_affected())
}

async fn count(store: &Store, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&store.read).await.unwrap()
}
