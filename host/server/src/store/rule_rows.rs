//! Writing the rows of a rule: health, alerts, state, timers.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, SqlSafeStr};
use wasmalert_core::evaluation::Timer;
use wasmalert_core::{GroupKey, Labels, RuleKey};

use super::migrate::hex;
use super::row::Fields;
use super::script::{Script, values};
use super::{AlertRow, Arguments, Connection, Db, RuleCommit, StoreError};

/// Bytes of the labels' hash that tell two alerts of one rule apart.
const FINGERPRINT_BYTES: usize = 16;

/// Alerts that one statement writes.
const ALERTS_TOGETHER: usize = 64;

/// A query with the rule's key bound as `$1` to `$4`.
pub(super) fn of_rule(sql: impl SqlSafeStr, rule: &RuleKey) -> Query<'_, Db, Arguments> {
    sqlx::query(sql)
        .bind(rule.tenant().as_str())
        .bind(&*rule.group.namespace)
        .bind(&*rule.group.group)
        .bind(&*rule.rule)
}

pub(super) fn put_health(script: &mut Script, commits: &[&RuleCommit]) {
    let values = values(commits.len(), 19);
    let mut script = script.add(&format!(
        "INSERT INTO rule_health (tenant, namespace, group_name, rule, health,
            error_code, error_message, last_evaluation_ms, last_duration_ns, missed, missed_paused, missed_stopped, seq,
            strikes, failures, paused_until_ms, told, told_since_ms, queries) {values}
         ON CONFLICT (tenant, namespace, group_name, rule) DO UPDATE SET
            health = excluded.health, error_code = excluded.error_code,
            error_message = excluded.error_message,
            last_evaluation_ms = excluded.last_evaluation_ms,
            last_duration_ns = excluded.last_duration_ns, missed = excluded.missed,
            missed_paused = excluded.missed_paused, missed_stopped = excluded.missed_stopped,
            seq = excluded.seq, strikes = excluded.strikes,
            failures = excluded.failures,
            paused_until_ms = excluded.paused_until_ms, told = excluded.told,
            told_since_ms = excluded.told_since_ms, queries = COALESCE(excluded.queries, rule_health.queries)"
    ));
    for commit in commits {
        let (health, standing) = (&commit.health, &commit.health.standing);
        script = script
            .rule(&commit.rule)
            .bind(health.health.as_str())
            .bind(health.error.as_ref().map(|error| error.code.as_str()))
            .bind(health.error.as_ref().map(|error| error.message.as_str()))
            .bind(health.last_evaluation_ms)
            .bind(health.last_duration_ns)
            .bind(health.missed)
            .bind(health.missed_paused)
            .bind(health.missed_stopped)
            .bind(health.seq)
            .bind(i64::from(standing.strikes))
            .bind(i64::from(standing.failures))
            .bind(standing.paused_until_ms)
            .bind(standing.told.map(|told| told.what.as_str()))
            .bind(standing.told.map(|told| told.since_ms))
            .bind(commit.queries.as_deref());
    }
}

pub(super) fn put_alerts(script: &mut Script, rule: &RuleKey, alerts: &[AlertRow]) {
    for alerts in alerts.chunks(ALERTS_TOGETHER) {
        let values = values(alerts.len(), 15);
        let mut script = script.add(&format!(
            "INSERT INTO alerts (tenant, namespace, group_name, rule, fingerprint, labels,
                annotations, value_bits, state, active_at_ms, fired_at_ms, resolved_at_ms,
                last_sent_at_ms, keep_firing_since_ms, seen) {values}
             ON CONFLICT (tenant, namespace, group_name, rule, fingerprint) DO UPDATE SET
                labels = excluded.labels, annotations = excluded.annotations,
                value_bits = excluded.value_bits, state = excluded.state,
                active_at_ms = excluded.active_at_ms, fired_at_ms = excluded.fired_at_ms,
                resolved_at_ms = excluded.resolved_at_ms,
                last_sent_at_ms = excluded.last_sent_at_ms,
                keep_firing_since_ms = excluded.keep_firing_since_ms, seen = excluded.seen"
        ));
        for alert in alerts {
            let labels = labels_json(&alert.labels);
            script = script
                .rule(rule)
                .bind(fingerprint(&labels))
                .bind(labels)
                .bind(serde_json::json!(alert.annotations).to_string())
                .bind(alert.value.to_bits().cast_signed())
                .bind(&alert.state)
                .bind(alert.active_at_ms)
                .bind(alert.fired_at_ms)
                .bind(alert.resolved_at_ms)
                .bind(alert.last_sent_at_ms)
                .bind(alert.keep_firing_since_ms)
                .bind(alert.seen.cast_signed());
        }
    }
}

