use wasmalert_core::usage::Usage;

use super::*;

const HOUR_MS: i64 = 3_600_000;

fn used(fuel: u64) -> Usage {
    Usage {
        evaluations: 1,
        fuel,
        ..Usage::default()
    }
}

async fn listed(store: &Store, name: &str, by_rule: bool) -> Vec<(i64, Option<String>, u64, u64)> {
    let all = (0, i64::MAX);
    let rows = store.list_usage(&tenant(name), all, by_rule, 100).await.unwrap();
    rows.into_iter()
        .map(|row| {
            let rule = row.rule.map(|rule| rule.rule.to_string());
            (row.hour_ms / HOUR_MS, rule, row.used.evaluations, row.used.fuel)
        })
        .collect()
}

pub(super) async fn an_evaluation_is_counted_once_and_with_its_commit(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    for seq in 1..=3 {
        let mut one = commit(&rule_of(&key, "r"), revision, seq);
        one.used = (HOUR_MS + seq, used(10));
        store.commit(one).done().await.unwrap();
    }
    let mut stale = commit(&rule_of(&key, "r"), revision + 1, 4);
    stale.used = (HOUR_MS, used(1_000));
    store.commit(stale).done().await.unwrap_err();
    assert_eq!(listed(&store, "t", true).await, [(1, Some("r".into()), 3, 30)]);
    assert_eq!(listed(&store, "u", true).await, []);
}

pub(super) async fn what_rules_used_long_ago_is_their_tenants(store: Store) {
    let (t, key) = (tenant("t"), group("t"));
    let (a, b) = (rule_of(&key, "a"), rule_of(&key, "b"));
    for hour in 1..=3 {
        for rule in [Some(&a), Some(&b), None] {
            store
                .add_usage(&t, rule, hour * HOUR_MS + 7, &used(5))
                .await
                .unwrap();
        }
    }
    let sums = [(1, None, 3, 15), (2, None, 3, 15), (3, None, 3, 15)];
    assert_eq!(listed(&store, "t", false).await, sums);
    assert_eq!(store.fold_usage_of_all_tenants(3 * HOUR_MS, 3).await.unwrap(), 3);
    assert_eq!(store.fold_usage_of_all_tenants(3 * HOUR_MS, 3).await.unwrap(), 1);
    assert_eq!(store.fold_usage_of_all_tenants(3 * HOUR_MS, 3).await.unwrap(), 0);
    assert_eq!(
        listed(&store, "t", false).await,
        sums,
        "the sums are what they were"
    );
    let by_rule = listed(&store, "t", true).await;
    let expected = [
        (1, None, 3, 15),
        (2, None, 3, 15),
        (3, None, 1, 5),
        (3, Some("a".into()), 1, 5),
        (3, Some("b".into()), 1, 5),
    ];
    assert_eq!(by_rule, expected);
    store.prune_usage_of_all_tenants(3 * HOUR_MS, 100).await.unwrap();
    assert_eq!(listed(&store, "t", false).await, sums[2..]);
    let within = store
        .list_usage(&t, (3 * HOUR_MS + 9, 3 * HOUR_MS + 10), false, 100)
        .await;
    assert_eq!(within.unwrap().len(), 1, "the hour that the start lies in");
}
