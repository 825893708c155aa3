//! Journals of evaluations, to explain and to replay.

use wasmalert_core::{RuleKey, TenantId};

use super::row::{Fields, signed};
use super::rule_rows::of_rule;
use super::runtime::error;
use super::script::{Script, values};
use super::{ErrorRow, Row, RuleCommit, Store, StoreError};

/// The most rows one listing gives.
pub const EVALUATIONS_LISTED_MAX: u32 = 1_000;

/// How an evaluation went, without what went in and came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationSummary {
    /// From [`Store::new_id`]: later ones sort after earlier ones.
    pub id: String,
    /// The rule's count of evaluations, this one included.
    pub seq: i64,
    pub slot_ms: i64,
    /// `interval`, or which timer.
    pub trigger: String,
    /// None when it succeeded.
    pub error: Option<ErrorRow>,
    pub fuel: u64,
    pub wall_ns: u64,
    pub rounds: u32,
    /// Size of the journal as it was read, before any compression.
    pub bytes: u64,
}

/// An evaluation with its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationRow {
    pub summary: EvaluationSummary,
    /// The journal; opaque here.
    pub inputs: Vec<u8>,
    /// A JSON text.
    pub outcome: Option<String>,
    /// A JSON text.
    pub effects: Option<String>,
}

impl EvaluationRow {
    /// How much is kept of it, the summary not counted.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.inputs.len() + text(&self.outcome) + text(&self.effects)
    }
}

/// The order is of an expression, so that the rule's rows are found by the rule and then
/// sorted: in the order of the key, the rows of all rules of the tenant would be walked.
pub(super) const LIST: &str = "SELECT tenant, id, seq, slot_ms, cause, error_code, error_message, fuel,
        wall_ns, rounds, size_bytes
    FROM evaluations WHERE tenant = $1 AND namespace = $2 AND group_name = $3
        AND rule = $4 AND (CAST($5 AS TEXT) IS NULL OR id < $5)
    ORDER BY id || '' DESC LIMIT $6";

impl Store {
    /// A rule's evaluations, the newest first.
    ///
    /// `before` is the last id of the page before; `limit` is at most
    /// [`EVALUATIONS_LISTED_MAX`].
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn list_evaluations(
        &self,
        rule: &RuleKey,
        limit: u32,
        before: Option<&str>,
    ) -> Result<Vec<EvaluationSummary>, StoreError> {
        let rows = of_rule(LIST, rule)
            .bind(before)
            .bind(i64::from(limit.min(EVALUATIONS_LISTED_MAX)))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(|row| summary(&fields(row))).collect()
    }

    /// One evaluation of a tenant, with the rule it is of.
    ///
    /// # Errors
    /// As the database does, and for a row that does not parse.
    pub async fn get_evaluation(
        &self,
        tenant: &TenantId,
        id: &str,
    ) -> Result<Option<(RuleKey, EvaluationRow)>, StoreError> {
        let row = sqlx::query("SELECT * FROM evaluations WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        row.as_ref()
            .map(|row| {
                let fields = fields(row);
                let evaluation = EvaluationRow {
                    summary: summary(&fields)?,
                    inputs: fields.get("inputs")?,
                    outcome: fields.get("outcome")?,
                    effects: fields.get("effects")?,
                };
                Ok((fields.rule()?, evaluation))
            })
            .transpose()
    }

    /// Removes evaluations of slots before `before_ms`, the oldest first and at most
    /// `limit`, and says how many.
    ///
    /// # Errors
    /// As the database does.
    pub async fn prune_evaluations_of_all_tenants(
        &self,
        before_ms: i64,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let gone = sqlx::query(
            "DELETE FROM evaluations WHERE (tenant, id) IN (SELECT tenant, id FROM evaluations
                 WHERE slot_ms < $1 ORDER BY slot_ms LIMIT $2)",
        )
        .bind(before_ms)
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(gone.rows_affected())
    }
}

pub(super) fn insert(script: &mut Script, commits: &[&RuleCommit]) {
    let rows: Vec<_> = commits.iter().filter_map(|commit| commit.kept()).collect();
    if rows.is_empty() {
        return;
    }
    let values = values(rows.len(), 17);
    let mut script = script.add(&format!(
        "INSERT INTO evaluations (tenant, namespace, group_name, rule, id, seq, slot_ms,
            cause, error_code, error_message, fuel, wall_ns, rounds, size_bytes, inputs,
            outcome, effects) {values} ON CONFLICT (tenant, id) DO NOTHING"
    ));
    for (rule, evaluation) in rows {
        let summary = &evaluation.summary;
        script = script
            .rule(rule)
            .bind(&summary.id)
            .bind(summary.seq)
            .bind(summary.slot_ms)
            .bind(&summary.trigger)
            .bind(summary.error.as_ref().map(|error| error.code.as_str()))
            .bind(summary.error.as_ref().map(|error| error.message.as_str()))
            .bind(signed(summary.fuel))
            .bind(signed(summary.wall_ns))
            .bind(i64::from(summary.rounds))
            .bind(signed(summary.bytes))
            .bind(evaluation.inputs.as_slice())
            .bind(evaluation.outcome.as_deref())
            .bind(evaluation.effects.as_deref());
    }
}

/// Removes the evaluations of each rule that are older than those that are kept.
pub(super) fn remove_old(script: &mut Script, commits: &[&RuleCommit]) {
    let values = values(commits.len(), 5);
    let mut script = script.add(&format!(
        "WITH old (tenant, namespace, group_name, rule, seq) AS ({values})
         DELETE FROM evaluations WHERE (tenant, id) IN
            (SELECT e.tenant, e.id FROM old, evaluations AS e
             WHERE e.tenant = old.tenant AND e.namespace = old.namespace
                 AND e.group_name = old.group_name AND e.rule = old.rule AND e.seq <= old.seq)"
    ));
    for commit in commits {
        let kept = i64::from(commit.keep_evaluations);
        script = script
            .rule(&commit.rule)
            .bind(commit.health.seq.saturating_sub(kept));
    }
}

fn fields(row: &Row) -> Fields<'_> {
    Fields {
        table: "evaluations",
        key: &["tenant", "id"],
        row,
    }
}

fn summary(fields: &Fields<'_>) -> Result<EvaluationSummary, StoreError> {
    Ok(EvaluationSummary {
        id: fields.get("id")?,
        seq: fields.get("seq")?,
        slot_ms: fields.get("slot_ms")?,
        trigger: fields.get("cause")?,
        error: error(fields)?,
        fuel: fields.number("fuel")?,
        wall_ns: fields.number("wall_ns")?,
        rounds: fields.number("rounds")?,
        bytes: fields.number("size_bytes")?,
    })
}
