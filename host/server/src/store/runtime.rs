//! What is known of the rules of a group between two evaluations.

use std::collections::BTreeMap;

use wasmalert_core::evaluation::{State, Timer, Timers};
use wasmalert_core::standing::{Notice, Standing, Told};
use wasmalert_core::{GroupKey, Labels};

use super::row::Fields;
use super::{Row, Store, StoreError, Transaction};

/// How the last evaluation of a rule went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Health {
    #[default]
    Unknown,
    Ok,
    Err,
}

impl Health {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Err => "err",
        }
    }

    #[must_use]
    pub fn parse(health: &str) -> Option<Self> {
        [Self::Unknown, Self::Ok, Self::Err]
            .into_iter()
            .find(|h| h.as_str() == health)
    }
}

/// Why an evaluation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRow {
    /// The stable code, as in the API.
    pub code: String,
    pub message: String,
}

/// The health of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthRow {
    pub health: Health,
    pub error: Option<ErrorRow>,
    pub last_evaluation_ms: Option<i64>,
    pub last_duration_ns: Option<i64>,
    /// Slots that passed without an evaluation since it came too late, at least 0.
    pub missed: i64,
    /// The same while the rule was paused.
    pub missed_paused: i64,
    /// The same while the server was stopped.
    pub missed_stopped: i64,
    /// The number of the last evaluation, at least 0; counts up by one.
    pub seq: i64,
    pub standing: Standing,
}

/// An alert of a rule. Its final labels tell it from the rule's others.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    pub labels: Labels,
    pub annotations: Vec<(String, String)>,
    /// Any float: NaN, with its payload, and the infinities too.
    pub value: f64,
    /// The lifecycle's code; opaque here.
    pub state: String,
    pub active_at_ms: Option<i64>,
    pub fired_at_ms: Option<i64>,
    pub resolved_at_ms: Option<i64>,
    pub last_sent_at_ms: Option<i64>,
    pub keep_firing_since_ms: Option<i64>,
    /// A bit for each of the last evaluations.
    pub seen: u64,
}

/// Everything known of one rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleRuntime {
    /// The rule's key within its group.
    pub rule: String,
    pub health: HealthRow,
    pub alerts: Vec<AlertRow>,
    pub state: State,
    pub timers: Timers,
    /// What it asked for last time, a JSON text.
    pub queries: Option<String>,
}

impl Store {
    /// Everything known of the rules of a group, by rule, as of one moment.
    ///
    /// Rules that have never been committed are not among them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a row that does not parse.
    pub async fn load_group_runtime(&self, key: &GroupKey) -> Result<Vec<RuleRuntime>, StoreError> {
        let mut tx = self.begin_read().await?;
        let mut rules: BTreeMap<String, RuleRuntime> = BTreeMap::new();
        for row in select(
            &mut tx,
            key,
            "SELECT * FROM rule_health WHERE tenant = $1 AND namespace = $2 AND group_name = $3",
        )
        .await?
        {
            let fields = fields("rule_health", &["rule"], &row);
            let entry = rule(&mut rules, &fields)?;
            entry.health = health(&fields)?;
            entry.queries = fields.get("queries")?;
        }
        for row in select(&mut tx, key, "SELECT * FROM alerts WHERE tenant = $1 AND namespace = $2 AND group_name = $3 ORDER BY rule, fingerprint").await? {
            let fields = fields("alerts", &["rule", "fingerprint"], &row);
            rule(&mut rules, &fields)?.alerts.push(alert(&fields)?);
        }
        for row in select(
            &mut tx,
            key,
            "SELECT * FROM rule_state WHERE tenant = $1 AND namespace = $2 AND group_name = $3",
        )
        .await?
        {
            let fields = fields("rule_state", &["rule", "name"], &row);
            let (name, content) = (fields.get("name")?, fields.get("content")?);
            rule(&mut rules, &fields)?.state.insert(name, content);
        }
        for row in select(
            &mut tx,
            key,
            "SELECT * FROM rule_timers WHERE tenant = $1 AND namespace = $2 AND group_name = $3",
        )
        .await?
        {
            let fields = fields("rule_timers", &["rule", "name"], &row);
            let timer = Timer {
                due_ms: fields.get("due_ms")?,
                payload: fields.get("payload")?,
            };
            let name = fields.get("name")?;
            rule(&mut rules, &fields)?.timers.insert(name, timer);
        }
        tx.commit().await?;
        Ok(rules.into_values().collect())
    }
}

async fn select(tx: &mut Transaction, key: &GroupKey, sql: &'static str) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query(sql)
        .bind(key.tenant.as_str())
        .bind(&*key.namespace)
        .bind(&*key.group)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows)
}

fn fields<'r>(table: &'static str, key: &'static [&'static str], row: &'r Row) -> Fields<'r> {
    Fields { table, key, row }
}

fn rule<'m>(
    rules: &'m mut BTreeMap<String, RuleRuntime>,
    fields: &Fields<'_>,
) -> Result<&'m mut RuleRuntime, StoreError> {
    let name: String = fields.get("rule")?;
    Ok(rules.entry(name.clone()).or_insert_with(|| RuleRuntime {
        rule: name,
        ..RuleRuntime::default()
    }))
}

/// The error columns, which health and evaluations share.
pub(super) fn error(fields: &Fields<'_>) -> Result<Option<ErrorRow>, StoreError> {
    let code: Option<String> = fields.get("error_code")?;
    let message: Option<String> = fields.get("error_message")?;
    Ok(code.map(|code| ErrorRow {
        code,
        message: message.unwrap_or_default(),
    }))
}

fn health(fields: &Fields<'_>) -> Result<HealthRow, StoreError> {
    Ok(HealthRow {
        health: fields.code("health", Health::parse)?,
        error: error(fields)?,
        last_evaluation_ms: fields.get("last_evaluation_ms")?,
        last_duration_ns: fields.get("last_duration_ns")?,
        missed: fields.get("missed")?,
        missed_paused: fields.get("missed_paused")?,
        missed_stopped: fields.get("missed_stopped")?,
        seq: fields.get("seq")?,
        standing: Standing {
            strikes: fields.number("strikes")?,
            failures: fields.number("failures")?,
            paused_until_ms: fields.get("paused_until_ms")?,
            told: told(fields)?,
        },
    })
}

fn told(fields: &Fields<'_>) -> Result<Option<Told>, StoreError> {
    let told: Option<&str> = fields.get("told")?;
    if told.is_none() {
        return Ok(None);
    }
    Ok(Some(Told {
        what: fields.code("told", Notice::parse)?,
        since_ms: fields.get("told_since_ms")?,
    }))
}

fn alert(fields: &Fields<'_>) -> Result<AlertRow, StoreError> {
    let bits: i64 = fields.get("value_bits")?;
    Ok(AlertRow {
        labels: fields.labels("labels")?,
        annotations: fields.json("annotations")?,
        value: f64::from_bits(bits.cast_unsigned()),
        state: fields.get("state")?,
        active_at_ms: fields.get("active_at_ms")?,
        fired_at_ms: fields.get("fired_at_ms")?,
        resolved_at_ms: fields.get("resolved_at_ms")?,
        last_sent_at_ms: fields.get("last_sent_at_ms")?,
        keep_firing_since_ms: fields.get("keep_firing_since_ms")?,
        seen: fields.get::<i64>("seen")?.cast_unsigned(),
    })
}
