//! Commits and what is loaded after them.

use wasmalert_core::evaluation::Timer;
use wasmalert_core::standing::{Notice, Told};

use super::*;

fn full(rule: &RuleKey, revision: i64) -> RuleCommit {
    let mut full = commit(rule, revision, 1);
    full.health.health = Health::Err;
    full.health.missed = 3;
    full.health.missed_paused = 5;
    full.health.missed_stopped = 6;
    full.health.error = Some(ErrorRow {
        code: "fuel_exceeded".into(),
        message: "used 500".into(),
    });
    full.health.standing = Standing {
        strikes: 7,
        failures: 4,
        paused_until_ms: Some(120_000),
        told: Some(Told {
            what: Notice::Paused,
            since_ms: 60_000,
        }),
    };
    full.alerts_upsert = vec![alert("A", 1.5), alert("B", 2.5)];
    full.state.insert("k".into(), Some(vec![0, 255]));
    full.state.insert("empty".into(), Some(vec![]));
    full.state.insert("none".into(), None);
    let timer = Timer {
        due_ms: 99,
        payload: vec![9],
    };
    full.timers.insert("wake".into(), Some(timer));
    full.queries = Some("[\"up\"]".into());
    full.outbox = vec![delivery("01", "am", OutboxKind::Fired)];
    full.evaluation = Some(evaluation("e1", 1));
    full
}

async fn load_one(store: &Store, group: &GroupKey) -> RuleRuntime {
    let mut rules = store.load_group_runtime(group).await.unwrap();
    assert_eq!(rules.len(), 1);
    rules.pop().unwrap()
}

fn by_name(mut alerts: Vec<AlertRow>) -> Vec<AlertRow> {
    alerts.sort_by(|a, b| a.labels.cmp(&b.labels));
    alerts
}

pub(super) async fn a_commit_holds_everything(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let full = full(&rule_of(&key, "r"), revision);
    store.commit(full.clone()).done().await.unwrap();
    let loaded = load_one(&store, &key).await;
    assert_eq!(loaded.rule, "r");
    assert_eq!(loaded.health, full.health);
    assert_eq!(by_name(loaded.alerts), full.alerts_upsert);
    let state = BTreeMap::from([("empty".into(), vec![]), ("k".into(), vec![0, 255])]);
    assert_eq!(loaded.state, state);
    let timer = Timer {
        due_ms: 99,
        payload: vec![9],
    };
    assert_eq!(loaded.timers, BTreeMap::from([("wake".into(), timer)]));
    assert_eq!(loaded.queries.as_deref(), Some("[\"up\"]"));
    let due = store.due(&key.tenant, None, 100, 10).await.unwrap();
    assert_eq!(
        due.into_iter().map(|row| row.unwrap().id).collect::<Vec<_>>(),
        ["01"]
    );
    assert!(store.get_evaluation(&key.tenant, "e1").await.unwrap().is_some());

    // Written twice, it changes nothing more.
    let before = load_one(&store, &key).await;
    store.commit(full).done().await.unwrap();
    assert_eq!(load_one(&store, &key).await, before);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM outbox").await, 1);
}

pub(super) async fn the_next_commit_changes_only_what_it_names(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let rule = rule_of(&key, "r");
    store.commit(full(&rule, revision)).done().await.unwrap();
    let mut next = commit(&rule, revision, 2);
    let changed = AlertRow {
        state: "resolved".into(),
        resolved_at_ms: Some(5),
        annotations: vec![],
        ..alert("B", 7.0)
    };
    next.alerts_upsert = vec![changed.clone()];
    next.alerts_remove = vec![alert("A", 0.0).labels, labels(&[("not", "there")])];
    next.state.insert("k".into(), None);
    next.timers.insert("wake".into(), None);
    store.commit(next).done().await.unwrap();
    let loaded = load_one(&store, &key).await;
    assert_eq!((loaded.health.seq, loaded.health.error), (2, None));
    assert_eq!(loaded.alerts, [changed]);
    assert_eq!(loaded.state, BTreeMap::from([("empty".into(), vec![])]));
    assert!(loaded.timers.is_empty());
    assert_eq!(
        loaded.queries.as_deref(),
        Some("[\"up\"]"),
        "none leaves what is there"
    );
}

pub(super) async fn any_float_survives(store: Store) {
    const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let odd = [
        f64::NAN,
        f64::from_bits(STALE_NAN),
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::MIN_POSITIVE / 2.0,
        f64::MAX,
        0.1 + 0.2,
    ];
    let mut commit = commit(&rule_of(&key, "r"), revision, 1);
    let alerts = odd
        .iter()
        .enumerate()
        .map(|(n, value)| alert(&n.to_string(), *value));
    commit.alerts_upsert = alerts.collect();
    store.commit(commit).done().await.unwrap();
    let loaded = by_name(load_one(&store, &key).await.alerts);
    let bits: Vec<u64> = loaded.iter().map(|alert| alert.value.to_bits()).collect();
    assert_eq!(bits, odd.map(f64::to_bits));
}

