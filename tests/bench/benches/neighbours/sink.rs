//! Takes notifications: those of good tenants at once, those of others never.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::Result;

/// The longest body that is taken in.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Longer than the server waits.
const NEVER: Duration = Duration::from_secs(60);

/// A tenant's alert that was heard of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Heard {
    pub(crate) tenant: String,
    pub(crate) starts_at: String,
    pub(crate) is_firing: bool,
}

#[derive(Clone)]
pub(crate) struct Sink {
    address: String,
    heard: Arc<Mutex<BTreeSet<Heard>>>,
}

impl Sink {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sink = Self {
            address: listener.local_addr()?.to_string(),
            heard: Arc::default(),
        };
        let taker = sink.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taker = taker.clone();
                thread::spawn(move || taker.serve(stream));
            }
        });
        Ok(sink)
    }

    /// Where a tenant's notifications are taken.
    pub(crate) fn url(&self, tenant: &str) -> String {
        format!("http://{}/good/{tenant}", self.address)
    }

    /// Where none ever is.
    pub(crate) fn slow_url(&self) -> String {
        format!("http://{}/never", self.address)
    }

    pub(crate) fn heard(&self) -> BTreeSet<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One connection, until it ends or is of no use.
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut answers = stream.try_clone().ok()?;
        let mut requests = BufReader::new(stream);
        loop {
            let mut line = String::new();
            requests.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let path = line.split(' ').nth(1)?.to_owned();
            let mut bytes = 0;
            loop {
                line.clear();
                requests.read_line(&mut line).ok()?;
                let header = line.trim().to_ascii_lowercase();
                if header.is_empty() {
                    break;
                }
                if let Some(length) = header.strip_prefix("content-length:") {
                    bytes = length.trim().parse::<usize>().ok()?.min(BODY_BYTES_MAX);
                }
            }
            let mut body = vec![0; bytes];
            requests.read_exact(&mut body).ok()?;
            let Some(tenant) = path.strip_prefix("/good/") else {
                thread::sleep(NEVER);
                return None;
            };
            self.note(tenant, &body);
            answers
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .ok()?;
        }
    }

    fn note(&self, tenant: &str, body: &[u8]) -> Option<()> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        for alert in body["alerts"].as_array()? {
            heard.insert(Heard {
                tenant: tenant.to_owned(),
                starts_at: alert["startsAt"].as_str()?.to_owned(),
                is_firing: alert["status"] == "firing",
            });
        }
        Some(())
    }
}
