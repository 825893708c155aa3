//! Server-sent events, read from pieces of a body.
//!
//! An *event* is a run of lines closed by an empty one; its *data* is what its
//! `data:` lines hold.

/// The longest event that is kept; a longer one is an error.
pub(crate) const EVENT_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) data: String,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of over {EVENT_BYTES_MAX} bytes")]
pub(crate) struct TooLong;

/// What is known of the event that is being read.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    /// The last byte was a carriage return: a newline right after it is part of it.
    after_return: bool,
    data: Option<String>,
    id: Option<String>,
}

impl Parser {
    /// Reads a piece of the body and answers the events that it completes.
    ///
    /// # Errors
    /// An event is over [`EVENT_BYTES_MAX`].
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for &byte in piece {
            let newline_of_return = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            match byte {
                b'\n' if newline_of_return => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                _ => self.line.push(byte),
            }
            let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
            if held > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn end_of_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let id = self.id.take();
            return self.data.take().map(|data| Event { id, data });
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => data.extend(["\n", value]),
                None => self.data = Some(value.to_owned()),
            },
            "id" => self.id = Some(value.to_owned()),
            _ => {} // comments that keep the connection alive, event names, retry times
        }
        None
    }
}

#[cfg(test)]
mod tests;
