//! The audit log: pages of it, and what it is held to.

use super::*;

fn row(tenant_name: Option<&str>, id: usize, time_ms: i64) -> AuditRow {
    AuditRow {
        tenant: tenant_name.map(tenant),
        id: format!("{id:025x}"),
        time_ms,
        actor: "operator".into(),
        address: "127.0.0.1".into(),
        method: "PUT".into(),
        path: "/v1/sources/a".into(),
        status: 201,
    }
}

async fn all_between(store: &Store, since_ms: i64, until_ms: i64) -> Vec<AuditRow> {
    let mut place: AuditPlace = (since_ms, String::new());
    let mut all = Vec::new();
    loop {
        let page = store
            .audit_between_of_all_tenants(&place, until_ms)
            .await
            .unwrap();
        let Some(last) = page.last() else { return all };
        place = (last.time_ms, last.id.clone());
        all.extend(page);
    }
}

pub(super) async fn the_log_of_all_is_listed_and_exported_in_order(store: Store) {
    // More than a page, many of one time, and a clock that went back.
    let rows: Vec<_> = (0..2_500)
        .map(|at| {
            let name = [Some("t"), Some("u"), None][at % 3];
            row(name, at, if at == 2_000 { 0 } else { at as i64 / 1_200 })
        })
        .collect();
    store.add_audit(&rows).await.unwrap();
    let ids = |rows: &[AuditRow]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    let listed = store.list_audit_of_all_tenants(None, 2).await.unwrap();
    assert_eq!(listed, [rows[2_499].clone(), rows[2_498].clone()]);
    let listed = store
        .list_audit_of_all_tenants(Some(&rows[1].id), 9)
        .await
        .unwrap();
    assert_eq!(listed, [rows[0].clone()]);
    let of_nobody = store.list_audit(None, None, 1_000).await.unwrap();
    assert!(of_nobody.len() == 833 && of_nobody.iter().all(|row| row.tenant.is_none()));

    let mut by_time = rows.clone();
    by_time.sort_by_key(|row| (row.time_ms, row.id.clone()));
    assert_eq!(ids(&all_between(&store, 0, i64::MAX).await), ids(&by_time));
    let second = by_time.iter().filter(|row| row.time_ms == 1);
    let second: Vec<_> = second.cloned().collect();
    assert!(second.len() > 1_000);
    assert_eq!(all_between(&store, 1, 2).await, second);
    assert!(all_between(&store, 3, 9).await.is_empty());
}

pub(super) async fn entries_are_added_and_removed_by_age_alone(store: Store) {
    let rows: Vec<_> = (1..=4).map(|at| row(Some("t"), at, at as i64 * 10)).collect();
    store.add_audit(&rows).await.unwrap();
    let left = async || {
        store
            .list_audit(Some(&tenant("t")), None, 10)
            .await
            .unwrap()
            .len()
    };
    for (statement, said) in [
        ("UPDATE audit SET actor = 'nobody'", "are not changed"),
        ("UPDATE audit SET time_ms = 0", "are not changed"),
        ("DELETE FROM audit", "are kept"),
        ("DELETE FROM audit WHERE time_ms = 10", "are kept"),
        (
            "INSERT OR REPLACE INTO audit SELECT tenant, id, time_ms, 'x', address, method, path, status FROM audit",
            "are not replaced",
        ),
    ] {
        let error = sql(&store, statement).await.unwrap_err().to_string();
        assert!(error.contains(said), "{statement}: {error}");
    }
    assert_eq!(
        store.list_audit(Some(&tenant("t")), None, 1).await.unwrap(),
        [rows[3].clone()]
    );
    // Those from before the time go, in steps; no later ones do then.
    store.prune_audit_of_all_tenants(31, 2).await.unwrap();
    assert_eq!(left().await, 2);
    store.prune_audit_of_all_tenants(31, 2).await.unwrap();
    assert_eq!(left().await, 1);
    assert!(sql(&store, "DELETE FROM audit").await.is_err());
    store.prune_audit_of_all_tenants(20, 2).await.unwrap();
    assert_eq!(
        count(&store, "SELECT since_ms FROM audit_kept").await,
        31,
        "it does not go back"
    );
}
