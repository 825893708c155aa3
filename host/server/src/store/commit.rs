//! What one evaluation changes, and writing it into a transaction.

use std::collections::BTreeMap;

use wasmalert_core::evaluation::Timer;
use wasmalert_core::usage::Usage;
use wasmalert_core::{Labels, RuleKey};

use super::{
    AlertRow, Connection, EvaluationRow, HealthRow, NewOutboxRow, StoreError, evaluations, groups, outbox,
    rule_rows, usage,
};

/// Everything that one evaluation of a rule changes.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleCommit {
    pub rule: RuleKey,
    /// The revision that the group had when the evaluation began.
    pub group_revision: i64,
    pub health: HealthRow,
    /// Alerts that are new or changed; those left out stay as they are.
    pub alerts_upsert: Vec<AlertRow>,
    /// Alerts that are over, by their final labels.
    pub alerts_remove: Vec<Labels>,
    /// Writes to the state; none removes the key.
    pub state: BTreeMap<String, Option<Vec<u8>>>,
    /// Changes of timers; none removes the timer.
    pub timers: BTreeMap<String, Option<Timer>>,
    /// What the rule asked for, a JSON text; none leaves what is there.
    pub queries: Option<String>,
    /// Notifications that the transitions cause.
    pub outbox: Vec<NewOutboxRow>,
    /// What the evaluation has used, and when.
    pub used: (i64, Usage),
    /// The journal to keep of this evaluation.
    pub evaluation: Option<EvaluationRow>,
    /// Journals to keep of this rule; older ones are deleted. 0 keeps none.
    pub keep_evaluations: u32,
}

/// What a row takes besides its texts and blobs, about.
const ROW_BYTES: usize = 128;

impl RuleCommit {
    /// How much it writes, about.
    pub(super) fn size_bytes(&self) -> usize {
        let alerts = self.alerts_upsert.iter().map(|alert| {
            let labels: usize = alert.labels.iter().map(|(n, v)| n.len() + v.len()).sum();
            let texts: usize = alert.annotations.iter().map(|(n, t)| n.len() + t.len()).sum();
            ROW_BYTES + labels + texts
        });
        let state = self.state.values().flatten().map(Vec::len);
        let timers = self.timers.values().flatten().map(|t| t.payload.len());
        let outbox = self.outbox.iter().map(|row| ROW_BYTES + row.payload.len());
        let evaluation = self.evaluation.as_ref().map_or(0, EvaluationRow::bytes);
        let rows = self.state.len() + self.timers.len() + self.alerts_remove.len() + 1;
        let parts = alerts.chain(state).chain(timers).chain(outbox);
        parts.sum::<usize>() + evaluation + rows * ROW_BYTES
    }

    /// Writes it all; the caller's transaction makes it whole.
    ///
    /// # Errors
    /// [`StoreError::Stale`] before anything is written.
    pub(super) async fn write(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let rule = &self.rule;
        if !groups::is_current(connection, &rule.group, self.group_revision).await? {
            return Err(StoreError::Stale);
        }
        rule_rows::put_health(connection, rule, &self.health, self.queries.as_deref()).await?;
        for labels in &self.alerts_remove {
            rule_rows::remove_alert(connection, rule, labels).await?;
        }
        for alert in &self.alerts_upsert {
            rule_rows::put_alert(connection, rule, alert).await?;
        }
        for (name, content) in &self.state {
            rule_rows::write_state(connection, rule, name, content.as_deref()).await?;
        }
        for (name, timer) in &self.timers {
            rule_rows::write_timer(connection, rule, name, timer.as_ref()).await?;
        }
        outbox::enqueue(connection, rule, &self.outbox).await?;
        let (at_ms, used) = &self.used;
        usage::add(connection, rule.tenant(), Some(rule), *at_ms, used).await?;
        if let Some(row) = self.evaluation.as_ref().filter(|_| self.keep_evaluations > 0) {
            evaluations::insert(connection, rule, row).await?;
        }
        let oldest = self.health.seq.saturating_sub(i64::from(self.keep_evaluations));
        evaluations::remove_up_to(connection, rule, oldest).await
    }
}
