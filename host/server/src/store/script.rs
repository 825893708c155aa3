//! Statements that go to the database together: each alone is a way to its thread and back.

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Type};
use wasmalert_core::RuleKey;

use super::{Arguments, Connection, Db, StoreError};

/// In one text; preparing a statement copies all that follows it.
const STATEMENTS_MAX: usize = 32;

/// Rows of the largest part, as a power of two.
const SIZE_MAX_LOG2: u32 = 6;

#[derive(Default)]
pub(super) struct Script(Vec<Part>);

#[derive(Default)]
struct Part {
    sql: String,
    statements: usize,
    values: Arguments,
    error: Option<BoxDynError>,
}

impl Script {
    /// Adds a statement, which has a `?` for each of the values that follow.
    pub(super) fn add(&mut self, sql: &str) -> Values<'_> {
        if self.0.last().is_none_or(|part| part.statements == STATEMENTS_MAX) {
            self.0.push(Part::default());
        }
        let at = self.0.len() - 1;
        let part = &mut self.0[at];
        part.sql.push_str(sql);
        part.sql.push_str(";\n");
        part.statements += 1;
        Values(part)
    }

    /// The same; the first four values say which rule it is.
    pub(super) fn add_for(&mut self, rule: &RuleKey, sql: &str) -> Values<'_> {
        self.add(sql).rule(rule)
    }

    /// Where texts differ by how much there is to write.
    pub(super) async fn run(self, connection: &mut Connection) -> Result<(), StoreError> {
        self.execute(connection, false).await
    }

    /// Where the same texts come again: they stay prepared.
    pub(super) async fn run_prepared(self, connection: &mut Connection) -> Result<(), StoreError> {
        self.execute(connection, true).await
    }

    async fn execute(self, connection: &mut Connection, stay_prepared: bool) -> Result<(), StoreError> {
        for part in self.0 {
            if let Some(error) = part.error {
                return Err(sqlx::Error::Encode(error).into());
            }
            let query = sqlx::query_with(AssertSqlSafe(part.sql), part.values);
            query.persistent(stay_prepared).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// Takes the values of a statement.
pub(super) struct Values<'s>(&'s mut Part);

impl Values<'_> {
    pub(super) fn bind<'v>(self, value: impl Encode<'v, Db> + Type<Db>) -> Self {
        if let Err(error) = self.0.values.add(value) {
            self.0.error.get_or_insert(error);
        }
        self
    }

    /// The columns that say which rule it is.
    pub(super) fn rule(self, rule: &RuleKey) -> Self {
        self.bind(rule.tenant().as_str())
            .bind(&*rule.group.namespace)
            .bind(&*rule.group.group)
            .bind(&*rule.rule)
    }
}

/// `VALUES` of so many rows of so many columns.
pub(super) fn values(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!("VALUES {}", vec![row; rows].join(", "))
}

/// Parts of a few sizes, so that statements which write so many rows come again.
pub(super) fn in_sizes<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1_usize << rest.len().checked_ilog2()?.min(SIZE_MAX_LOG2);
        let (part, after) = rest.split_at(size);
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_a_few_sizes_and_leave_nothing_out() {
        let sizes = |rows: usize| -> Vec<usize> { in_sizes(&vec![(); rows]).map(<[()]>::len).collect() };
        assert!(sizes(0).is_empty());
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(77), [64, 8, 4, 1]);
        assert_eq!(sizes(200), [64, 64, 64, 8]);
        let rows: Vec<usize> = (0..77).collect();
        assert_eq!(in_sizes(&rows).flatten().copied().collect::<Vec<_>>(), rows);
    }
}
