//! Requests that components ask for, and what may be asked for.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use wasmalert_ingest::bounded;

use super::{SendError, SendLimits};
use crate::secrets::{Place, Redactor, SecretError, Secrets, substitute, substitute_bytes};

const HEADERS_MAX: usize = 64;

/// Headers that belong to the connection and not to whoever asks for a request.
const REFUSED_HEADERS: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Whether a header is the host's business alone.
#[must_use]
pub fn is_refused_header(name: &HeaderName) -> bool {
    REFUSED_HEADERS.contains(&name.as_str())
}

/// A request that a component asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboundRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl OutboundRequest {
    /// The request with its placeholders replaced, and what takes the secrets
    /// out of error texts again.
    ///
    /// # Errors
    /// Names the first secret that does not exist, may not go to the request's host, or
    /// whose value may not stand where it is asked for; or there is no such URL.
    pub fn with_secrets(&self, secrets: &Secrets) -> Result<(Self, Redactor), SecretError> {
        let url = secrets.fill_url(&self.url)?;
        let allowed = secrets.for_url(&url);
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            headers.push((
                name.clone(),
                substitute(value, Place::Header, &allowed)?.into_owned(),
            ));
        }
        let request = Self {
            method: self.method.clone(),
            url: url.to_string(),
            headers,
            body: substitute_bytes(&self.body, &allowed)?.into_owned(),
        };
        let body = String::from_utf8_lossy(&self.body);
        let values = self.headers.iter().map(|(_, value)| value.as_str());
        let redactor = Redactor::of(values.chain([self.url.as_str(), &body]), secrets);
        Ok((request, redactor))
    }
}

/// The request as it can be sent.
pub(super) fn checked(request: OutboundRequest, limits: &SendLimits) -> Result<reqwest::Request, SendError> {
    let refused = SendError::Refused;
    let header_bytes: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if request.body.len() + request.url.len() + header_bytes > limits.request_bytes {
        return Err(refused(format!(
            "it is larger than {} bytes",
            limits.request_bytes
        )));
    }
    let method = match request.method.as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => {
            return Err(refused(
                "the method must be GET, POST, PUT, PATCH or DELETE".to_owned(),
            ));
        }
    };
    let url = Url::parse(&request.url).map_err(|error| refused(format!("the URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("the URL must start with http:// or https://".to_owned()));
    }
    let mut checked = reqwest::Request::new(method, url);
    *checked.headers_mut() = checked_headers(&request.headers).map_err(refused)?;
    *checked.body_mut() = Some(request.body.into());
    Ok(checked)
}

fn checked_headers(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    if headers.len() > HEADERS_MAX {
        return Err(format!("more than {HEADERS_MAX} headers"));
    }
    let mut checked = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let header = HeaderName::try_from(name.as_str())
            .map_err(|_| format!("{:?} is not a header name", bounded(name, 64)))?;
        if is_refused_header(&header) {
            return Err(format!("the header {header} is set by the host"));
        }
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of the header {header} has a control character"))?;
        value.set_sensitive(true);
        checked.append(header, value);
    }
    Ok(checked)
}
