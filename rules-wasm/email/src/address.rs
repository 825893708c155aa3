//! Addresses of mail.

use std::fmt;

use wasmalert::prelude::*;

/// `a@b`, or `Name <a@b>`, with nothing in it that would mean something in a list
/// of addresses or a header.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address {
    pub(crate) name: Option<String>,
    pub(crate) email: String,
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        read(&text).ok_or_else(|| format!("{text:?} is neither an address a@b nor Name <a@b>"))
    }
}

fn read(text: &str) -> Option<Address> {
    let (name, email) = match text.strip_suffix('>') {
        Some(text) => {
            let (name, email) = text.split_once('<')?;
            (Some(name.trim()), email)
        }
        None => (None, text),
    };
    let (local, domain) = email.split_once('@')?;
    let plain = |char: char| !char.is_control() && !r#"()<>[]{}:;@\,""#.contains(char);
    let part = |part: &str| !part.is_empty() && part.chars().all(|char| plain(char) && !char.is_whitespace());
    let is_name = name.is_none_or(|name| !name.is_empty() && name.chars().all(plain));
    (part(local) && part(domain) && is_name).then(|| Address {
        name: name.map(str::to_owned),
        email: email.to_owned(),
    })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.email),
            None => f.write_str(&self.email),
        }
    }
}
