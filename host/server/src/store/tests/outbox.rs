//! Lanes, attempts, dead letters, retention.

use super::OutboxKind::{Fired, Resend, Resolved};
use super::*;

/// One commit of rule `r` of tenant `name` for each of the deliveries.
async fn send(store: &Store, name: &str, rows: Vec<NewOutboxRow>) {
    let key = group(name);
    let revision = match store.get_group(&key).await.unwrap() {
        Some(group) => group.revision,
        None => put_rules(store, &key, &["r"]).await,
    };
    for row in rows {
        let mut one = commit(&rule_of(&key, "r"), revision, 1);
        one.outbox = vec![row];
        store.commit(one).done().await.unwrap();
    }
}

async fn due(store: &Store, now_ms: i64) -> Vec<String> {
    let mut rows = Vec::new();
    for tenant in store.pending_of_all_tenants().await.unwrap() {
        let due = store.due(&tenant, None, now_ms, 100).await.unwrap();
        rows.extend(due.into_iter().map(Result::unwrap));
    }
    rows.sort_by_key(|row| (row.next_attempt_ms, row.id.clone()));
    rows.into_iter().map(|row| row.id).collect()
}

async fn one(store: &Store, id: &str) -> OutboxRow {
    let rows = store.list_outbox(&tenant("t"), None, 100, None).await.unwrap();
    rows.into_iter().find(|row| row.id == id).unwrap()
}

pub(super) async fn lanes_go_in_order(store: Store) {
    let t = tenant("t");
    // Enqueued in the wrong order, in one commit: the ids tell.
    let rows = ["03", "01", "02"].map(|id| delivery(id, "am", Fired));
    send(&store, "t", rows.to_vec()).await;
    assert_eq!(due(&store, 99).await, [""; 0]);
    assert_eq!(due(&store, 100).await, ["01"]);
    // The head waits for its next attempt, and so does the lane.
    assert!(store.record_attempt(&t, "01", 500, "503").await.unwrap());
    assert_eq!(due(&store, 499).await, [""; 0]);
    assert_eq!(store.next_due_ms(&t).await.unwrap(), Some(500));
    assert_eq!(due(&store, 500).await, ["01"]);
    assert!(store.record_delivered(&t, "01", 501).await.unwrap());
    assert_eq!(due(&store, 501).await, ["02"]);
    assert!(store.record_delivered(&t, "02", 502).await.unwrap());
    assert_eq!(due(&store, 502).await, ["03"]);
    assert!(store.record_delivered(&t, "03", 503).await.unwrap());
    assert_eq!(due(&store, 503).await, [""; 0]);
    assert_eq!(store.next_due_ms(&t).await.unwrap(), None);
}

pub(super) async fn lanes_do_not_wait_for_each_other(store: Store) {
    let mut late = delivery("01", "am", Fired);
    late.next_attempt_ms = 900;
    send(&store, "t", vec![late, delivery("02", "slack", Fired)]).await;
    send(&store, "u", vec![delivery("03", "am", Fired)]).await;
    let key = group("t");
    let revision = store.get_group(&key).await.unwrap().unwrap().revision;
    let mut other = commit(&rule_of(&key, "other"), revision, 1);
    other.outbox = vec![delivery("04", "am", Fired)];
    store.commit(other).done().await.unwrap();
    assert_eq!(due(&store, 100).await, ["02", "03", "04"]);
    assert_eq!(due(&store, 900).await, ["02", "03", "04", "01"]);
    let limited = store.due(&tenant("t"), None, 900, 2).await.unwrap();
    assert_eq!(limited.len(), 2);
    let pending = store.pending_of_all_tenants().await.unwrap();
    assert_eq!(pending, [tenant("t"), tenant("u")]);
    assert!(store.due(&tenant("v"), None, 900, 2).await.unwrap().is_empty());
}

