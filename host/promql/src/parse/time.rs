//! Ranges, offsets and times in an expression.

use super::{Parser, Token};
use crate::ast::{AtTime, Expr};
use crate::error::Error;

impl Parser<'_> {
    /// `5m` or `5m:1m`, in brackets.
    pub(super) fn range(&mut self, expr: Expr, bare: bool) -> Result<Expr, Error> {
        self.bump()?;
        let range_ms = self.positive_ms("range")?;
        if self.eat_sign("]")? {
            return self.range_of(expr, bare, range_ms);
        }
        if !self.eat_sign(":")? {
            return Err(self.bracket_error());
        }
        let step_ms = if self.is_sign("]") {
            None
        } else {
            Some(self.positive_ms("step")?)
        };
        if !self.eat_sign("]")? {
            return Err(self.bracket_error());
        }
        self.subquery_of(expr, range_ms, step_ms)
    }

    /// Arithmetic on durations is valid but experimental; all else is not valid.
    fn bracket_error(&self) -> Error {
        match self.token {
            Token::Sign("+" | "-" | "*" | "/" | "%" | "^") => {
                Error::not_supported(self.at, "experimental duration expressions")
            }
            _ => self.unexpected("in range, expected \":\" or \"]\""),
        }
    }

    fn positive_ms(&mut self, what: &str) -> Result<i64, Error> {
        let at = self.at;
        let ms = self.duration_ms(what)?;
        if ms <= 0 {
            return Err(Error::parse(at, "duration must be greater than 0"));
        }
        Ok(ms)
    }

    /// A duration, or a number of seconds, in milliseconds.
    fn duration_ms(&mut self, what: &str) -> Result<i64, Error> {
        let ms = match &self.token {
            Token::Duration(ms) => *ms as f64,
            Token::Number(seconds) => (seconds * 1e3).round(),
            Token::Sign("(" | "+" | "-") => {
                return Err(Error::not_supported(self.at, "experimental duration expressions"));
            }
            Token::Word(word)
                if matches!(&**word, "step" | "range" | "max_of" | "min_of" | "start" | "end") =>
            {
                return Err(Error::not_supported(self.at, "experimental duration expressions"));
            }
            _ => return Err(self.unexpected(&format!("in {what}, expected a duration"))),
        };
        // Go's time.Duration counts nanoseconds in 64 bits: 292 years.
        if ms.is_nan() || ms.abs() > 9_223_372_036_854.0 {
            return Err(Error::parse(self.at, "duration out of range"));
        }
        self.bump()?;
        Ok(ms as i64)
    }

    pub(super) fn offset_ms(&mut self) -> Result<i64, Error> {
        let minus = self.eat_sign("-")?;
        if !minus {
            self.eat_sign("+")?;
        }
        let ms = self.duration_ms("offset")?;
        Ok(if minus { -ms } else { ms })
    }

    pub(super) fn at_time(&mut self) -> Result<AtTime, Error> {
        for (word, time) in [("start", AtTime::Start), ("end", AtTime::End)] {
            if self.eat_word(word)? {
                self.expect_sign("(", "in @")?;
                self.expect_sign(")", "in @")?;
                return Ok(time);
            }
        }
        let at = self.at;
        let minus = self.eat_sign("-")?;
        if !minus {
            self.eat_sign("+")?;
        }
        let seconds = match &self.token {
            Token::Number(seconds) => *seconds,
            Token::Duration(ms) => *ms as f64 / 1e3,
            Token::Word(word) if matches!(&*word.to_ascii_lowercase(), "inf" | "nan") => f64::NAN,
            _ => return Err(self.unexpected("after @, expected a timestamp")),
        };
        let ms = (if minus { -seconds } else { seconds } * 1e3).round();
        if ms.is_nan() || ms.abs() >= i64::MAX as f64 {
            return Err(Error::parse(at, "timestamp out of bounds for @ modifier"));
        }
        self.bump()?;
        Ok(AtTime::Ms(ms as i64))
    }
}
