//! Writing the rows of a rule: health, alerts, state, timers.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use sqlx::QueryBuilder;
use sqlx::query::Query;
use sqlx::query_builder::Separated;
use wasmalert_core::evaluation::Timer;
use wasmalert_core::{GroupKey, Labels, RuleKey};

use super::migrate::hex;
use super::row::Fields;
use super::{AlertRow, Connection, Db, RuleCommit, StoreError};

/// Bytes of the labels' hash that tell two alerts of one rule apart.
const FINGERPRINT_BYTES: usize = 16;

type Arguments = <Db as sqlx::Database>::Arguments;

/// A query with the rule's key bound as `$1` to `$4`.
pub(super) fn of_rule<'q>(sql: &'static str, rule: &'q RuleKey) -> Query<'q, Db, Arguments> {
    sqlx::query(sql)
        .bind(rule.tenant().as_str())
        .bind(&*rule.group.namespace)
        .bind(&*rule.group.group)
        .bind(&*rule.rule)
}

/// Binds the columns that say which rule it is.
pub(super) fn push_rule(row: &mut Separated<'_, Db, &'static str>, rule: &RuleKey) {
    row.push_bind(rule.tenant().as_str())
        .push_bind(&*rule.group.namespace)
        .push_bind(&*rule.group.group)
        .push_bind(&*rule.rule);
}

pub(super) async fn put_health(
    connection: &mut Connection,
    commits: &[&RuleCommit],
) -> Result<(), StoreError> {
    let mut sql = QueryBuilder::<Db>::new(
        "INSERT INTO rule_health (tenant, namespace, group_name, rule, health,
            error_code, error_message, last_evaluation_ms, last_duration_ns, missed, seq,
            strikes, paused_until_ms, told, told_since_ms, queries) ",
    );
    sql.push_values(commits, |mut row, commit| {
        let (health, standing) = (&commit.health, &commit.health.standing);
        push_rule(&mut row, &commit.rule);
        row.push_bind(health.health.as_str())
            .push_bind(health.error.as_ref().map(|error| error.code.as_str()))
            .push_bind(health.error.as_ref().map(|error| error.message.as_str()))
            .push_bind(health.last_evaluation_ms)
            .push_bind(health.last_duration_ns)
            .push_bind(health.missed)
            .push_bind(health.seq)
            .push_bind(i64::from(standing.strikes))
            .push_bind(standing.paused_until_ms)
            .push_bind(standing.told.map(|told| told.what.as_str()))
            .push_bind(standing.told.map(|told| told.since_ms))
            .push_bind(commit.queries.as_deref());
    });
    sql.push(
        " ON CONFLICT (tenant, namespace, group_name, rule) DO UPDATE SET
            health = excluded.health, error_code = excluded.error_code,
            error_message = excluded.error_message,
            last_evaluation_ms = excluded.last_evaluation_ms,
            last_duration_ns = excluded.last_duration_ns, missed = excluded.missed,
            seq = excluded.seq, strikes = excluded.strikes,
            paused_until_ms = excluded.paused_until_ms, told = excluded.told,
            told_since_ms = excluded.told_since_ms, queries = COALESCE(excluded.queries, rule_health.queries)",
    );
    sql.build().persistent(false).execute(connection).await?;
    Ok(())
}