pub(super) async fn a_resend_gives_way_to_what_comes_after(store: Store) {
    let t = tenant("t");
    let ids = async || {
        let mut rows = store.list_outbox(&t, None, 100, None).await.unwrap();
        rows.reverse();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    send(
        &store,
        "t",
        vec![delivery("01", "am", Fired), delivery("02", "am", Resend)],
    )
    .await;
    send(&store, "t", vec![delivery("03", "slack", Resend)]).await;
    assert_eq!(ids().await, ["01", "02", "03"]);
    for n in 4..20 {
        send(&store, "t", vec![delivery(&format!("{n:02}"), "am", Resend)]).await;
    }
    assert_eq!(ids().await, ["01", "03", "19"], "an outage does not pile up");
    store.record_progress(&t, "19", 1).await.unwrap();
    send(&store, "t", vec![delivery("20", "am", Resolved)]).await;
    assert_eq!(ids().await, ["01", "03", "20"]);
    // The sender that was at it learns that there is nothing to note.
    assert!(!store.record_delivered(&t, "19", 200).await.unwrap());

    // A delivered or dead resend stays as history.
    send(&store, "t", vec![delivery("21", "slack", Resend)]).await;
    store.record_delivered(&t, "21", 200).await.unwrap();
    send(&store, "t", vec![delivery("22", "slack", Resend)]).await;
    store.record_dead(&t, "22", 200, "410").await.unwrap();
    send(&store, "t", vec![delivery("23", "slack", Fired)]).await;
    assert_eq!(ids().await, ["01", "20", "21", "22", "23"]);
}

pub(super) async fn an_attempt_moves_the_time_and_keeps_progress(store: Store) {
    let t = tenant("t");
    send(&store, "t", vec![delivery("01", "am", Fired)]).await;
    let fresh = one(&store, "01").await;
    let expected = OutboxRow {
        id: "01".into(),
        rule: rule_of(&group("t"), "r"),
        receiver: "am".into(),
        kind: Fired,
        payload: "{\"id\":\"01\"}".into(),
        idempotency_key: "key-01".into(),
        created_ms: 100,
        next_attempt_ms: 100,
        attempts: 0,
        requests_done: 0,
        status: OutboxStatus::Pending,
        last_error: None,
        finished_ms: None,
    };
    assert_eq!(fresh, expected);
    assert!(store.record_progress(&t, "01", 3).await.unwrap());
    assert!(store.record_attempt(&t, "01", 700, "timeout").await.unwrap());
    let tried = OutboxRow {
        requests_done: 3,
        attempts: 1,
        next_attempt_ms: 700,
        last_error: Some("timeout".into()),
        ..expected
    };
    assert_eq!(one(&store, "01").await, tried);
}

pub(super) async fn dead_ones_let_the_lane_go_on_and_can_be_retried(store: Store) {
    let t = tenant("t");
    send(
        &store,
        "t",
        vec![delivery("01", "am", Fired), delivery("02", "am", Resolved)],
    )
    .await;
    assert!(!store.retry_dead(&t, "01", 150).await.unwrap(), "it is pending");
    store.record_progress(&t, "01", 2).await.unwrap();
    assert!(store.record_dead(&t, "01", 200, "gave up").await.unwrap());
    assert_eq!(due(&store, 200).await, ["02"]);
    let dead = store
        .list_outbox(&t, Some(OutboxStatus::Dead), 10, None)
        .await
        .unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].last_error.as_deref(), Some("gave up"));
    assert_eq!((dead[0].attempts, dead[0].finished_ms), (1, Some(200)));
    assert!(store.retry_dead(&t, "01", 300).await.unwrap());
    let again = one(&store, "01").await;
    assert_eq!(
        (again.status, again.attempts, again.finished_ms),
        (OutboxStatus::Pending, 0, None)
    );
    assert_eq!((again.requests_done, again.next_attempt_ms), (2, 300));
    assert_eq!(
        due(&store, 300).await,
        ["01"],
        "before the later ones of its lane"
    );
}

pub(super) async fn finished_ones_do_not_change(store: Store) {
    let t = tenant("t");
    send(&store, "t", vec![delivery("01", "am", Fired)]).await;
    assert!(store.record_delivered(&t, "01", 200).await.unwrap());
    let delivered = one(&store, "01").await;
    assert!(!store.record_delivered(&t, "01", 300).await.unwrap());
    assert!(!store.record_dead(&t, "01", 300, "x").await.unwrap());
    assert!(!store.record_attempt(&t, "01", 300, "x").await.unwrap());
    assert!(!store.record_progress(&t, "01", 9).await.unwrap());
    assert!(!store.retry_dead(&t, "01", 300).await.unwrap());
    assert!(!store.record_delivered(&t, "no-such", 300).await.unwrap());
    assert_eq!(one(&store, "01").await, delivered);
}