pub(super) async fn alerts_are_told_apart_by_all_labels(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let mut commit = commit(&rule_of(&key, "r"), revision, 1);
    let sets = [
        labels(&[]),
        labels(&[("a", "bc")]),
        labels(&[("ab", "c")]),
        labels(&[("a", "b\",\"c\":\"d")]),
        labels(&[("a", "b"), ("c", "d")]),
    ];
    let with = |labels: &Labels| AlertRow {
        labels: labels.clone(),
        ..alert("x", 1.0)
    };
    commit.alerts_upsert = sets.iter().map(with).collect();
    store.commit(commit).done().await.unwrap();
    let loaded = load_one(&store, &key).await.alerts;
    let mut loaded: Vec<Labels> = loaded.into_iter().map(|alert| alert.labels).collect();
    loaded.sort();
    let mut sets = sets.to_vec();
    sets.sort();
    assert_eq!(loaded, sets);
}

pub(super) async fn a_stale_commit_writes_nothing(store: Store) {
    let key = group("t");
    let rule = rule_of(&key, "r");
    let first = put_rules(&store, &key, &["r"]).await;
    let second = put_rules(&store, &key, &["r"]).await;
    for revision in [first, second + 1, 0] {
        let stale = store.commit(full(&rule, revision)).done().await;
        assert!(matches!(stale, Err(StoreError::Stale)), "{revision}: {stale:?}");
    }
    store.delete_group(&key).await.unwrap();
    let gone = store.commit(full(&rule, second)).done().await;
    assert!(matches!(gone, Err(StoreError::Stale)));
    put_rules(&store, &key, &["r"]).await;
    assert!(store.load_group_runtime(&key).await.unwrap().is_empty());
    assert_eq!(count(&store, "SELECT COUNT(*) FROM outbox").await, 0);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM evaluations").await, 0);
}

pub(super) async fn a_failing_part_rolls_the_commit_back(store: Store) {
    let key = group("t");
    let rule = rule_of(&key, "r");
    let revision = put_rules(&store, &key, &["r"]).await;
    let mut bad = full(&rule, revision);
    // The last things written fail: their tables are away.
    for (away, back) in [
        (
            "ALTER TABLE evaluations RENAME TO away",
            "ALTER TABLE away RENAME TO evaluations",
        ),
        (
            "ALTER TABLE outbox RENAME TO away",
            "ALTER TABLE away RENAME TO outbox",
        ),
        (
            "ALTER TABLE rule_timers RENAME TO away",
            "ALTER TABLE away RENAME TO rule_timers",
        ),
    ] {
        sql(&store, away).await.unwrap();
        let failed = store.commit(bad.clone()).done().await;
        assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
        sql(&store, back).await.unwrap();
        assert!(store.load_group_runtime(&key).await.unwrap().is_empty(), "{away}");
        assert_eq!(count(&store, "SELECT COUNT(*) FROM outbox").await, 0, "{away}");
    }
    bad.health.seq = -1;
    assert!(store.commit(bad).done().await.is_err());
    store.commit(full(&rule, revision)).done().await.unwrap();
    assert_eq!(store.load_group_runtime(&key).await.unwrap().len(), 1);
}

