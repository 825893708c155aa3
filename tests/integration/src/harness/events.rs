//! Server-sent events, as they arrive.

use std::collections::VecDeque;

use serde_json::Value;

/// A stream of events whose data is JSON.
pub(crate) struct Events {
    response: reqwest::Response,
    /// What came of a line that is not whole yet.
    rest: Vec<u8>,
    arrived: VecDeque<Value>,
}

impl Events {
    pub(super) fn new(response: reqwest::Response) -> Self {
        Self {
            response,
            rest: Vec::new(),
            arrived: VecDeque::new(),
        }
    }

    /// The data of the next event; none when the server has ended the stream.
    ///
    /// # Panics
    /// When the connection breaks, or the data is not JSON.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        while self.arrived.is_empty() {
            let chunk = self.response.chunk().await.expect("the stream goes on");
            self.take(&chunk?);
        }
        self.arrived.pop_front()
    }

    /// All events until the server ends the stream.
    pub(crate) async fn all(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    fn take(&mut self, chunk: &[u8]) {
        self.rest.extend_from_slice(chunk);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            if let Some(data) = line.strip_prefix(b"data: ") {
                let data = serde_json::from_slice(data);
                self.arrived
                    .push_back(data.expect("the data of an event is JSON"));
            }
        }
    }
}