pub(super) async fn listing_goes_page_by_page(store: Store) {
    let t = tenant("t");
    let rows = (1..=5).map(|n| delivery(&format!("{n:02}"), "am", Fired));
    send(&store, "t", rows.collect()).await;
    store.record_delivered(&t, "02", 200).await.unwrap();
    let page = async |status, limit, before| {
        let rows = store.list_outbox(&t, status, limit, before).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2, None).await, ["05", "04"]);
    assert_eq!(page(None, 2, Some("04")).await, ["03", "02"]);
    assert_eq!(page(None, 2, Some("02")).await, ["01"]);
    assert_eq!(
        page(Some(OutboxStatus::Pending), 10, Some("04")).await,
        ["03", "01"]
    );
    assert_eq!(page(Some(OutboxStatus::Delivered), 10, None).await, ["02"]);
}

pub(super) async fn backlogs_count_per_tenant(store: Store) {
    assert!(store.backlogs_of_all_tenants().await.unwrap().is_empty());
    let mut newer = delivery("02", "am", Fired);
    newer.created_ms = 150;
    send(&store, "t", vec![delivery("01", "am", Fired), newer]).await;
    send(&store, "t", vec![delivery("03", "am", Fired)]).await;
    send(&store, "u", vec![delivery("04", "am", Fired)]).await;
    store.record_delivered(&tenant("t"), "01", 200).await.unwrap();
    store.record_delivered(&tenant("t"), "03", 200).await.unwrap();
    store.record_dead(&tenant("u"), "04", 200, "x").await.unwrap();
    let backlog = |name, pending, dead, oldest_pending_ms| Backlog {
        tenant: tenant(name),
        pending,
        dead,
        oldest_pending_ms,
    };
    let found = store.backlogs_of_all_tenants().await.unwrap();
    assert_eq!(found, [backlog("t", 1, 0, Some(150)), backlog("u", 0, 1, None)]);
}

pub(super) async fn pruning_by_age_and_by_count(store: Store) {
    let rows = (1..=9).map(|n| delivery(&format!("{n:02}"), "am", Fired));
    send(&store, "t", rows.collect()).await;
    send(&store, "u", vec![delivery("10", "am", Fired)]).await;
    for n in 1..=7 {
        let id = format!("{n:02}");
        store.record_delivered(&tenant("t"), &id, n * 100).await.unwrap();
    }
    store.record_dead(&tenant("t"), "08", 100, "x").await.unwrap();
    store.record_delivered(&tenant("u"), "10", 900).await.unwrap();
    let prune = async |status, before, keep, limit| {
        store
            .prune_outbox_of_all_tenants(status, before, keep, limit)
            .await
            .unwrap()
    };
    let left = async || {
        let rows = store.list_outbox(&tenant("t"), None, 100, None).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(prune(OutboxStatus::Pending, 10_000, 0, 100).await, 0);
    assert_eq!(prune(OutboxStatus::Delivered, 300, 100, 1).await, 1);
    assert_eq!(prune(OutboxStatus::Delivered, 300, 100, 100).await, 1);
    assert_eq!(left().await, ["09", "08", "07", "06", "05", "04", "03"]);
    assert_eq!(prune(OutboxStatus::Delivered, 0, 2, 100).await, 3);
    assert_eq!(left().await, ["09", "08", "07", "06"]);
    assert_eq!(prune(OutboxStatus::Dead, 101, 100, 100).await, 1);
    assert_eq!(left().await, ["09", "07", "06"]);
    assert_eq!(
        store
            .list_outbox(&tenant("u"), None, 9, None)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[expect(clippy::disallowed_methods, reason = "this measures how long it takes")]
pub(super) async fn a_long_lane_stays_cheap(store: Store) {
    let key = group("t");
    let revision = put_rules(&store, &key, &["r"]).await;
    let mut long = commit(&rule_of(&key, "r"), revision, 1);
    let rows = (0..20_000).map(|n| delivery(&format!("{n:05}"), "am", Fired));
    long.outbox = rows.collect();
    let start = std::time::Instant::now();
    store.commit(long).done().await.unwrap();
    println!("20,000 enqueued: {:?}", start.elapsed());
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    store
        .record_attempt(&key.tenant, "00000", 1_000, "down")
        .await
        .unwrap();
    let start = std::time::Instant::now();
    assert_eq!(due(&store, 999).await, [""; 0]);
    assert_eq!(store.next_due_ms(&key.tenant).await.unwrap(), Some(1_000));
    println!("two polls over a lane of 20,000: {:?}", start.elapsed());
    assert!(start.elapsed().as_millis() < 1_000, "{:?}", start.elapsed());
}
