//! `create`, `rotate` and `set`: tenants, keys of the API, where requests may go.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wasmalert_server::egress::EgressPolicy;

use super::change::done;
use crate::Io;
use crate::args::{Create, Quarantine, Release, Set};
use crate::client::Client;
use crate::error::Error;
use crate::output::{self, Format};
use crate::text::plain;

pub(crate) async fn create(
    client: &Client,
    create: &Create,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    match create {
        Create::Tenant {
            name,
            title,
            quotas,
            limits,
            weight,
        } => {
            let by_name = |pairs: &[(String, u64)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
            let (quotas, limits) = (by_name(quotas), by_name(limits));
            let wanted = json!({"title": title, "weight": weight, "quotas": quotas, "limits": limits});
            let (status, answer) = client.put(&["tenants", name], &wanted).await?;
            let what = if status == 201 { "created" } else { "changed" };
            done(io, format, &answer, &format!("tenant {name}  {what}"))
        }
        Create::Key {
            scopes,
            title,
            expires_in,
        } => {
            let wanted = json!({"scopes": scopes, "title": title, "expires_in": expires_in});
            let answer = client.post_json(&["keys"], &wanted).await?;
            Ok(output::answer(io, format, &answer, new_key)?)
        }
    }
}

pub(crate) async fn rotate(
    client: &Client,
    key: &str,
    overlap: &str,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let wanted = json!({ "overlap": overlap });
    let answer = client.post_json(&["keys", key, "rotate"], &wanted).await?;
    Ok(output::answer(io, format, &answer, new_key)?)
}

pub(crate) async fn set(client: &Client, set: &Set, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let Set::Egress {
        name,
        allow,
        private,
        nothing: _,
    } = set;
    let policy = EgressPolicy {
        allow: allow.clone(),
        private: private.clone(),
    };
    let (_, answer) = client.put(&["tenants", name, "egress"], &json!(policy)).await?;
    done(io, format, &answer, &format!("egress {name}  set"))
}

pub(crate) async fn quarantine(
    client: &Client,
    what: &Quarantine,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let (kind, name, reason) = match what {
        Quarantine::Tenant { name, reason } => ("tenant", name, reason),
        Quarantine::Module { digest, reason } => ("module", digest, reason),
    };
    let path = ["quarantine", &format!("{kind}s"), name];
    let (status, answer) = client.put(&path, &json!({ "reason": reason })).await?;
    let what = if status == 201 {
        "stopped"
    } else {
        "was stopped already"
    };
    done(io, format, &answer, &format!("{kind} {name}  {what}"))
}

pub(crate) async fn release(
    client: &Client,
    what: &Release,
    format: Format,
    io: &mut Io<'_>,
) -> Result<(), Error> {
    let (kind, name) = match what {
        Release::Tenant { name } => ("tenant", name),
        Release::Module { digest } => ("module", digest),
    };
    client.delete(&["quarantine", &format!("{kind}s"), name]).await?;
    done(io, format, &Value::Null, &format!("{kind} {name}  goes on"))
}

/// The key alone on its line, for scripts.
fn new_key(answer: &Value, _: Option<usize>) -> String {
    plain(&answer["key"]) + "\n"
}
