//! What each provider wants to be told, and what it answers.

use wasmalert::prelude::*;

use crate::address::Address;
use crate::{Config, Mail};

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Provider {
    Mailgun,
    Postmark,
    Resend,
    Sendgrid,
}

#[derive(Serialize)]
struct Sendgrid<'a> {
    personalizations: [SendgridTo<'a>; 1],
    from: SendgridAddress<'a>,
    subject: &'a str,
    content: [SendgridContent<'a>; 2],
}

#[derive(Serialize)]
struct SendgridTo<'a> {
    to: Vec<SendgridAddress<'a>>,
}

#[derive(Serialize)]
struct SendgridAddress<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct SendgridContent<'a> {
    r#type: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Postmark<'a> {
    from: String,
    to: String,
    subject: &'a str,
    text_body: &'a str,
    html_body: &'a str,
}

#[derive(Serialize)]
struct Resend<'a> {
    from: String,
    to: Vec<String>,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
}

impl Provider {
    /// The API, unless the configuration names another.
    fn url(self) -> &'static str {
        match self {
            Self::Mailgun => "https://api.mailgun.net",
            Self::Postmark => "https://api.postmarkapp.com",
            Self::Resend => "https://api.resend.com",
            Self::Sendgrid => "https://api.sendgrid.com",
        }
    }

    /// Whether there is a domain where one is needed, and only there.
    pub(crate) fn check(self, domain: Option<&str>) -> Result<(), Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        match (self, domain) {
            (Self::Mailgun, None) => Err(Error::config("domain: missing, which Mailgun needs")),
            (Self::Mailgun, Some(domain)) if domain.is_empty() || !domain.bytes().all(allowed) => {
                Err(Error::config(format!("domain: {domain:?} is none")))
            }
            (Self::Mailgun, _) | (_, None) => Ok(()),
            (_, Some(_)) => Err(Error::config("domain: for Mailgun alone")),
        }
    }

    pub(crate) fn request(self, config: &Config, batch: &Batch, mail: &Mail) -> Result<Request, Error> {
        let base = config.url.as_deref().unwrap_or(self.url()).trim_end_matches('/');
        let key = &config.api_key;
        let Mail { subject, text, html } = mail;
        Ok(match self {
            Self::Mailgun => {
                let domain = config.domain.as_deref().unwrap_or_default();
                let fields = [
                    ("from", &*config.from.to_string()),
                    ("to", &list(&config.to)),
                    ("subject", subject),
                    ("text", text),
                    ("html", html),
                ];
                post_form(format!("{base}/v3/{domain}/messages"), &fields)?
                    .header("Authorization", format!("Basic {key}"))
            }
            Self::Postmark => {
                let body = Postmark {
                    from: config.from.to_string(),
                    to: list(&config.to),
                    subject,
                    text_body: text,
                    html_body: html,
                };
                Request::post_json(format!("{base}/email"), &body)?.header("X-Postmark-Server-Token", key)
            }
            Self::Resend => {
                let body = Resend {
                    from: config.from.to_string(),
                    to: config.to.iter().map(Address::to_string).collect(),
                    subject,
                    text,
                    html,
                };
                Request::post_json(format!("{base}/emails"), &body)?
                    .header("Authorization", format!("Bearer {key}"))
                    .header("Idempotency-Key", &batch.idempotency_key)
            }
            Self::Sendgrid => {
                let body = Sendgrid {
                    personalizations: [SendgridTo {
                        to: config.to.iter().map(sendgrid_address).collect(),
                    }],
                    from: sendgrid_address(&config.from),
                    subject,
                    content: [("text/plain", text), ("text/html", html)]
                        .map(|(r#type, value)| SendgridContent { r#type, value }),
                };
                Request::post_json(format!("{base}/v3/mail/send"), &body)?
                    .header("Authorization", format!("Bearer {key}"))
            }
        })
    }

    pub(crate) fn interpret(self, response: &Response) -> Disposition {
        let mut disposition = Disposition::of(response);
        match (self, response.status) {
            // Another attempt at the same mail is under way.
            (Self::Resend, 409) if response.excerpt().contains("concurrent_idempotent_requests") => {
                disposition.kind = "retry".to_owned();
            }
            (Self::Mailgun, 401) => {
                disposition
                    .reason
                    .push_str(" (api_key is to be the Base64 of api:KEY)");
            }
            _ => {}
        }
        disposition
    }
}

fn sendgrid_address(address: &Address) -> SendgridAddress<'_> {
    SendgridAddress {
        email: &address.email,
        name: address.name.as_deref(),
    }
}

fn list(addresses: &[Address]) -> String {
    let addresses: Vec<_> = addresses.iter().map(Address::to_string).collect();
    addresses.join(", ")
}

/// A POST of `application/x-www-form-urlencoded`. No `{{secret:NAME}}` in it is
/// one any more.
fn post_form(url: String, fields: &[(&str, &str)]) -> Result<Request, Error> {
    let mut request = Request::post_json(url, "")?;
    request.headers.clear();
    let fields = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encoded(value)));
    request.body = fields.collect::<Vec<_>>().join("&").into_bytes();
    Ok(request.header("Content-Type", "application/x-www-form-urlencoded"))
}

fn percent_encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte))
            }
            b' ' => encoded.push('+'),
            _ => {
                let digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
                encoded.extend(['%', char::from(digits[0]), char::from(digits[1])]);
            }
        }
    }
    encoded
}
