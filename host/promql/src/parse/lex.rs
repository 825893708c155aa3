//! Splits an expression into tokens, each with its place.

use wasmalert_core::units::parse_duration_ms;

use crate::error::{Error, Position};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A name or a keyword, as written.
    Word(Box<str>),
    Number(f64),
    /// Milliseconds.
    Duration(i64),
    Text(Box<str>),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

impl Token {
    /// For error messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("\"{word}\""),
            Self::Number(number) => format!("number {number}"),
            Self::Duration(ms) => format!("duration of {ms} ms"),
            Self::Text(text) => format!("string {text:?}"),
            Self::Sign(sign) => format!("\"{sign}\""),
            Self::End => "end of input".to_owned(),
        }
    }
}

/// Longer signs before their beginnings.
const SIGNS: [&str; 22] = [
    "==", "!=", "=~", "!~", "<=", ">=", "(", ")", "{", "}", "[", "]", ",", "+", "-", "*", "/", "%", "^", "@",
    "<", ">",
];

pub(crate) struct Lexer<'a> {
    rest: &'a str,
    at: Position,
    /// Between `[` and `]` a colon separates range and step; elsewhere it is
    /// part of names.
    in_brackets: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            at: Position::START,
            in_brackets: false,
        }
    }

    /// The next token and where it starts.
    pub(crate) fn next(&mut self) -> Result<(Token, Position), Error> {
        self.skip_blanks();
        let at = self.at;
        let Some(first) = self.rest.chars().next() else {
            return Ok((Token::End, at));
        };
        let second_is_digit = self.rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let token = match first {
            '"' | '\'' | '`' => Token::Text(self.string(first)?.into()),
            '0'..='9' => self.number()?,
            '.' if second_is_digit => self.number()?,
            ':' if self.in_brackets => {
                self.take(1);
                Token::Sign(":")
            }
            c if c.is_ascii_alphabetic() || c == '_' || c == ':' => {
                let length = self
                    .rest
                    .bytes()
                    .take_while(|byte| self.is_word_byte(*byte))
                    .count();
                Token::Word(self.take(length).into())
            }
            _ => self.sign(first)?,
        };
        Ok((token, at))
    }

    fn is_word_byte(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_' || (byte == b':' && !self.in_brackets)
    }

    /// Consumes `length` bytes, which end at a character boundary.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        for c in taken.chars() {
            if c == '\n' {
                self.at = Position {
                    line: self.at.line + 1,
                    column: 1,
                };
            } else {
                self.at.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        loop {
            let blanks = self.rest.bytes().take_while(u8::is_ascii_whitespace).count();
            self.take(blanks);
            if !self.rest.starts_with('#') {
                return;
            }
            let comment = self.rest.find('\n').unwrap_or(self.rest.len());
            self.take(comment);
        }
    }

    fn sign(&mut self, first: char) -> Result<Token, Error> {
        let known = SIGNS
            .iter()
            .chain(&["="])
            .find(|sign| self.rest.starts_with(**sign));
        let Some(sign) = known else {
            return Err(Error::parse(self.at, format!("unexpected character {first:?}")));
        };
        self.in_brackets = match *sign {
            "[" => true,
            "]" => false,
            _ => self.in_brackets,
        };
        self.take(sign.len());
        Ok(Token::Sign(sign))
    }

    /// A number or a duration.
    fn number(&mut self) -> Result<Token, Error> {
        let at = self.at;
        let length = number_length(self.rest);
        let next = self.rest.as_bytes().get(length);
        if !next.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.') {
            let text = self.take(length);
            return parse_number(text)
                .map(Token::Number)
                .ok_or_else(|| Error::parse(at, format!("bad number {text:?}")));
        }
        let length = self
            .rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
            .count();
        let text = self.take(length);
        parse_duration_ms(text)
            .map(Token::Duration)
            .map_err(|_| Error::parse(at, format!("bad number or duration {text:?}")))
    }

    fn string(&mut self, quote: char) -> Result<String, Error> {
        let at = self.at;
        self.take(1);
        let mut bytes = Vec::new();
        loop {
            let Some(c) = self.rest.chars().next() else {
                return Err(Error::parse(at, "unterminated string"));
            };
            match c {
                _ if c == quote => break,
                '\n' if quote != '`' => {
                    return Err(Error::parse(at, "unterminated string: it ends at a line's end"));
                }
                '\\' if quote != '`' => self.escape(quote, &mut bytes)?,
                _ => bytes.extend_from_slice(self.take(c.len_utf8()).as_bytes()),
            }
        }
        self.take(1);
        String::from_utf8(bytes).map_err(|_| Error::parse(at, "the string is not valid UTF-8"))
    }

    /// An escape sequence, as in Go.
    fn escape(&mut self, quote: char, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let at = self.at;
        let unknown = |c: char| Error::parse(at, format!("unknown escape sequence \\{c}"));
        self.take(1);
        let Some(c) = self.rest.chars().next() else {
            return Err(Error::parse(at, "escape sequence not terminated"));
        };
        let (skip, digits, radix) = match c {
            'x' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            '0'..='7' => (0, 3, 8),
            _ => {
                let byte = match c {
                    'a' => 7,
                    'b' => 8,
                    'f' => 12,
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    'v' => 11,
                    '\\' => b'\\',
                    _ if c == quote => quote as u8,
                    _ => return Err(unknown(c)),
                };
                self.take(1);
                bytes.push(byte);
                return Ok(());
            }
        };
        let code = self
            .rest
            .get(skip..skip + digits)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .and_then(|text| u32::from_str_radix(text, radix).ok())
            .ok_or_else(|| unknown(c))?;
        self.take(skip + digits);
        if matches!(c, 'u' | 'U') {
            let c =
                char::from_u32(code).ok_or_else(|| Error::parse(at, "escape sequence is no character"))?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            bytes.push(u8::try_from(code).map_err(|_| Error::parse(at, "octal escape above \\377"))?);
        }
        Ok(())
    }
}

/// Bytes of the number that `text` starts with.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize, hex: bool| {
        let is_digit = |byte: &u8| {
            *byte == b'_'
                || if hex {
                    byte.is_ascii_hexdigit()
                } else {
                    byte.is_ascii_digit()
                }
        };
        from + bytes
            .get(from..)
            .map_or(0, |rest| rest.iter().take_while(|byte| is_digit(byte)).count())
    };
    if matches!(bytes, [b'0', b'x' | b'X', ..]) {
        return digits(2, true);
    }
    let mut at = digits(0, false);
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1, false);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        let from = at + 1 + usize::from(signed);
        let end = digits(from, false);
        if end > from {
            at = end;
        }
    }
    at
}

/// Decimal, hexadecimal after `0x`, octal after `0`, with `_` between digits.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let text = text.replace('_', "");
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(|number| number as f64);
    }
    if text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
        return u64::from_str_radix(&text, 8).ok().map(|number| number as f64);
    }
    text.parse().ok()
}
