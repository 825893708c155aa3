//! How often something may happen: a bucket of tokens that fills again with time.

/// A bucket. How large it is and how fast it fills is told at each use, so that both
/// may change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    tokens: f64,
    at_ms: i64,
}

/// How many tokens a bucket holds, and how many come back in a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    pub tokens: f64,
    pub per_second: f64,
}

impl Size {
    /// So much in any minute, all of it at once if need be.
    #[must_use]
    pub fn per_minute(tokens: u64) -> Self {
        let tokens = tokens as f64;
        Self {
            tokens,
            per_second: tokens / 60.0,
        }
    }
}

impl Bucket {
    #[must_use]
    pub fn full(size: Size, now_ms: i64) -> Self {
        Self {
            tokens: size.tokens,
            at_ms: now_ms,
        }
    }

    /// How many tokens there are now; fewer than none where more was taken than there was.
    #[must_use]
    pub fn tokens(&self, size: Size, now_ms: i64) -> f64 {
        let seconds = now_ms.saturating_sub(self.at_ms).max(0) as f64 / 1e3;
        (self.tokens + seconds * size.per_second).min(size.tokens)
    }

    /// Takes tokens, whether there are enough or not.
    pub fn take(&mut self, size: Size, now_ms: i64, tokens: f64) {
        *self = Self {
            tokens: self.tokens(size, now_ms) - tokens,
            at_ms: now_ms,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_fills_with_time_and_no_further() {
        let size = Size::per_minute(60);
        let mut bucket = Bucket::full(size, 0);
        assert_eq!(bucket.tokens(size, 1_000_000), 60.0);
        bucket.take(size, 0, 100.0);
        assert_eq!(bucket.tokens(size, 0), -40.0, "what was done is paid for");
        assert_eq!(bucket.tokens(size, 41_000), 1.0);
        assert_eq!(
            bucket.tokens(size, -5_000),
            -40.0,
            "a clock set back gives nothing"
        );
        let larger = Size::per_minute(600);
        assert_eq!(bucket.tokens(larger, 5_000), 10.0, "a new size holds at once");
        let none = Size::per_minute(0);
        assert_eq!(Bucket::full(none, 0).tokens(none, 9_999_999), 0.0);
    }
}
