//! How often something may happen: buckets of tokens, one for each key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use wasmalert_core::rate::{Bucket, Size};

/// Buckets that are kept. Those that are full are forgotten first, which changes nothing.
const BUCKETS_MAX: usize = 100_000;

/// A bucket for each key: `size` tokens at first, of which `per_second` come back.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    size: Size,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    #[must_use]
    pub(super) fn new(size: f64, per_second: f64) -> Self {
        let tokens = size.max(1.0);
        Self {
            size: Size { tokens, per_second },
            buckets: Mutex::default(),
        }
    }

    /// Whether there is a token.
    ///
    /// # Errors
    /// There is none: in so many seconds there will be.
    pub(super) fn check(&self, key: &K, now_ms: i64) -> Result<(), u64> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets
            .get(key)
            .map_or(Ok(()), |bucket| self.one_of(bucket, now_ms))
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none: in so many seconds there will be.
    pub(super) fn take(&self, key: &K, now_ms: i64) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| bucket.tokens(self.size, now_ms) < self.size.tokens);
            if buckets.len() >= BUCKETS_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key.clone());
        let bucket = bucket.or_insert_with(|| Bucket::full(self.size, now_ms));
        self.one_of(bucket, now_ms)?;
        bucket.take(self.size, now_ms, 1.0);
        Ok(())
    }

    fn one_of(&self, bucket: &Bucket, now_ms: i64) -> Result<(), u64> {
        let tokens = bucket.tokens(self.size, now_ms);
        if tokens >= 1.0 {
            return Ok(());
        }
        let seconds = (1.0 - tokens) / self.size.per_second;
        Err((seconds.ceil() as u64).max(1))
    }
}
