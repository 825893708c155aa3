//! Bringing the schema up to date, one numbered step after the other.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::row::Fields;
use super::{Connection, StoreError};

pub(super) struct Migration {
    pub(super) version: i64,
    pub(super) sql: &'static str,
}

/// Every step there is. A published step is never edited: its checksum is in the stores.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sql: include_str!("../../migrations/0001_tables.sql"),
    },
    Migration {
        version: 2,
        sql: include_str!("../../migrations/0002_stock_modules.sql"),
    },
    Migration {
        version: 3,
        sql: include_str!("../../migrations/0003_scrapes.sql"),
    },
    Migration {
        version: 4,
        sql: include_str!("../../migrations/0004_tenants.sql"),
    },
    Migration {
        version: 5,
        sql: include_str!("../../migrations/0005_secrets_and_egress.sql"),
    },
    Migration {
        version: 6,
        sql: include_str!("../../migrations/0006_fair_shares.sql"),
    },
    Migration {
        version: 7,
        sql: include_str!("../../migrations/0007_signers_and_provenance.sql"),
    },
    Migration {
        version: 8,
        sql: include_str!("../../migrations/0008_audit_export.sql"),
    },
    Migration {
        version: 9,
        sql: include_str!("../../migrations/0009_usage.sql"),
    },
    Migration {
        version: 10,
        sql: include_str!("../../migrations/0010_quarantine.sql"),
    },
    Migration {
        version: 11,
        sql: include_str!("../../migrations/0011_fewer_indexes.sql"),
    },
    Migration {
        version: 12,
        sql: include_str!("../../migrations/0012_promoted.sql"),
    },
    Migration {
        version: 13,
        sql: include_str!("../../migrations/0013_config_changes.sql"),
    },
    Migration {
        version: 14,
        sql: include_str!("../../migrations/0014_rule_options.sql"),
    },
];

/// Applies the steps that the store does not have yet, in the caller's transaction.
///
/// # Errors
/// Refuses a store that is newer than this program or was set up by other steps.
pub(super) async fn migrate(
    connection: &mut Connection,
    file: &Path,
    steps: &[Migration],
) -> Result<(), StoreError> {
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             version BIGINT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL)",
    )
    .execute(&mut *connection)
    .await?;
    let applied = applied(connection).await?;
    let known = steps.last().map_or(0, |step| step.version);
    if let Some((found, _)) = applied.last().filter(|(found, _)| *found > known) {
        return Err(StoreError::NewerSchema {
            file: file.display().to_string(),
            found: *found,
            known,
        });
    }
    for step in steps {
        match applied.iter().find(|(version, _)| *version == step.version) {
            Some((_, sum)) if *sum == checksum(step.sql) => {}
            Some((version, _)) => {
                return Err(StoreError::OtherSchema {
                    file: file.display().to_string(),
                    version: *version,
                });
            }
            None => apply(connection, step).await?,
        }
    }
    Ok(())
}

async fn applied(connection: &mut Connection) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = sqlx::query("SELECT version, checksum FROM schema_migrations ORDER BY version")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let fields = Fields {
                table: "schema_migrations",
                key: &["version"],
                row,
            };
            Ok((fields.get("version")?, fields.get("checksum")?))
        })
        .collect()
}

async fn apply(connection: &mut Connection, step: &Migration) -> Result<(), StoreError> {
    sqlx::raw_sql(step.sql).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO schema_migrations (version, checksum) VALUES ($1, $2)")
        .bind(step.version)
        .bind(checksum(step.sql))
        .execute(connection)
        .await?;
    Ok(())
}

fn checksum(sql: &str) -> String {
    hex(&Sha256::digest(sql.as_bytes()))
}

/// Lower-case hex digits of the bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a String takes whatever is written
            text
        })
}
