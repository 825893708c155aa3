//! `delete`, `secret set` and `retry`: small changes.

use serde_json::{Value, json};
use wasmalert_core::id::check_name;

use crate::Io;
use crate::args::{Secret, Target, names, scope};
use crate::client::Client;
use crate::error::Error;
use crate::output::{self, Format};
use crate::text::clean;

/// The longest secret.
pub(crate) const SECRET_BYTES_MAX: u64 = 64 << 10;

pub(crate) async fn delete(
    client: &Client,
    target: &Target,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let number;
    let path = match target {
        Target::Module {
            name,
            version: Some(version),
        } => {
            number = version.to_string();
            vec!["modules", name, "versions", &number]
        }
        Target::Module { name, version: None } => vec!["modules", name],
        Target::Source { name } => vec!["sources", name],
        Target::Scrape { name } => vec!["scrapes", name],
        Target::Receiver { name } => vec!["receivers", name],
        Target::Secret { name } => vec!["secrets", name],
        Target::Signer { name } => vec!["signers", name],
        Target::Key { id } => vec!["keys", id],
        Target::Tenant { name } => vec!["tenants", name],
        Target::Egress { name } => vec!["tenants", name, "egress"],
        Target::Group { name } => {
            let [namespace, group] = names(name)?;
            vec!["groups", namespace, group]
        }
    };
    let answer = client.delete(&path).await?;
    let what = match target {
        Target::Egress { name } => format!("egress {name}"),
        _ => format!("{} {}", path[0].trim_end_matches('s'), path[1..].join("/")),
    };
    done(io, format, &answer, &format!("{what}  deleted"))
}

pub(crate) async fn pause(
    client: &Client,
    name: &[String],
    reason: &str,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let scope = scope(name)?;
    let mut body = json!({ "reason": reason });
    for (kind, name) in &scope {
        body[kind] = json!(name);
    }
    let (_, answer) = client.put(&["pauses"], &body).await?;
    done(io, format, &answer, &format!("{}  paused", told(&scope)))
}

pub(crate) async fn resume(
    client: &Client,
    name: &[String],
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let scope = scope(name)?;
    let query: Vec<(&str, String)> = scope
        .iter()
        .map(|(kind, name)| (*kind, (*name).to_owned()))
        .collect();
    let answer = client.delete_with(&["pauses"], &query).await?;
    done(io, format, &answer, &format!("{}  resumed", told(&scope)))
}

/// What is meant, such as `group prod/node`.
fn told(scope: &[(&str, &str)]) -> String {
    let names: Vec<&str> = scope.iter().map(|(_, name)| *name).collect();
    match scope.last() {
        None => "all rules".to_owned(),
        Some((kind, _)) => format!("{kind} {}", names.join("/")),
    }
}

pub(crate) async fn secret(
    client: &Client,
    secret: &Secret,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let Secret::Set { name, hosts } = secret;
    check_name(name).map_err(|error| Error::Usage(format!("the secret's name {name:?} {error}")))?;
    let value = wasmalert_rulefile::read_at_most(&mut *io.input, SECRET_BYTES_MAX)
        .map_err(|error| Error::Usage(format!("the secret on standard input: {error}")))?;
    let value =
        secret_text(value).map_err(|why| Error::Usage(format!("the secret on standard input {why}")))?;
    let hosts = (!hosts.is_empty()).then_some(hosts.as_slice());
    let body = secret_body(&value, hosts);
    let (_, answer) = client.put(&["secrets", name], &body).await?;
    done(io, format, &answer, &format!("secret {name}  set"))
}

/// What sets a secret; without hosts it may be sent anywhere.
pub(crate) fn secret_body(value: &str, hosts: Option<&[String]>) -> Value {
    match hosts {
        Some(hosts) => json!({ "value": value, "hosts": hosts }),
        None => json!({ "value": value }),
    }
}

/// The text of a secret, without the newline that editors put at its end.
pub(crate) fn secret_text(bytes: Vec<u8>) -> Result<String, &'static str> {
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        Err("is empty")
    } else {
        Ok(text.to_owned())
    }
}

pub(crate) async fn retry(
    client: &Client,
    notification: &str,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let answer = client.post(&["notifications", notification, "retry"]).await?;
    done(
        io,
        format,
        &answer,
        &format!("notification {notification}  will be tried again"),
    )
}

pub(super) fn done(io: &mut Io<'_>, format: Format, answer: &Value, line: &str) -> Result<(), Error> {
    Ok(output::answer(io, format, answer, |_, _| clean(line) + "\n")?)
}
