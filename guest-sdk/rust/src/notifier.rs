//! What a notifier is: the trait, what it is told and what it answers.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::notifier::exports::wasmalert::rules::notifications as wit;
use crate::bindings::rule::wasmalert::rules::types::ComponentError;
use crate::label::value_of;
use crate::{Description, Error, Label, parse_config};

pub use wit::{Alert, Batch, Disposition, HttpRequest as Request, HttpResponse as Response};

/// The most characters of an answer's body that a reason quotes.
const REASON_CHARS_MAX: usize = 200;

/// The place of a tenant's secret in a URL, a header's value or a body: the host
/// puts the secret in on the way out.
#[must_use]
pub fn secret(name: &str) -> String {
    format!("{{{{secret:{name}}}}}")
}

/// The text with a space in each `{{secret:`, so that the host does not take it for one: labels and annotations
/// come from what is monitored, and must not be able to ask for a secret. For the whole of a body or a
/// header's value that is made of them, not for their parts; [`Request::post_json`] does it by itself.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    text.replace(SECRET, "{ {secret:")
}

/// Turns alerts into HTTP requests, which the host sends.
///
/// A notifier has no clock and no network; like a rule it is a pure function of
/// its inputs, and may use [`state`](crate::state) and [`log`](crate::log) alone.
pub trait Notifier {
    /// The receiver's configuration, read from JSON; `()` for none.
    type Config: DeserializeOwned + 'static;

    /// Tells what the component is; may not call the host.
    fn describe() -> Description;

    /// Turns alerts into requests, sent one after the other.
    ///
    /// # Errors
    /// The batch cannot be told; it is not tried again.
    fn notify(batch: &Batch, config: Self::Config) -> Result<Vec<Request>, Error>;

    /// Says what the answer to the request of that index means; as
    /// [`Disposition::of`] unless the receiver has its own ways.
    ///
    /// # Errors
    /// Counts as [`Disposition::failed`].
    fn interpret(config: Self::Config, request: u32, response: &Response) -> Result<Disposition, Error> {
        let _ = (config, request);
        Ok(Disposition::of(response))
    }
}

/// The component that a [`Notifier`] makes; what
/// [`notifier!`](crate::notifier!) exports.
pub struct NotifierComponent<N>(PhantomData<N>);

impl<N: Notifier> wit::Guest for NotifierComponent<N> {
    fn describe() -> Description {
        N::describe()
    }

    fn notify(batch: Batch) -> Result<Vec<Request>, ComponentError> {
        #[cfg(target_family = "wasm")]
        crate::panics::tell();
        Ok(notify::<N>(&batch)?)
    }

    fn interpret(config: String, request: u32, response: Response) -> Disposition {
        #[cfg(target_family = "wasm")]
        crate::panics::tell();
        interpret::<N>(&config, request, &response)
    }
}

/// Reads the configuration and turns alerts into requests.
pub(crate) fn notify<N: Notifier>(batch: &Batch) -> Result<Vec<Request>, Error> {
    N::notify(batch, parse_config(&batch.config)?)
}

/// Reads the configuration and interprets an answer; a failure is final.
pub(crate) fn interpret<N: Notifier>(config: &str, request: u32, response: &Response) -> Disposition {
    parse_config(config)
        .and_then(|config| N::interpret(config, request, response))
        .unwrap_or_else(|error| Disposition::failed(error.to_string()))
}

impl Alert {
    /// Whether the alert fires; if not, it has resolved.
    #[must_use]
    pub fn is_firing(&self) -> bool {
        self.status == "firing"
    }

    /// The value of a label; the empty text stands for an absent one.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        value_of(&self.labels, name)
    }

    /// The text of an annotation; empty where there is none.
    #[must_use]
    pub fn annotation(&self, name: &str) -> &str {
        value_of(&self.annotations, name)
    }
}

impl Batch {
    /// Whether any alert fires.
    #[must_use]
    pub fn is_firing(&self) -> bool {
        self.alerts.iter().any(Alert::is_firing)
    }
}

/// What marks a secret, and the same JSON text in a form that the host does not
/// take for one.
const SECRET: &str = "{{secret:";
const SECRET_ESCAPED: &str = "{\\u007bsecret:";

impl Request {
    /// Makes a POST of a JSON body.
    ///
    /// A `{{secret:NAME}}` in the body stays text: labels and annotations come
    /// from what is monitored, and must not be able to ask for a secret. A
    /// receiver that wants one in the body gets its `body` by hand.
    ///
    /// # Errors
    /// The URL is none, which is an [`Error::BAD_CONFIG`], or the value has no
    /// JSON form.
    pub fn post_json<T: Serialize + ?Sized>(url: impl Into<String>, body: &T) -> Result<Self, Error> {
        let url = url.into();
        if !["http://", "https://", SECRET]
            .iter()
            .any(|start| url.starts_with(start))
        {
            let message = format!("url: {url:?} starts with neither http://, https:// nor {SECRET}NAME}}}}");
            return Err(Error::config(message));
        }
        let request = Self {
            method: "POST".to_owned(),
            url,
            body: serde_json::to_string(body)?
                .replace(SECRET, SECRET_ESCAPED)
                .into_bytes(),
            ..Self::default()
        };
        Ok(request.header("Content-Type", "application/json"))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Label::new(name, value));
        self
    }
}

impl Response {
    /// The value of a header; none when it is absent. Letter case does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| &*header.value)
    }

    /// `Retry-After` where it is a number of seconds. A date says nothing
    /// without a clock.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        seconds.checked_mul(1_000)
    }

    /// The start of the body as text, for people.
    #[must_use]
    pub fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        text.trim().chars().take(REASON_CHARS_MAX).collect()
    }
}

impl Disposition {
    /// The receiver has it.
    #[must_use]
    pub fn delivered() -> Self {
        Self {
            kind: "delivered".to_owned(),
            ..Self::default()
        }
    }

    /// The receiver could not take it now; wait at least so long, where known.
    #[must_use]
    pub fn retry(reason: impl Into<String>, after_ms: Option<u64>) -> Self {
        Self {
            kind: "retry".to_owned(),
            retry_after_ms: after_ms,
            reason: reason.into(),
            extras: Vec::new(),
        }
    }

    /// Trying again would not help.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Self {
        Self {
            kind: "failed".to_owned(),
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// What a status means as a rule: 2xx delivered; 408, 429 and 5xx retry, with
    /// `Retry-After`; all others failed.
    #[must_use]
    pub fn of(response: &Response) -> Self {
        let reason = || format!("status {}: {}", response.status, response.excerpt());
        match response.status {
            200..=299 => Self::delivered(),
            408 | 429 | 500..=599 => Self::retry(reason(), response.retry_after_ms()),
            _ => Self::failed(reason()),
        }
    }
}
