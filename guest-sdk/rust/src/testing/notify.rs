//! Notifiers under test.

use super::host::{FakeHost, START_MS, same};
use super::judge::Failure;
use super::run::with;
use super::series::parse_series;
use crate::{Alert, Batch, Disposition, Label, Notifier, Request, Response};

/// Makes an alert that has been firing since [`START_MS`], with labels as
/// Prometheus writes them, without annotations and with the value 1.
///
/// # Panics
/// The text is not a series.
#[must_use]
pub fn alert(labels: &str) -> Alert {
    let labels = parse_series(labels);
    Alert {
        status: "firing".to_owned(),
        fingerprint: format!("{:016x}", labels.fingerprint()),
        labels: labels.iter().map(Label::from).collect(),
        value: 1.0,
        starts_at_ms: START_MS,
        ends_at_ms: START_MS + 240_000,
        ..Alert::default()
    }
}

/// Makes an answer to a request.
#[must_use]
pub fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    Response {
        status,
        headers: headers.iter().map(|header| Label::from(*header)).collect(),
        body: body.as_bytes().to_vec(),
        extras: Vec::new(),
    }
}

impl Alert {
    /// Adds an annotation; for tests.
    #[must_use]
    pub fn annotated(mut self, name: &str, text: &str) -> Self {
        self.annotations.push(Label::new(name, text));
        self
    }

    /// The same alert, resolved at a time in ms since the epoch; for tests.
    #[must_use]
    pub fn resolved(mut self, at_ms: i64) -> Self {
        self.status = "resolved".to_owned();
        self.ends_at_ms = at_ms;
        self
    }
}

impl FakeHost {
    /// A batch of alerts for the notifier under test.
    #[must_use]
    pub fn batch(&self, alerts: &[Alert]) -> Batch {
        Batch {
            tenant: "default".to_owned(),
            receiver: "test".to_owned(),
            namespace: "test".to_owned(),
            group: "test".to_owned(),
            rule: "Test".to_owned(),
            config: self.config.clone(),
            now_ms: self.now_ms,
            idempotency_key: "key-1".to_owned(),
            external_url: "http://wasmalert.example".to_owned(),
            alerts: alerts.to_vec(),
            extras: Vec::new(),
        }
    }

    /// Has a notifier turn alerts into requests.
    ///
    /// # Errors
    /// As the host would fail the call. The state stays as it was.
    ///
    /// # Panics
    /// The notifier panics, or differs between two runs.
    pub fn notify<N: Notifier>(&mut self, alerts: &[Alert]) -> Result<Vec<Request>, Failure> {
        let batch = self.batch(alerts);
        let run = || with(self.inputs(), || crate::notifier::notify::<N>(&batch));
        let (answer, run_once) = run();
        same(&answer, &run().0);
        if let Some(failure) = run_once.failure {
            return Err(failure);
        }
        let requests = answer?;
        self.state = run_once.state;
        Ok(requests)
    }

    /// Has a notifier say what the answer to its first request means.
    ///
    /// # Panics
    /// The notifier panics, or goes over a limit.
    pub fn interpret<N: Notifier>(&mut self, response: &Response) -> Disposition {
        let run = || {
            with(self.inputs(), || {
                crate::notifier::interpret::<N>(&self.config, 0, response)
            })
        };
        let (answer, run_once) = run();
        same(&answer, &run().0);
        if let Some(failure) = run_once.failure {
            panic!("{failure}");
        }
        self.state = run_once.state;
        answer
    }
}
