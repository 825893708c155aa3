//! Requests to one registry: where they go, and what they carry.
//!
//! Credentials go to the registry itself (`Basic`), or to its place for *tokens*, which may
//! be another host, and then the token to the registry (`Bearer`). A secret goes to a host
//! that it is bound to and to no other. A redirect is followed, to another host without
//! the token, and never from https to http.

use std::collections::BTreeMap;

use http_auth::{ChallengeRef, parse_challenges};
use oci_spec::distribution::Reference;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE,
};
use reqwest::{Method, Request, Response, StatusCode, Url};
use serde::Deserialize;
use wasmalert_sandbox::clip;

use super::{Access, PullError, whole};
use crate::http_client::auth::{Auth, AuthError};

const REDIRECTS_MAX: usize = 5;
/// The largest answer with a token.
const TOKEN_BYTES_MAX: u64 = 64 << 10;

/// Requests for one repository.
pub(super) struct Session<'s> {
    access: Access<'s>,
    repository: &'s str,
    /// `…/v2/REPOSITORY/`
    base: Url,
    /// For the registry alone.
    authorization: Option<HeaderValue>,
}

/// The answer of a place for tokens: some use the one name, some the other.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'s> Session<'s> {
    /// # Errors
    /// The reference makes no URL.
    pub(super) fn new(access: Access<'s>, reference: &'s Reference) -> Result<Self, PullError> {
        let scheme = if access.plain_http { "http" } else { "https" };
        let repository = reference.repository();
        let base = format!("{scheme}://{}/v2/{repository}/", reference.resolve_registry());
        let base = Url::parse(&base).map_err(|error| PullError::Reference(format!("reference: {error}")))?;
        Ok(Self {
            access,
            repository,
            base,
            authorization: None,
        })
    }

    /// Gets what lies at a path below the repository's, if there is something.
    ///
    /// # Errors
    /// Why there is nothing.
    pub(super) async fn get(&mut self, path: &str, accept: &'static str) -> Result<Response, PullError> {
        let url = self.base.join(path);
        let url = url.map_err(|error| PullError::Reference(format!("reference: {error}")))?;
        let mut response = self.follow(url.clone(), accept).await?;
        let asks = response.status() == StatusCode::UNAUTHORIZED && self.is_own(response.url());
        if asks && self.authorization.is_none() {
            self.authorization = Some(self.authorize(response.headers()).await?);
            response = self.follow(url, accept).await?;
        }
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => Err(PullError::NotFound(format!("{path} in {}", self.repository))),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Err(PullError::Unauthorized(format!("HTTP status {status}")))
            }
            status => Err(PullError::Registry(format!("HTTP status {status}"))),
        }
    }

    /// Sends a request to wherever it leads.
    async fn follow(&self, mut url: Url, accept: &'static str) -> Result<Response, PullError> {
        for _ in 0..=REDIRECTS_MAX {
            let mut request = Request::new(Method::GET, url.clone());
            let headers = request.headers_mut();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            // Digests are of the bytes as they are stored.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            if let Some(authorization) = self.authorization.as_ref().filter(|_| self.is_own(&url)) {
                headers.insert(AUTHORIZATION, authorization.clone());
            }
            let response = self.access.client.execute(request).await?;
            if !is_redirect(response.status()) {
                return Ok(response);
            }
            url = location(&url, response.headers())?;
        }
        Err(PullError::Registry(format!(
            "redirected more than {REDIRECTS_MAX} times"
        )))
    }

    /// Whether a URL is the registry's: of the same scheme, host and port.
    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// What the registry asks for.
    async fn authorize(&self, headers: &HeaderMap) -> Result<HeaderValue, PullError> {
        let challenges: Vec<&str> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let challenges = challenges
            .iter()
            .flat_map(|text| parse_challenges(text).unwrap_or_default());
        let challenges: Vec<ChallengeRef<'_>> = challenges.collect();
        let of = |scheme: &str| {
            challenges
                .iter()
                .find(|it| it.scheme.eq_ignore_ascii_case(scheme))
        };
        if let Some(bearer) = of("bearer") {
            return self.token(bearer).await;
        }
        if of("basic").is_none() {
            let why = "it says neither `Bearer` nor `Basic` for what";
            return Err(PullError::Unauthorized(why.to_owned()));
        }
        let basic = self.basic(&self.base)?;
        basic.ok_or_else(|| PullError::Unauthorized("give `basic_auth`".to_owned()))
    }

    /// The credentials as a request to this URL may carry them; none where there are none.
    fn basic(&self, url: &Url) -> Result<Option<HeaderValue>, PullError> {
        let auth = Auth {
            headers: &BTreeMap::new(),
            basic_auth: self.access.basic_auth,
            bearer_token: None,
        };
        let mut headers = HeaderMap::new();
        match auth.apply(&mut headers, &self.access.secrets.for_url(url)) {
            Ok(()) => Ok(headers.remove(AUTHORIZATION)),
            Err(AuthError::Secret(error)) => Err(error.into()),
            Err(AuthError::Header(name)) => Err(PullError::Unauthorized(format!("{name} cannot be sent"))),
        }
    }

    /// Gets a token that is good for pulling from the repository.
    async fn token(&self, challenge: &ChallengeRef<'_>) -> Result<HeaderValue, PullError> {
        let param = |name: &str| {
            let mut params = challenge.params.iter();
            let found = params.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let wrong = |why: String| PullError::Registry(clip(&format!("its place for tokens: {why}")));
        let realm = param("realm").ok_or_else(|| wrong("none is given".to_owned()))?;
        let mut url = Url::parse(&realm).map_err(|error| wrong(error.to_string()))?;
        check_not_weaker(&self.base, &url)?;
        let scope = format!("repository:{}:pull", self.repository);
        let service = param("service");
        let pairs = service.iter().map(|service| ("service", service.as_str()));
        url.query_pairs_mut()
            .extend_pairs(pairs.chain([("scope", scope.as_str())]));
        let mut request = Request::new(Method::GET, url.clone());
        if let Some(basic) = self.basic(&url)? {
            request.headers_mut().insert(AUTHORIZATION, basic);
        }
        let mut response = self.access.client.execute(request).await?;
        match response.status() {
            StatusCode::OK => {}
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                let why = format!("its place for tokens answered HTTP status {status}");
                return Err(PullError::Unauthorized(why));
            }
            // Where it points, credentials would have to go along.
            status => return Err(wrong(format!("HTTP status {status}"))),
        }
        let body = whole(&mut response, "the answer with a token", TOKEN_BYTES_MAX).await?;
        let answer: TokenAnswer =
            serde_json::from_slice(&body).map_err(|_| wrong("it answered no token".to_owned()))?;
        let token = answer.token.or(answer.access_token);
        let header = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        let mut header = header.ok_or_else(|| wrong("it answered no token".to_owned()))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads.
fn location(from: &Url, headers: &HeaderMap) -> Result<Url, PullError> {
    let text = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let to = text.and_then(|text| from.join(text).ok());
    let to = to.ok_or_else(|| PullError::Registry("a redirect that leads nowhere".to_owned()))?;
    check_not_weaker(from, &to)?;
    Ok(to)
}

pub(super) fn check_not_weaker(from: &Url, to: &Url) -> Result<(), PullError> {
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => Ok(()),
        (_, scheme) => Err(PullError::Registry(clip(&format!(
            "points from https to {scheme}, which is not followed"
        )))),
    }
}
