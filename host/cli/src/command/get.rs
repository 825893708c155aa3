//! `get`: lists what is there, or shows one thing.

mod view;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::Io;
use crate::args::names;
use crate::client::Client;
use crate::error::Error;
use crate::output::{self, Format};

#[derive(Debug, Subcommand)]
pub(crate) enum Kind {
    /// Modules in their promoted versions, or all versions of one.
    #[command(visible_alias = "module")]
    Modules {
        name: Option<String>,
        /// Only this version, with all that is known of where it comes from.
        #[arg(long, value_name = "NUMBER", requires = "name", value_parser = number)]
        version: Option<String>,
    },
    /// Sources of query results.
    #[command(visible_alias = "source")]
    Sources { name: Option<String> },
    /// What is scraped into the embedded source, or one with its targets.
    #[command(visible_alias = "scrape")]
    Scrapes { name: Option<String> },
    /// Receivers of notifications.
    #[command(visible_alias = "receiver")]
    Receivers { name: Option<String> },
    /// Names of secrets; their values are never shown.
    #[command(visible_alias = "secret")]
    Secrets,
    /// Keys whose signatures of modules are trusted.
    #[command(visible_alias = "signer")]
    Signers,
    /// What becomes of modules without a signature.
    Signatures,
    /// Keys of the API; what lets anybody use them is never shown.
    #[command(visible_alias = "key")]
    Keys,
    /// Who has changed what, and who was not allowed to; the newest first.
    Audit {
        /// Of all tenants, and calls that were turned away. For the operator.
        #[arg(long)]
        all_tenants: bool,
        /// Only calls that were turned away. For the operator.
        #[arg(long)]
        turned_away: bool,
        #[command(flatten)]
        page: Page,
    },
    /// Where requests for a tenant may go. For the operator.
    Egress {
        /// The tenant.
        name: String,
    },
    /// What there may be, and how much of it there is.
    #[command(visible_alias = "limit")]
    Limits,
    /// What was used, the oldest first.
    Usage {
        /// Since when: a time such as 2026-01-31T00:00:00Z [default: a day ago].
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Up to when [default: now].
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// Sums over an hour, or a day of UTC.
        #[arg(long, default_value = "hour", value_parser = ["hour", "day"])]
        step: String,
        /// As a whole, or each rule by itself.
        #[arg(long, default_value = "tenant", value_parser = ["tenant", "rule"])]
        by: String,
    },
    /// Tenants and modules that are stopped. For the operator.
    Quarantine,
    /// What people have paused.
    #[command(visible_alias = "pause")]
    Pauses,
    /// Tenants. For the operator.
    #[command(visible_alias = "tenant")]
    Tenants,
    /// Who the token is, and what it may do.
    Whoami,
    /// Groups of rules, or one with its rules.
    #[command(visible_alias = "group")]
    Groups {
        /// NAMESPACE/GROUP, or the two apart where a name has a slash in it.
        #[arg(num_args = 1..=2, value_name = "NAMESPACE/GROUP")]
        name: Vec<String>,
    },
    /// How every rule is doing.
    #[command(visible_alias = "rule")]
    Rules {
        #[command(flatten)]
        within: Within,
    },
    /// What is wrong, or was a moment ago.
    #[command(visible_alias = "alert")]
    Alerts {
        /// Only in this state.
        #[arg(long, value_parser = ["pending", "firing", "resolved"])]
        state: Option<String>,
        /// Only of this rule.
        #[arg(long)]
        rule: Option<String>,
        #[command(flatten)]
        within: Within,
    },
    /// Notifications that wait, were delivered or were given up.
    #[command(visible_alias = "notification")]
    Notifications {
        /// Only in this state.
        #[arg(long, value_parser = ["pending", "delivered", "dead"])]
        status: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Past evaluations of a rule, the newest first.
    #[command(visible_alias = "evaluation")]
    Evaluations {
        /// NAMESPACE/GROUP/RULE, or the three apart where a name has a slash in it.
        #[arg(required = true, num_args = 1..=3, value_name = "NAMESPACE/GROUP/RULE")]
        rule: Vec<String>,
        #[command(flatten)]
        page: Page,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Within {
    /// Only of this namespace.
    #[arg(long)]
    namespace: Option<String>,
    /// Only of this group.
    #[arg(long)]
    group: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Page {
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    /// Only those before this one.
    #[arg(long, value_name = "ID")]
    before: Option<String>,
}

type Query = Vec<(&'static str, String)>;

impl Within {
    fn query(&self) -> Query {
        present([("namespace", &self.namespace), ("group", &self.group)])
    }
}

impl Page {
    fn query(&self) -> Query {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(present([("before", &self.before)]));
        query
    }
}

fn present<const N: usize>(filters: [(&'static str, &Option<String>); N]) -> Query {
    filters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
}

pub(crate) async fn get(client: &Client, kind: &Kind, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let (path, query, view) = request(kind)?;
    let answer = client.get(&path, &query).await?;
    output::answer(io, format, &answer, view)?;
    if let (Format::Table, Value::String(_) | Value::Number(_)) = (format, &answer["next"]) {
        writeln!(
            io.err,
            "more with --before {}",
            crate::text::plain(&answer["next"])
        )?;
    }
    Ok(())
}

/// Checks a number that becomes part of a path.
fn number(given: &str) -> Result<String, String> {
    match given.parse::<u32>() {
        Ok(number) => Ok(number.to_string()),
        Err(_) => Err(format!("{given:?} is not a whole number")),
    }
}

type View = fn(&Value, Option<usize>) -> String;

/// What to ask for, and how the answer is shown.
fn request(kind: &Kind) -> Result<(Vec<&str>, Query, View), Error> {
    let none = Query::new;
    Ok(match kind {
        Kind::Modules { name: None, .. } => (vec!["modules"], none(), view::modules),
        Kind::Modules {
            name: Some(name),
            version: None,
        } => (vec!["modules", name], none(), view::module),
        Kind::Modules {
            name: Some(name),
            version: Some(version),
        } => (vec!["modules", name, "versions", version], none(), view::version),
        Kind::Sources { name: None } => (vec!["sources"], none(), view::sources),
        Kind::Sources { name: Some(name) } => (vec!["sources", name], none(), view::spec),
        Kind::Scrapes { name: None } => (vec!["scrapes"], none(), view::scrapes),
        Kind::Scrapes { name: Some(name) } => (vec!["scrapes", name], none(), view::targets),
        Kind::Receivers { name: None } => (vec!["receivers"], none(), view::receivers),
        Kind::Receivers { name: Some(name) } => (vec!["receivers", name], none(), view::spec),
        Kind::Secrets => (vec!["secrets"], none(), view::secrets),
        Kind::Signers => (vec!["signers"], none(), view::signers),
        Kind::Signatures => (vec!["signatures"], none(), view::signatures),
        Kind::Keys => (vec!["keys"], none(), view::keys),
        Kind::Audit {
            all_tenants: false,
            turned_away: false,
            page,
        } => (vec!["audit"], page.query(), view::audit),
        Kind::Audit {
            turned_away, page, ..
        } => {
            let mut query = page.query();
            query.push(("turned_away", turned_away.to_string()));
            (vec!["audit", "all"], query, view::audit_of_all)
        }
        Kind::Egress { name } => (vec!["tenants", name, "egress"], none(), view::egress),
        Kind::Limits => (vec!["limits"], none(), view::limits),
        Kind::Usage { from, to, step, by } => {
            let mut query = present([("from", from), ("to", to)]);
            query.extend([("step", step.clone()), ("by", by.clone())]);
            (vec!["usage"], query, view::usage)
        }
        Kind::Quarantine => (vec!["quarantine"], none(), view::quarantine),
        Kind::Pauses => (vec!["pauses"], none(), view::pauses),
        Kind::Tenants => (vec!["tenants"], none(), view::tenants),
        Kind::Whoami => (vec!["whoami"], none(), view::whoami),
        Kind::Groups { name } if name.is_empty() => (vec!["groups"], none(), view::groups),
        Kind::Groups { name } => {
            let [namespace, group] = names(name)?;
            (vec!["groups", namespace, group], none(), view::group)
        }
        Kind::Rules { within } => (vec!["rules"], within.query(), view::rules),
        Kind::Alerts { state, rule, within } => {
            let mut query = within.query();
            query.extend(present([("state", state), ("rule", rule)]));
            (vec!["alerts"], query, view::alerts)
        }
        Kind::Notifications { status, page } => {
            let mut query = page.query();
            query.extend(present([("status", status)]));
            (vec!["notifications"], query, view::notifications)
        }
        Kind::Evaluations { rule, page } => {
            let [namespace, group, rule] = names(rule)?;
            (
                vec!["rules", namespace, group, rule, "evaluations"],
                page.query(),
                view::evaluations,
            )
        }
    })
}
