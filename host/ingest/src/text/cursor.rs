//! A place in a text, and the tokens that both formats share.

use std::borrow::Cow;

/// What is wrong at a byte of the text.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) problem: Cow<'static, str>,
}

impl Fault {
    pub(super) fn new(at: usize, problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at,
            problem: problem.into(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    /// In bytes; always at the boundary of a character.
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// What was read since a place.
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Goes on by bytes that the caller has seen.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Skips a byte if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Skips a text if it is next.
    pub(super) fn eat_text(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text.as_bytes());
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Reads ASCII bytes, or whole characters, as long as they are wanted.
    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
        self.since(start)
    }

    pub(super) fn skip_blanks(&mut self) -> usize {
        self.take_while(|byte| matches!(byte, b' ' | b'\t')).len()
    }

    /// Reads what is left of the line, without its end.
    pub(super) fn take_line(&mut self) -> &'a str {
        self.take_while(|byte| byte != b'\n')
    }

    /// Reads a metric name without quotes; empty when there is none.
    pub(super) fn metric_name(&mut self) -> &'a str {
        match self.peek() {
            Some(b'0'..=b'9') => "",
            _ => self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')),
        }
    }

    /// Reads a label name without quotes; empty when there is none.
    pub(super) fn label_name(&mut self) -> &'a str {
        match self.peek() {
            Some(b'0'..=b'9') => "",
            _ => self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        }
    }

    /// Reads a text in double quotes and returns what is between them, escapes
    /// as they are. `None`, with the cursor where it was, if it is not whole.
    pub(super) fn quoted(&mut self, may_span_lines: bool) -> Option<&'a str> {
        let rest = self.rest();
        if rest.first() != Some(&b'"') {
            return None;
        }
        let mut length = 1;
        loop {
            match rest.get(length)? {
                b'"' => break,
                b'\n' if !may_span_lines => return None,
                b'\\' if rest.get(length + 1) == Some(&b'\n') && !may_span_lines => return None,
                b'\\' => length += 2,
                _ => length += 1,
            }
        }
        let inner = &self.text[self.at + 1..self.at + length];
        self.at += length + 1;
        Some(inner)
    }

    /// Reads a metric name with or without quotes, for a `#` line.
    pub(super) fn described_metric(&mut self) -> Result<Cow<'a, str>, Fault> {
        if let Some(quoted) = self.quoted(true) {
            return Ok(unescaped(quoted, true));
        }
        match self.metric_name() {
            "" => Err(Fault::new(self.at, "expected a metric name")),
            name => Ok(name.into()),
        }
    }
}

/// Resolves `\\`, `\n` and, if wanted, `\"`; leaves any other as it is.
pub(super) fn unescaped(text: &str, with_quotes: bool) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        resolved.push_str(&rest[..at]);
        let (escape, length) = match rest.as_bytes().get(at + 1) {
            Some(b'\\') => ('\\', 2),
            Some(b'n') => ('\n', 2),
            Some(b'"') if with_quotes => ('"', 2),
            _ => ('\\', 1),
        };
        resolved.push(escape);
        rest = &rest[at + length..];
    }
    resolved.push_str(rest);
    resolved.into()
}
