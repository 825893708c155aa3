//! Journals and their retention.

use super::*;

async fn record(store: &Store, rule: &RuleKey, keep: u32, seqs: std::ops::RangeInclusive<i64>) {
    let rules = [&*rule.rule];
    let revision = match store.get_group(&rule.group).await.unwrap() {
        Some(group) => group.revision,
        None => put_rules(store, &rule.group, &rules).await,
    };
    for seq in seqs {
        let mut one = commit(rule, revision, seq);
        one.evaluation = Some(evaluation(&format!("{}{seq:03}", rule.rule), seq));
        one.keep_evaluations = keep;
        store.commit(one).done().await.unwrap();
    }
}

async fn listed(store: &Store, rule: &RuleKey, limit: u32, before: Option<&str>) -> Vec<i64> {
    let rows = store.list_evaluations(rule, limit, before).await.unwrap();
    rows.iter().map(|row| row.seq).collect()
}

pub(super) async fn listed_newest_first_in_pages(store: Store) {
    let rule = rule_of(&group("t"), "r");
    record(&store, &rule, 100, 1..=5).await;
    record(&store, &rule_of(&group("t"), "s"), 100, 1..=2).await;
    assert_eq!(listed(&store, &rule, 2, None).await, [5, 4]);
    assert_eq!(listed(&store, &rule, 2, Some("r004")).await, [3, 2]);
    assert_eq!(listed(&store, &rule, u32::MAX, Some("r002")).await, [1]);
    let rows = store.list_evaluations(&rule, 1, None).await.unwrap();
    assert_eq!(rows, [evaluation("r005", 5).summary]);
}

pub(super) async fn an_evaluation_comes_back_whole(store: Store) {
    let rule = rule_of(&group("t"), "r");
    record(&store, &rule, 100, 1..=1).await;
    let revision = store.get_group(&rule.group).await.unwrap().unwrap().revision;
    let mut failed = evaluation("z", 2);
    failed.summary.error = Some(ErrorRow {
        code: "trap".into(),
        message: "unreachable".into(),
    });
    failed.summary.fuel = u64::MAX; // beyond what a column holds: kept as the largest
    failed.outcome = None;
    failed.effects = Some("[]".into());
    failed.inputs = vec![];
    let mut one = commit(&rule, revision, 2);
    one.evaluation = Some(failed.clone());
    store.commit(one).done().await.unwrap();
    failed.summary.fuel = i64::MAX.unsigned_abs();
    let t = tenant("t");
    let found = store.get_evaluation(&t, "z").await.unwrap();
    assert_eq!(found, Some((rule.clone(), failed)));
    let found = store.get_evaluation(&t, "r001").await.unwrap();
    assert_eq!(found, Some((rule, evaluation("r001", 1))));
    assert_eq!(store.get_evaluation(&t, "no-such").await.unwrap(), None);
}

pub(super) async fn only_the_last_are_kept(store: Store) {
    let rule = rule_of(&group("t"), "r");
    let other = rule_of(&group("t"), "s");
    record(&store, &other, 100, 1..=3).await;
    record(&store, &rule, 3, 1..=8).await;
    assert_eq!(listed(&store, &rule, 100, None).await, [8, 7, 6]);
    assert_eq!(listed(&store, &other, 100, None).await, [3, 2, 1]);
    record(&store, &rule, 1, 9..=9).await;
    assert_eq!(listed(&store, &rule, 100, None).await, [9]);
}

pub(super) async fn none_are_kept_when_none_are_wanted(store: Store) {
    let rule = rule_of(&group("t"), "r");
    record(&store, &rule, 3, 1..=3).await;
    record(&store, &rule, 0, 4..=4).await;
    assert_eq!(listed(&store, &rule, 100, None).await, [0_i64; 0]);
}

pub(super) async fn pruned_by_age_in_steps(store: Store) {
    let rule = rule_of(&group("t"), "r");
    let other = rule_of(&group("u"), "s");
    record(&store, &rule, 100, 1..=5).await;
    record(&store, &other, 100, 3..=4).await;
    let prune = async |before, limit| {
        store
            .prune_evaluations_of_all_tenants(before, limit)
            .await
            .unwrap()
    };
    assert_eq!(prune(1_000, 10).await, 0);
    assert_eq!(prune(3_000, 1).await, 1);
    assert_eq!(
        listed(&store, &rule, 100, None).await,
        [5, 4, 3, 2],
        "the oldest first"
    );
    assert_eq!(prune(4_000, 10).await, 3);
    assert_eq!(listed(&store, &rule, 100, None).await, [5, 4]);
    assert_eq!(listed(&store, &other, 100, None).await, [4]);
}
