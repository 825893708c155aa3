//! What one evaluation changes, and writing it into a transaction.

use std::collections::BTreeMap;

use wasmalert_core::evaluation::Timer;
use wasmalert_core::usage::Usage;
use wasmalert_core::{GroupKey, Labels, RuleKey};

use super::script::{Script, in_sizes};
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

    /// The journal, if it is to be kept.
    pub(super) fn kept(&self) -> Option<(&RuleKey, &EvaluationRow)> {
        let row = self.evaluation.as_ref().filter(|_| self.keep_evaluations > 0)?;
        Some((&self.rule, row))
    }

    fn is_of(&self, revisions: &BTreeMap<GroupKey, i64>) -> bool {
        revisions.get(&self.rule.group) == Some(&self.group_revision)
    }

    fn used(&self) -> usage::Used<'_> {
        let (at_ms, used) = &self.used;
        usage::Used {
            tenant: self.rule.tenant(),
            rule: Some(&self.rule),
            at_ms: *at_ms,
            used,
        }
    }

    /// What is not written for many commits at once.
    fn write_own(&self, script: &mut Script) {
        let rule = &self.rule;
        for labels in &self.alerts_remove {
            rule_rows::remove_alert(script, rule, labels);
        }
        rule_rows::put_alerts(script, rule, &self.alerts_upsert);
        for (name, content) in &self.state {
            rule_rows::write_state(script, rule, name, content.as_deref());
        }
        for (name, timer) in &self.timers {
            rule_rows::write_timer(script, rule, name, timer.as_ref());
        }
        outbox::enqueue(script, rule, &self.outbox);
    }
}

/// Begins a transaction and writes commits into it, which the caller ends. One result for
/// each, in their order: nothing is written of those that are stale.
pub(super) async fn begin(
    connection: &mut Connection,
    commits: &[RuleCommit],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let groups = commits.iter().map(|commit| &commit.rule.group).collect();
    let revisions = groups::begin(connection, &groups).await?;
    let current: Vec<&RuleCommit> = commits.iter().filter(|commit| commit.is_of(&revisions)).collect();
    for part in in_sizes(&current) {
        let used: Vec<usage::Used<'_>> = part.iter().map(|commit| commit.used()).collect();
        let mut script = Script::default();
        rule_rows::put_health(&mut script, part);
        usage::add(&mut script, &used);
        evaluations::insert(&mut script, part);
        evaluations::remove_old(&mut script, part);
        script.run_prepared(connection).await?;
    }
    let mut script = Script::default();
    for commit in &current {
        commit.write_own(&mut script);
    }
    script.run(connection).await?;
    let result = |commit: &RuleCommit| match commit.is_of(&revisions) {
        true => Ok(()),
        false => Err(StoreError::Stale),
    };
    Ok(commits.iter().map(result).collect())
}
