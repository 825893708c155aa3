//! `pull`: has the server fetch a module from an OCI registry.

use serde_json::{Value, json};

use super::push::{module_name, taken};
use crate::Io;
use crate::args::Pull;
use crate::client::Client;
use crate::error::Error;
use crate::output::Format;

pub(crate) async fn pull(client: &Client, pull: &Pull, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let name = pull.name.clone().unwrap_or_else(|| last_part(&pull.reference));
    let name = module_name(name)?;
    let signature = super::read_signature(pull.signature.as_deref())?;
    let mut wanted = json!({"reference": pull.reference, "plain_http": pull.plain_http});
    let basic_auth = pull.username.as_ref().zip(pull.password_secret.as_ref());
    let basic_auth = basic_auth.map(
        |(username, secret)| json!({"username": username, "password": format!("{{{{secret:{secret}}}}}")}),
    );
    let options = [
        ("digest", pull.digest.clone().map(Value::String)),
        ("signature", signature.map(Value::String)),
        ("basic_auth", basic_auth),
        ("promote", pull.promote.then_some(Value::Bool(true))),
    ];
    for (field, value) in options {
        if let Some(value) = value {
            wanted[field] = value;
        }
    }
    let answer = client.post_json(&["modules", &name, "pull"], &wanted).await?;
    taken(&answer, format, io)
}

/// The last part of the repository's name.
fn last_part(reference: &str) -> String {
    let name = reference.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_called_as_its_repository() {
        for reference in [
            "registry.example.com/rules/slack",
            "registry.example.com/rules/slack:1.2",
            "localhost:5000/slack@sha256:ab",
            "localhost:5000/rules/slack:1.2@sha256:ab",
        ] {
            assert_eq!(last_part(reference), "slack", "{reference}");
        }
    }
}
