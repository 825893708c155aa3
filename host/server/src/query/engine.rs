//! Asks each question once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use moka::future::Cache;
use tokio::time::Instant;
use wasmalert_core::TenantId;
use wasmalert_core::frame::Frame;
use wasmalert_core::query::{Query, QueryError, QueryErrorCode, QueryResult, QueryTime};

use super::http;
use super::source::{Source, Sources};
use super::spec::{PrometheusSpec, SourceSpec};
use crate::embedded::Embedded;
use crate::fair::{Claim, Lanes, Turns};
use crate::http_client::HttpClient;
use crate::telemetry::{Metrics, QueryOutcome};

/// What the engine may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryConfig {
    /// Frames kept, together; default 256 MiB.
    pub cache_bytes: u64,
    /// How long an answer serves; default 60 s.
    pub cache_ttl: Duration,
    /// Requests at a time, to all sources together; default 1024.
    pub requests_max: usize,
}

impl Default for QueryConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            cache_ttl: Duration::from_secs(60),
            requests_max: 1_024,
        }
    }
}

/// What an answer is kept under.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    source: Arc<str>,
    revision: u64,
    expr: Arc<str>,
    time: QueryTime,
}

/// Fetches query results through a cache shared by all tenants, none of which
/// sees another's.
pub struct QueryEngine {
    client: HttpClient,
    embedded: Arc<Embedded>,
    cache: Cache<Key, Arc<Frame>>,
    turns: Turns,
    lanes: Arc<Lanes>,
    metrics: Arc<Metrics>,
}

impl QueryEngine {
    #[must_use]
    pub(crate) fn new(
        client: HttpClient,
        embedded: Arc<Embedded>,
        lanes: Arc<Lanes>,
        config: &QueryConfig,
        metrics: Arc<Metrics>,
    ) -> Self {
        let weigh = |key: &Key, frame: &Arc<Frame>| {
            u32::try_from(frame.bytes() + key.expr.len() + size_of::<Key>()).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(config.cache_bytes)
            .weigher(weigh)
            .time_to_live(config.cache_ttl)
            .build();
        Self {
            client,
            embedded,
            cache,
            turns: Turns::new(config.requests_max, usize::MAX),
            lanes,
            metrics,
        }
    }

    /// The result of one query. Equal queries that are on their way at the same
    /// time share one request. Dropping the future gives up waiting.
    ///
    /// # Errors
    /// As [`QueryErrorCode`] tells; the message holds no credentials.
    pub(crate) async fn fetch(&self, claim: &Claim, source: &Source, query: &Query) -> QueryResult {
        if matches!(source.spec, SourceSpec::Embedded(_)) {
            // A rule has just changed it: an answer kept for another would be old.
            return self.ask(claim, source, query).await;
        }
        let key = Key {
            tenant: claim.tenant.clone(),
            source: source.name.clone(),
            revision: source.revision,
            expr: query.expr.clone(),
            time: query.time,
        };
        let entry = self
            .cache
            .entry(key)
            .or_try_insert_with(self.ask(claim, source, query))
            .await;
        let asked = entry.as_ref().map_or(true, moka::Entry::is_fresh);
        let counter = if asked {
            &self.metrics.query_cache_misses
        } else {
            &self.metrics.query_cache_hits
        };
        counter.inc();
        entry
            .map(moka::Entry::into_value)
            .map_err(|error: Arc<QueryError>| (*error).clone())
    }

    /// The results of several queries, asked at the same time, in the order given.
    pub(crate) async fn fetch_all(
        &self,
        claim: &Claim,
        sources: &Sources,
        queries: Vec<Query>,
    ) -> Vec<(Query, QueryResult)> {
        let fetches = queries.into_iter().map(async |query| {
            let result = match sources.get(&query.source) {
                Some(source) => self.fetch(claim, source, &query).await,
                None => Err(unknown_source(&query.source)),
            };
            (query, result)
        });
        join_all(fetches).await
    }

    /// What requests wait for.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Bytes of the frames kept now.
    pub async fn cache_bytes(&self) -> u64 {
        self.cache.run_pending_tasks().await;
        self.cache.weighted_size()
    }

    async fn ask(&self, claim: &Claim, source: &Source, query: &Query) -> QueryResult {
        let started = Instant::now();
        let result = match &source.spec {
            SourceSpec::Prometheus(spec) => self.ask_over_http(claim, source, spec, query).await,
            SourceSpec::Embedded(spec) => self.embedded.ask(claim, query, spec.timeout()).await,
        };
        let outcome = QueryOutcome {
            kind: source.spec.kind(),
            error: result.as_ref().err().map(|e| e.code),
        };
        self.metrics
            .query_seconds
            .with(outcome)
            .observe(started.elapsed().as_secs_f64());
        result.map(Arc::new)
    }

    async fn ask_over_http(
        &self,
        claim: &Claim,
        source: &Source,
        spec: &PrometheusSpec,
        query: &Query,
    ) -> Result<Frame, QueryError> {
        let limit = spec.timeout();
        let request = async {
            // Its own limit first: a slow source's queue takes no one else's room.
            let _of_source = source.permits.acquire().await;
            let _of_all = self.turns.take(claim).await;
            let client = self.client.of(&claim.tenant).map_err(|failed| QueryError {
                code: QueryErrorCode::Unavailable,
                message: failed.to_string(),
            })?;
            http::ask(&client, &self.lanes, claim, source, spec, query).await
        };
        tokio::time::timeout(limit, request).await.unwrap_or_else(|_| {
            let message = format!("no result within {} ms", limit.as_millis());
            Err(QueryError {
                code: QueryErrorCode::Timeout,
                message,
            })
        })
    }
}

fn unknown_source(name: &str) -> QueryError {
    let message = format!("there is no source {name:?}: create it, or correct the rule's source");
    QueryError {
        code: QueryErrorCode::SourceUnknown,
        message,
    }
}
