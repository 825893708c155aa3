//! `create`, `rotate` and `set`: tenants, keys of the API, where requests may go.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wasmalert_server::egress::EgressPolicy;

use super::change::done;
use crate::Io;
use crate::args::{Create, Set};
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
        Create::Tenant { name, title, quotas } => {
            let quotas: BTreeMap<_, _> = quotas.iter().cloned().collect();
            let wanted = json!({ "title": title, "quotas": quotas });
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

/// The key alone on its line, for scripts.
fn new_key(answer: &Value, _: Option<usize>) -> String {
    plain(&answer["key"]) + "\n"
}