pub(super) fn remove_alert(script: &mut Script, rule: &RuleKey, labels: &Labels) {
    script
        .add_for(
            rule,
            "DELETE FROM alerts WHERE tenant = ? AND namespace = ? AND group_name = ?
             AND rule = ? AND fingerprint = ?",
        )
        .bind(fingerprint(&labels_json(labels)));
}

pub(super) fn write_state(script: &mut Script, rule: &RuleKey, name: &str, content: Option<&[u8]>) {
    let Some(content) = content else {
        return remove_named(script, "rule_state", rule, name);
    };
    script
        .add_for(
            rule,
            "INSERT INTO rule_state (tenant, namespace, group_name, rule, name, content)
             VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, namespace, group_name, rule, name)
                 DO UPDATE SET content = excluded.content",
        )
        .bind(name)
        .bind(content);
}

pub(super) fn write_timer(script: &mut Script, rule: &RuleKey, name: &str, timer: Option<&Timer>) {
    let Some(timer) = timer else {
        return remove_named(script, "rule_timers", rule, name);
    };
    script
        .add_for(
            rule,
            "INSERT INTO rule_timers (tenant, namespace, group_name, rule, name, due_ms, payload)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, namespace, group_name, rule, name)
                 DO UPDATE SET due_ms = excluded.due_ms, payload = excluded.payload",
        )
        .bind(name)
        .bind(timer.due_ms)
        .bind(timer.payload.as_slice());
}

fn remove_named(script: &mut Script, table: &str, rule: &RuleKey, name: &str) {
    let sql = format!(
        "DELETE FROM {table} WHERE tenant = ? AND namespace = ? AND group_name = ?
         AND rule = ? AND name = ?"
    );
    script.add_for(rule, &sql).bind(name);
}

/// Removes the rows of all rules of a group but the kept ones, and their pauses.
pub(super) async fn remove_others(
    connection: &mut Connection,
    group: &GroupKey,
    kept: &BTreeSet<&str>,
) -> Result<(), StoreError> {
    for name in rules_paused(connection, group).await? {
        if !kept.contains(name.as_str()) {
            let rule = RuleKey {
                group: group.clone(),
                rule: name.into(),
            };
            remove(connection, &rule, &[PAUSES]).await?;
        }
    }
    for name in rules_with_rows(connection, group).await? {
        if kept.contains(name.as_str()) {
            continue;
        }
        let rule = RuleKey {
            group: group.clone(),
            rule: name.into(),
        };
        remove(connection, &rule, &EVALUATED).await?;
    }
    Ok(())
}

/// Tables with what evaluations have made of rules.
const EVALUATED: [&str; 4] = ["rule_health", "alerts", "rule_state", "rule_timers"];
const PAUSES: &str = "pauses";
/// Tables with what is known of rules.
const TABLES: [&str; 5] = ["rule_health", "alerts", "rule_state", "rule_timers", PAUSES];

/// Removes what tables know of a rule.
async fn remove(connection: &mut Connection, rule: &RuleKey, tables: &[&str]) -> Result<(), StoreError> {
    for table in tables {
        let sql = AssertSqlSafe(format!(
            "DELETE FROM {table} WHERE tenant = $1 AND namespace = $2 AND group_name = $3 AND rule = $4"
        ));
        of_rule(sql, rule).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Keeps what is known of rules under other keys: from, to. What was under one that a rule is renamed to is removed.
pub(super) async fn rename(
    connection: &mut Connection,
    group: &GroupKey,
    moved: &[(&str, &str)],
) -> Result<(), StoreError> {
    // No rule's name has a control character.
    let aside = |to: &str| format!("\u{1}{to}");
    for (from, to) in moved {
        set_rule(connection, group, from, &aside(to)).await?;
    }
    for (_, to) in moved {
        let key = RuleKey {
            group: group.clone(),
            rule: (*to).into(),
        };
        remove(connection, &key, &TABLES).await?;
        set_rule(connection, group, &aside(to), to).await?;
    }
    Ok(())
}

async fn set_rule(
    connection: &mut Connection,
    group: &GroupKey,
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    for table in TABLES {
        let sql = AssertSqlSafe(format!(
            "UPDATE {table} SET rule = $5 WHERE tenant = $1 AND namespace = $2 AND group_name = $3 AND rule = $4"
        ));
        let set = sqlx::query(sql)
            .bind(group.tenant.as_str())
            .bind(&*group.namespace);
        let set = set.bind(&*group.group).bind(from).bind(to);
        set.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn rules_paused(connection: &mut Connection, group: &GroupKey) -> Result<Vec<String>, StoreError> {
    let names = sqlx::query_scalar(
        "SELECT rule FROM pauses WHERE tenant = $1 AND namespace = $2 AND group_name = $3 AND rule <> ''",
    );
    let names = names.bind(group.tenant.as_str()).bind(&*group.namespace);
    Ok(names.bind(&*group.group).fetch_all(connection).await?)
}

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
