//! How often something may happen: buckets of tokens, one for each key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Buckets that are kept. Those that are full are forgotten first, which changes nothing.
const BUCKETS_MAX: usize = 100_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

/// A bucket for each key: `size` tokens at first, of which `per_second` come back.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    size: f64,
    per_second: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    #[must_use]
    pub(super) fn new(size: f64, per_second: f64) -> Self {
        Self {
            size: size.max(1.0),
            per_second,
            buckets: Mutex::default(),
        }
    }

    /// Whether there is a token.
    ///
    /// # Errors
    /// There is none: in so many seconds there will be.
    pub(super) fn check(&self, key: &K, now_ms: i64) -> Result<(), u64> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.get(key).map(|bucket| self.filled(*bucket, now_ms));
        bucket.map_or(Ok(()), |bucket| self.one_of(bucket))
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none: in so many seconds there will be.
    pub(super) fn take(&self, key: &K, now_ms: i64) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| self.filled(*bucket, now_ms).tokens < self.size);
            if buckets.len() >= BUCKETS_MAX {
                buckets.clear();
            }
        }
        let full = Bucket {
            tokens: self.size,
            at_ms: now_ms,
        };
        let bucket = buckets.entry(key.clone()).or_insert(full);
        *bucket = self.filled(*bucket, now_ms);
        self.one_of(*bucket)?;
        bucket.tokens -= 1.0;
        Ok(())
    }

    fn filled(&self, bucket: Bucket, now_ms: i64) -> Bucket {
        let seconds = now_ms.saturating_sub(bucket.at_ms).max(0) as f64 / 1e3;
        Bucket {
            tokens: (bucket.tokens + seconds * self.per_second).min(self.size),
            at_ms: now_ms,
        }
    }

    fn one_of(&self, bucket: Bucket) -> Result<(), u64> {
        if bucket.tokens >= 1.0 {
            return Ok(());
        }
        let seconds = (1.0 - bucket.tokens) / self.per_second;
        Err((seconds.ceil() as u64).max(1))
    }
}
