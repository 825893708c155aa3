//! `logs`: what rules, notifiers and deliveries log.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use crate::Io;
use crate::args::Logs;
use crate::client::Client;
use crate::error::Error;
use crate::output::Format;
use crate::sse::{Event, Parser};
use crate::text::{clean, fields, plain};

/// How long to wait before connecting again: at first, and at most.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
const RECONNECT_AFTER_MAX: Duration = Duration::from_secs(15);
/// Lines that are remembered, so that those a server sends again after a
/// reconnect are not printed twice.
const SEEN_MAX: usize = 2_000;

pub(crate) async fn logs(client: &Client, logs: &Logs, format: Format, io: &mut Io<'_>) -> Result<(), Error> {
    let mut printer = Printer {
        format,
        seen: VecDeque::new(),
        last_id: None,
    };
    let query = query(logs);
    if !logs.follow {
        let mut response = client.events(&["logs"], &query, None).await?;
        return printer.print_all(&mut response, io).await;
    }
    let mut wait = RECONNECT_AFTER;
    let mut was_connected = false;
    loop {
        let lost = match client.events(&["logs"], &query, printer.last_id.as_deref()).await {
            Ok(mut response) => {
                (was_connected, wait) = (true, RECONNECT_AFTER);
                match printer.print_all(&mut response, io).await {
                    Ok(()) => Error::Request("the server closed the stream".into()),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        if !was_connected || !may_pass(&lost) {
            return Err(lost);
        }
        writeln!(io.err, "{lost}; connecting again in {} ms", wait.as_millis())?;
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RECONNECT_AFTER_MAX);
    }
}

fn query(logs: &Logs) -> Vec<(&'static str, String)> {
    let mut query = vec![("follow", logs.follow.to_string())];
    for (name, value) in [
        ("namespace", &logs.namespace),
        ("group", &logs.group),
        ("rule", &logs.rule),
        ("level", &logs.level),
    ] {
        query.extend(value.clone().map(|value| (name, value)));
    }
    query
}

/// Whether trying again may help.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Request(_) => true,
        Error::Problem(problem) => problem.status >= 500 || problem.status == 429,
        _ => false,
    }
}

struct Printer {
    format: Format,
    seen: VecDeque<String>,
    last_id: Option<String>,
}

impl Printer {
    async fn print_all(&mut self, response: &mut Response, io: &mut Io<'_>) -> Result<(), Error> {
        let lost =
            |error: reqwest::Error| Error::Request(format!("the stream broke: {}", error.without_url()));
        let mut parser = Parser::default();
        // What an earlier connection printed may come again now, once.
        let mut again = self.seen.clone();
        while let Some(piece) = response.chunk().await.map_err(lost)? {
            let events = parser
                .push(&piece)
                .map_err(|error| Error::Request(format!("the server sent {error}")))?;
            for event in events {
                match again.iter().position(|seen| *seen == event.data) {
                    Some(at) => drop(again.remove(at)),
                    None => self.print(event, io)?,
                }
            }
            io.out.flush()?;
        }
        Ok(())
    }

    fn print(&mut self, event: Event, io: &mut Io<'_>) -> Result<(), Error> {
        match (self.format, serde_json::from_str::<Value>(&event.data)) {
            (Format::Table, Ok(entry)) => writeln!(io.out, "{}", line(&entry))?,
            (Format::Json | Format::Junit, Ok(entry)) => {
                writeln!(io.out, "{}", crate::text::json_line(&entry))?
            }
            (_, Err(_)) => writeln!(io.err, "not a log entry: {}", clean(&event.data))?,
        }
        self.last_id = event.id.or_else(|| self.last_id.take());
        self.seen.push_back(event.data);
        if self.seen.len() > SEEN_MAX {
            self.seen.pop_front();
        }
        Ok(())
    }
}

/// `time level namespace/group/rule message field=value (code)`.
fn line(entry: &Value) -> String {
    let place: Vec<_> = ["namespace", "group", "rule", "receiver"]
        .into_iter()
        .map(|name| plain(&entry[name]))
        .filter(|name| !name.is_empty())
        .collect();
    let (time, level) = (plain(&entry["time"]), plain(&entry["level"]).to_uppercase());
    let mut line = format!(
        "{time} {level:<5} {} {}",
        place.join("/"),
        plain(&entry["message"])
    );
    line += &fields(&entry["fields"]);
    if let code @ Value::String(_) = &entry["code"] {
        line += &format!(" ({})", plain(code));
    }
    line
}
