//! Statements that go to the database together: each alone is a way to its thread and back.

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Type};
use wasmalert_core::RuleKey;

use super::{Arguments, Connection, Db, StoreError};

/// In one text; preparing a statement copies all that follows it.
const STATEMENTS_MAX: usize = 32;

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

    pub(super) async fn run(self, connection: &mut Connection) -> Result<(), StoreError> {
        for part in self.0 {
            if let Some(error) = part.error {
                return Err(sqlx::Error::Encode(error).into());
            }
            let query = sqlx::query_with(AssertSqlSafe(part.sql), part.values);
            // The texts differ by how much there is to write.
            query.persistent(false).execute(&mut *connection).await?;
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