pub(super) async fn put_alert(
    connection: &mut Connection,
    rule: &RuleKey,
    alert: &AlertRow,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO alerts (tenant, namespace, group_name, rule, fingerprint, labels,
            annotations, value_bits, state, active_at_ms, fired_at_ms, resolved_at_ms,
            last_sent_at_ms, keep_firing_since_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (tenant, namespace, group_name, rule, fingerprint) DO UPDATE SET
            labels = excluded.labels, annotations = excluded.annotations,
            value_bits = excluded.value_bits, state = excluded.state,
            active_at_ms = excluded.active_at_ms, fired_at_ms = excluded.fired_at_ms,
            resolved_at_ms = excluded.resolved_at_ms,
            last_sent_at_ms = excluded.last_sent_at_ms,
            keep_firing_since_ms = excluded.keep_firing_since_ms";
    let labels = labels_json(&alert.labels);
    of_rule(sql, rule)
        .bind(fingerprint(&labels))
        .bind(&labels)
        .bind(serde_json::json!(alert.annotations).to_string())
        .bind(alert.value.to_bits().cast_signed())
        .bind(&alert.state)
        .bind(alert.active_at_ms)
        .bind(alert.fired_at_ms)
        .bind(alert.resolved_at_ms)
        .bind(alert.last_sent_at_ms)
        .bind(alert.keep_firing_since_ms)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn remove_alert(
    connection: &mut Connection,
    rule: &RuleKey,
    labels: &Labels,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM alerts WHERE tenant = $1 AND namespace = $2 AND group_name = $3
        AND rule = $4 AND fingerprint = $5";
    of_rule(sql, rule)
        .bind(fingerprint(&labels_json(labels)))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn write_state(
    connection: &mut Connection,
    rule: &RuleKey,
    name: &str,
    content: Option<&[u8]>,
) -> Result<(), StoreError> {
    let query = match content {
        Some(content) => of_rule(
            "INSERT INTO rule_state (tenant, namespace, group_name, rule, name, content)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (tenant, namespace, group_name, rule, name)
                 DO UPDATE SET content = excluded.content",
            rule,
        )
        .bind(name)
        .bind(content),
        None => of_rule(
            "DELETE FROM rule_state WHERE tenant = $1 AND namespace = $2 AND group_name = $3
             AND rule = $4 AND name = $5",
            rule,
        )
        .bind(name),
    };
    query.execute(connection).await?;
    Ok(())
}

pub(super) async fn write_timer(
    connection: &mut Connection,
    rule: &RuleKey,
    name: &str,
    timer: Option<&Timer>,
) -> Result<(), StoreError> {
    let query = match timer {
        Some(timer) => of_rule(
            "INSERT INTO rule_timers (tenant, namespace, group_name, rule, name, due_ms, payload)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (tenant, namespace, group_name, rule, name)
                 DO UPDATE SET due_ms = excluded.due_ms, payload = excluded.payload",
            rule,
        )
        .bind(name)
        .bind(timer.due_ms)
        .bind(timer.payload.as_slice()),
        None => of_rule(
            "DELETE FROM rule_timers WHERE tenant = $1 AND namespace = $2 AND group_name = $3
             AND rule = $4 AND name = $5",
            rule,
        )
        .bind(name),
    };
    query.execute(connection).await?;
    Ok(())
}

/// Removes the rows of all rules of a group but the kept ones.
pub(super) async fn remove_others(
    connection: &mut Connection,
    group: &GroupKey,
    kept: &BTreeSet<&str>,
) -> Result<(), StoreError> {
    for name in rules_with_rows(connection, group).await? {
        if kept.contains(name.as_str()) {
            continue;
        }
        let rule = RuleKey {
            group: group.clone(),
            rule: name.into(),
        };
        for sql in REMOVE_RULE {
            of_rule(sql, &rule).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

const REMOVE_RULE: [&str; 4] = [
    "DELETE FROM rule_health WHERE tenant = $1 AND namespace = $2 AND group_name = $3 AND rule = $4",
    "DELETE FROM alerts WHERE tenant = $1 AND namespace = $2 AND group_name = $3 AND rule = $4",
    "DELETE FROM rule_state WHERE tenant = $1 AND namespace = $2 AND group_name = $3 AND rule = $4",
    "DELETE FROM rule_timers WHERE tenant = $1 AND namespace = $2 AND group_name = $3 AND rule = $4",
];

/// The rules that have rows: each commit writes a rule's health, so that table has them all.
async fn rules_with_rows(connection: &mut Connection, group: &GroupKey) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(
        "SELECT rule FROM rule_health
         WHERE tenant = $1 AND namespace = $2 AND group_name = $3",
    )
    .bind(group.tenant.as_str())
    .bind(&*group.namespace)
    .bind(&*group.group)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let fields = Fields {
                table: "rule_health",
                key: &["rule"],
                row,
            };
            fields.get("rule")
        })
        .collect()
}

/// The labels as a JSON object, sorted by name.
fn labels_json(labels: &Labels) -> String {
    let pairs = labels.iter().map(|(name, value)| (name.to_owned(), value.into()));
    serde_json::Value::Object(pairs.collect()).to_string()
}

/// Tells alerts of one rule apart: a hash that no one can make collide.
fn fingerprint(labels_json: &str) -> String {
    hex(&Sha256::digest(labels_json.as_bytes())[..FINGERPRINT_BYTES])
}