/// Holds the writer back until `commits` are handed in, so that they are written together.
async fn together(
    store: &Store,
    commits: impl IntoIterator<Item = RuleCommit>,
) -> Vec<Result<(), StoreError>> {
    let lock = store.begin_write().await.unwrap();
    let before = store.writer_stats().taken;
    let mut tasks = Vec::new();
    for commit in commits {
        let theirs = store.clone();
        tasks.push(tokio::spawn(async move { theirs.commit(commit).done().await }));
        // The first one is taken by the writer, which waits for the lock; the rest queue.
        let sent = tasks.len() as u64;
        let arrived = || {
            let stats = store.writer_stats();
            stats.taken - before == 1 && stats.waiting as u64 + 1 == sent
        };
        while !arrived() {
            tokio::task::yield_now().await;
        }
    }
    drop(lock);
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

pub(super) async fn one_bad_commit_does_not_fail_the_others(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let commits = (0..8).map(|n| {
        let mut one = commit(&rule_of(&key, &format!("r{n}")), revision, 1);
        one.outbox = vec![delivery(&format!("{n}"), "am", OutboxKind::Fired)];
        match n {
            4 => one.health.seq = -1, // the database refuses it
            5 => one.group_revision = 0,
            _ => {}
        }
        one
    });
    let results = together(&store, commits).await;
    for (n, result) in results.iter().enumerate() {
        match n {
            4 => assert!(matches!(result, Err(StoreError::Database(_))), "{result:?}"),
            5 => assert!(matches!(result, Err(StoreError::Stale)), "{result:?}"),
            _ => assert!(result.is_ok(), "{n}: {result:?}"),
        }
    }
    let rules = store.load_group_runtime(&key).await.unwrap();
    let rules: Vec<_> = rules.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(rules, ["r0", "r1", "r2", "r3", "r6", "r7"]);
    assert_eq!(count(&store, "SELECT COUNT(*) FROM outbox").await, 6);
    assert_eq!(store.writer_stats().commits, 6);
}

pub(super) async fn many_commits_share_transactions(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let store = store.clone();
            let commit = commit(&rule_of(&key, &format!("r{n:03}")), revision, 1);
            tokio::spawn(async move { store.commit(commit).done().await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(store.load_group_runtime(&key).await.unwrap().len(), 200);
    let stats = store.writer_stats();
    assert_eq!((stats.commits, stats.waiting), (200, 0));
    assert!(stats.transactions < 100, "{stats:?}");

    let commits = (0..300).map(|n| commit(&rule_of(&key, &format!("r{n:03}")), revision, 2));
    let results = together(&store, commits).await;
    assert!(results.iter().all(Result::is_ok));
    let more = store.writer_stats().transactions - stats.transactions;
    // One alone, then as many at once as the disk's pace allows: 256 at most, 8 at least.
    assert!((3..=39).contains(&more), "{more} transactions for 300 commits");

    let big = |n: usize| {
        let mut big = commit(&rule_of(&key, &format!("r{n:03}")), revision, 3);
        big.state.insert("k".into(), Some(vec![0; 3 << 20]));
        big
    };
    let before = store.writer_stats().transactions;
    assert!(together(&store, (0..5).map(big)).await.iter().all(Result::is_ok));
    let more = store.writer_stats().transactions - before;
    assert_eq!(
        more, 3,
        "one alone, then two and two: 4 MiB are full with the second"
    );
}

pub(super) async fn a_commit_that_nobody_waits_for_goes_with_the_next(store: Store) {
    const PAIRS: u64 = 20;
    let key = group("t");
    let revision = put_rules(&store, &key, &["a", "b"]).await;
    for seq in 1..=PAIRS {
        let of = |rule: &str| commit(&rule_of(&key, rule), revision, seq.cast_signed());
        let first = store.commit(of("a"));
        // The writer has seen it, and would have begun with it alone.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let second = store.commit(of("b"));
        store.hurry();
        first.timed().await.0.unwrap();
        second.timed().await.0.unwrap();
    }
    let stats = store.writer_stats();
    assert_eq!(stats.commits, 2 * PAIRS);
    // On a busy machine the second may come too late.
    assert!(stats.transactions < 2 * PAIRS * 3 / 4, "{stats:?}");

    let alone = commit(&rule_of(&key, "a"), revision, 100);
    store.commit(alone).timed().await.0.unwrap();
}

pub(super) async fn a_commit_goes_on_when_nobody_waits(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let lock = store.begin_write().await.unwrap();
    let theirs = store.clone();
    let one = commit(&rule_of(&key, "r"), revision, 1);
    let first = tokio::spawn(async move { theirs.commit(one).done().await });
    let theirs = store.clone();
    let two = commit(&rule_of(&key, "r"), revision, 2);
    let second = tokio::spawn(async move { theirs.commit(two).done().await });
    let arrived = || {
        let stats = store.writer_stats();
        stats.taken + stats.waiting as u64 == 2
    };
    while !arrived() {
        tokio::task::yield_now().await;
    }
    first.abort();
    second.abort();
    drop(lock);
    while store.writer_stats().commits < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.load_group_runtime(&key).await.unwrap().len(), 1);
}

#[expect(
    clippy::disallowed_methods,
    reason = "this measures the time that writing takes"
)]
pub(super) async fn ten_thousand_alerts_take_less_than_a_second(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let mut most = Vec::new();
    for round in 0..3 {
        let mut big = commit(&rule_of(&key, "r"), revision, round);
        big.alerts_upsert = (0..10_000)
            .map(|n| alert(&format!("A{n}"), f64::from(n)))
            .collect();
        let start = std::time::Instant::now();
        store.commit(big).done().await.unwrap();
        most.push(start.elapsed());
    }
    let start = std::time::Instant::now();
    assert_eq!(load_one(&store, &key).await.alerts.len(), 10_000);
    println!(
        "10,000 alerts: new, again, again {most:?}, loaded {:?}",
        start.elapsed()
    );
    // The best of them: the others may have met a busy machine.
    assert!(most.iter().min().unwrap().as_millis() < 1_000, "{most:?}");
}

pub(super) async fn ids_sort_in_order(store: Store) {
    let mut ids: Vec<String> = (0..2_000).map(|_| store.new_id(1_700_000_000_000)).collect();
    ids.push(store.new_id(1_700_000_000_001));
    ids.push(store.new_id(5)); // a clock that was set back
    ids.push(store.clone().new_id(-5));
    let mut sorted = ids.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(ids, sorted);
    assert!(ids.iter().all(|id| id.len() == 25));
}
