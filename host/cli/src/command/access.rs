//! `create` and `rotate`: tenants and keys of the API.

use serde_json::{Value, json};

use super::change::done;
use crate::Io;
use crate::args::Create;
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
        Create::Tenant { name, title } => {
            let (status, answer) = client.put(&["tenants", name], &json!({ "title": title })).await?;
            let what = if status == 201 {
                "created"
            } else {
                "was there already"
            };
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

/// The key alone on its line, for scripts.
fn new_key(answer: &Value, _: Option<usize>) -> String {
    plain(&answer["key"]) + "\n"
}
