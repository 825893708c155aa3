//! Notifiers of a test: alerts to requests, and answers to what they mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmalert_core::evaluation::{LogLine, State};
use wasmalert_core::limits::Limits;
use wasmalert_core::units::format_duration_ms;
use wasmalert_sandbox::{Component, Disposition, DispositionKind, HttpRequest};

use crate::check::{Item, difference};
use crate::report::Failure;
use crate::simulation::{Components, log_line};
use crate::suite::{Delivery, ExpectedBody, ExpectedDisposition, ExpectedRequest};

/// Delivers all batches, in order; a notifier keeps its state from one to the next. Answers what is not
/// as expected.
pub(crate) fn run(file: &str, deliveries: &[Delivery], components: &Components<'_>) -> Vec<Failure> {
    let mut states: BTreeMap<&str, Arc<State>> = BTreeMap::new();
    let mut failures = Vec::new();
    for delivery in deliveries {
        let Some(component) = components.get(&*delivery.module) else {
            continue; // told of before any test is run
        };
        let mut told = Told {
            file,
            component,
            state: states.entry(&delivery.module).or_default(),
            failures: &mut failures,
        };
        told.notify(delivery);
        for response in &delivery.responses {
            told.interpret(delivery, response);
        }
    }
    failures
}

struct Told<'a> {
    file: &'a str,
    component: &'a Component,
    state: &'a mut Arc<State>,
    failures: &'a mut Vec<Failure>,
}

impl Told<'_> {
    fn notify(&mut self, delivery: &Delivery) {
        let title = format!("requests of {}", delivery.module);
        let run = self
            .component
            .notify(&delivery.batch, self.state, &Limits::default());
        let (requests, effects) = match (run.result, &delivery.error) {
            (Ok(answer), None) => answer,
            (Ok(_), Some(error)) => {
                let lines = vec![
                    format!("expected  an error with {error:?}"),
                    "got       requests".to_owned(),
                ];
                return self.fail(delivery.line, title, lines, &run.log);
            }
            (Err(fault), Some(error)) if fault.to_string().contains(error) => return,
            (Err(fault), error) => {
                let mut lines: Vec<_> = error
                    .iter()
                    .map(|error| format!("expected  an error with {error:?}"))
                    .collect();
                lines.push(format!("failed    {fault}"));
                return self.fail(delivery.line, title, lines, &run.log);
            }
        };
        *self.state = Arc::new(effects.state_after(self.state));
        let Some(expected) = &delivery.requests else {
            return;
        };
        if let Some(lines) = compare(expected, &requests) {
            self.fail(delivery.line, title, lines, &run.log);
        }
    }

    fn interpret(&mut self, delivery: &Delivery, expected: &ExpectedDisposition) {
        let title = format!(
            "what status {} means to {}",
            expected.response.status, delivery.module
        );
        let run = self.component.interpret(
            &delivery.batch.config,
            expected.request,
            &expected.response,
            self.state,
            &Limits::default(),
        );
        let lines = match run.result {
            Ok((disposition, effects)) => {
                *self.state = Arc::new(effects.state_after(self.state));
                difference(wanted(expected), found(&disposition, expected))
            }
            Err(fault) => Some(vec![format!("failed    {fault}")]),
        };
        if let Some(lines) = lines {
            self.fail(expected.line, title, lines, &run.log);
        }
    }

    fn fail(&mut self, line: u64, title: String, mut details: Vec<String>, log: &[LogLine]) {
        details.extend(log.iter().map(log_line));
        self.failures.push(Failure {
            file: self.file.to_owned(),
            line,
            title,
            details,
        });
    }
}

/// What is expected of each request, and only that, compared with what is there.
fn compare(expected: &[ExpectedRequest], got: &[HttpRequest]) -> Option<Vec<String>> {
    let (mut wanted, mut found) = (Vec::new(), Vec::new());
    for at in 0..expected.len().max(got.len()) {
        let (expected, got) = (expected.get(at), got.get(at));
        let key = |what: &str| format!("[{at}] {what}");
        if let Some(it) = expected {
            wanted.push(Item::new(key("request"), format!("{} {}", it.method, it.url)));
            wanted.extend(it.headers.iter().map(|(name, value)| Item::new(key(name), value)));
            match &it.body {
                Some(ExpectedBody::Text(text)) => wanted.push(Item::new(key("body"), format!("{text:?}"))),
                Some(ExpectedBody::Json(json)) => wanted.push(Item::new(key("json"), json)),
                None => {}
            }
        }
        let Some(it) = got else { continue };
        found.push(Item::new(key("request"), format!("{} {}", it.method, it.url)));
        let Some(expected) = expected else { continue };
        for name in expected.headers.keys() {
            let headers = it.headers.iter().filter(|(of, _)| of.eq_ignore_ascii_case(name));
            found.extend(headers.map(|(_, value)| Item::new(key(name), value)));
        }
        let text = String::from_utf8_lossy(&it.body);
        match &expected.body {
            Some(ExpectedBody::Text(_)) => found.push(Item::new(key("body"), format!("{text:?}"))),
            Some(ExpectedBody::Json(_)) => {
                found.push(match serde_json::from_str::<serde_json::Value>(&text) {
                    Ok(json) => Item::new(key("json"), json),
                    Err(_) => Item::new(key("json"), format!("none: {text:?}")),
                })
            }
            None => {}
        }
    }
    difference(wanted, found)
}

fn wanted(expected: &ExpectedDisposition) -> Vec<Item> {
    let mut items = vec![Item::new("disposition", &expected.kind)];
    let after = expected
        .retry_after_ms
        .map(|ms| Item::new("retry after", format_duration_ms(ms)));
    items.extend(after);
    items.extend(expected.reason.iter().map(|reason| Item::new("reason", reason)));
    items
}

/// What the notifier said, where something is expected of it.
fn found(disposition: &Disposition, expected: &ExpectedDisposition) -> Vec<Item> {
    let (kind, after_ms) = match disposition.kind {
        DispositionKind::Delivered => ("delivered", None),
        DispositionKind::Retry { after_ms } => ("retry", after_ms),
        DispositionKind::Failed => ("failed", None),
    };
    let mut items = vec![Item::new("disposition", kind)];
    if expected.retry_after_ms.is_some() {
        let after = after_ms.and_then(|ms| i64::try_from(ms).ok());
        let after = after.map_or_else(|| "nothing".to_owned(), format_duration_ms);
        items.push(Item::new("retry after", after));
    }
    if expected.reason.is_some() {
        items.push(Item::new("reason", &disposition.reason));
    }
    items
}
