//! Single flight, the cache and its bounds.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::http::StatusCode;
use axum::response::IntoResponse;
use futures_util::future::join_all;

use super::*;

/// Counts requests, and those at the same time, each taking a while.
#[derive(Default)]
struct Load {
    requests: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

async fn slow_server() -> (String, Arc<Load>) {
    let load = Arc::new(Load::default());
    let seen = load.clone();
    let handler = move || {
        let load = seen.clone();
        async move {
            load.requests.fetch_add(1, Relaxed);
            load.most.fetch_max(load.now.fetch_add(1, Relaxed) + 1, Relaxed);
            tokio::time::sleep(SHORT).await;
            load.now.fetch_sub(1, Relaxed);
            UP
        }
    };
    (serve(Router::new().fallback(handler)).await, load)
}

#[tokio::test]
async fn a_hundred_equal_queries_are_one_request() {
    let (url, load) = slow_server().await;
    let (engine, metrics) = engine(&QueryConfig::default());
    let source = plain(&url);
    let (t, query) = (tenant("t"), instant("up"));
    let fetches = (0..100).map(|_| engine.fetch(&t, &source, &query));
    for result in join_all(fetches).await {
        assert_eq!(result.expect("a frame").all_values(), [2.0]);
    }
    assert_eq!(load.requests.load(Relaxed), 1);
    assert_eq!(metrics.query_cache_misses.get(), 1);
    assert_eq!(metrics.query_cache_hits.get(), 99);
    assert!(engine.cache_bytes().await > 0);
}

#[tokio::test]
async fn answers_are_told_apart_by_tenant_revision_time_and_text() {
    let (url, mut seen) = recorder(|_| UP.into_response()).await;
    let (engine, _) = engine(&QueryConfig::default());
    let source = plain(&url);
    let newer = Source::new("prom", 2, source.spec().clone(), Arc::default()).expect("a source");
    let renamed = Source::new("other", 1, source.spec().clone(), Arc::default()).expect("a source");
    let later = Query {
        time: QueryTime::Instant { at_ms: 5 },
        ..instant("up")
    };
    for _ in 0..2 {
        for result in [
            engine.fetch(&tenant("a"), &source, &instant("up")).await,
            engine.fetch(&tenant("b"), &source, &instant("up")).await,
            engine.fetch(&tenant("a"), &newer, &instant("up")).await,
            engine.fetch(&tenant("a"), &renamed, &instant("up")).await,
            engine.fetch(&tenant("a"), &source, &later).await,
            engine.fetch(&tenant("a"), &source, &instant("down")).await,
        ] {
            result.expect("a frame");
        }
    }
    assert_eq!(
        std::iter::from_fn(|| seen.try_recv().ok()).count(),
        6,
        "the second time all are cached"
    );
}

#[tokio::test]
async fn errors_are_not_kept() {
    let calls = Arc::new(AtomicUsize::new(0));
    let answer = move |_: &Seen| match calls.fetch_add(1, Relaxed) {
        0 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => UP.into_response(),
    };
    let (url, _seen) = recorder(answer).await;
    let (engine, metrics) = engine(&QueryConfig::default());
    let source = plain(&url);
    let first = engine.fetch(&tenant("t"), &source, &instant("up")).await;
    check_error(&first, QueryErrorCode::Unavailable, "503");
    engine
        .fetch(&tenant("t"), &source, &instant("up"))
        .await
        .expect("a frame");
    let outcome = |error| QueryOutcome {
        kind: SourceKind::Prometheus,
        error,
    };
    assert_eq!(
        metrics
            .query_seconds
            .with(outcome(Some(QueryErrorCode::Unavailable)))
            .count(),
        1
    );
    assert_eq!(metrics.query_seconds.with(outcome(None)).count(), 1);
}

#[tokio::test]
async fn answers_serve_for_a_short_time() {
    let (url, mut seen) = recorder(|_| UP.into_response()).await;
    let (engine, _) = engine(&QueryConfig {
        cache_ttl: SHORT,
        ..QueryConfig::default()
    });
    let source = plain(&url);
    engine
        .fetch(&tenant("t"), &source, &instant("up"))
        .await
        .expect("a frame");
    tokio::time::sleep(SHORT * 2).await;
    engine
        .fetch(&tenant("t"), &source, &instant("up"))
        .await
        .expect("a frame");
    assert_eq!(std::iter::from_fn(|| seen.try_recv().ok()).count(), 2);
}

#[tokio::test]
async fn the_cache_is_bounded_by_bytes() {
    let (url, _seen) = recorder(|_| UP.into_response()).await;
    let (engine, _) = engine(&QueryConfig {
        cache_bytes: 2_000,
        ..QueryConfig::default()
    });
    let source = plain(&url);
    for at in 0..50 {
        engine
            .fetch(&tenant("t"), &source, &instant(&format!("up{at}")))
            .await
            .expect("a frame");
    }
    let bytes = engine.cache_bytes().await;
    assert!((1..=2_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn who_waits_gets_an_answer_when_who_asked_gives_up() {
    let (url, load) = slow_server().await;
    let (engine, _) = engine(&QueryConfig::default());
    let source = plain(&url);
    let fetch = || {
        let (engine, source) = (engine.clone(), source.clone());
        tokio::spawn(async move { engine.fetch(&tenant("t"), &source, &instant("up")).await })
    };
    let first = fetch();
    while load.requests.load(Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let second = fetch();
    tokio::task::yield_now().await;
    first.abort();
    second.await.expect("not cancelled").expect("a frame");
    assert_eq!(load.requests.load(Relaxed), 2);
}

#[tokio::test]
async fn requests_at_a_time_are_bounded_and_order_is_kept() {
    let (url, load) = slow_server().await;
    let (engine, _) = engine(&QueryConfig::default());
    let spec = plain(&url).spec().clone();
    let source = Source::new("prom", 1, spec, Arc::default())
        .expect("a source")
        .with_concurrency(4);
    let sources: Sources = [Arc::new(source)].into_iter().collect();
    let mut queries: Vec<Query> = (0..12).map(|at| instant(&format!("up{at}"))).collect();
    queries.insert(
        5,
        Query {
            source: "gone".into(),
            ..instant("up")
        },
    );
    let results = engine.fetch_all(&tenant("t"), &sources, queries.clone()).await;
    let asked: Vec<&Query> = results.iter().map(|(query, _)| query).collect();
    assert_eq!(asked, queries.iter().collect::<Vec<_>>());
    for (at, (_, result)) in results.iter().enumerate() {
        match at {
            5 => check_error(result, QueryErrorCode::SourceUnknown, "no source \"gone\""),
            _ => assert_eq!(result.as_ref().expect("a frame").len(), 1),
        }
    }
    assert_eq!(load.most.load(Relaxed), 4);
}

#[tokio::test]
async fn all_sources_together_are_bounded() {
    let (url, load) = slow_server().await;
    let (engine, _) = engine(&QueryConfig {
        requests_max: 3,
        ..QueryConfig::default()
    });
    let sources: Vec<Source> = ["a", "b", "c", "d"]
        .iter()
        .map(|name| Source::new(name, 1, plain(&url).spec().clone(), Arc::default()).expect("a source"))
        .collect();
    let (t, query) = (tenant("t"), instant("up"));
    for result in join_all(sources.iter().map(|source| engine.fetch(&t, source, &query))).await {
        result.expect("a frame");
    }
    assert_eq!(load.most.load(Relaxed), 3);
}

#[tokio::test]
async fn waiting_for_a_turn_counts_against_the_time() {
    let (url, load) = slow_server().await;
    let (engine, _) = engine(&QueryConfig::default());
    let spec = source(&url, &serde_json::json!({"timeout": "75ms"}))
        .spec()
        .clone();
    let source = Source::new("prom", 1, spec, Arc::default())
        .expect("a source")
        .with_concurrency(1);
    let sources: Sources = [Arc::new(source)].into_iter().collect();
    let queries = vec![instant("a"), instant("b"), instant("c")];
    let results = engine.fetch_all(&tenant("t"), &sources, queries).await;
    results[0].1.as_ref().expect("a frame");
    check_error(&results[2].1, QueryErrorCode::Timeout, "no result within 75 ms");
    assert!(load.requests.load(Relaxed) <= 2);
}
