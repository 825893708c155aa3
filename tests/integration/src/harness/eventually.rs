//! Waiting for something to become, or to stay, true.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

const PAUSE: Duration = Duration::from_millis(100);

/// Asks `check` until it answers `Ok`, and gives that back.
///
/// # Panics
/// After `within`, with what was awaited and the last reason `check` gave.
pub(crate) async fn eventually<T, E: Display>(
    what: &str,
    within: Duration,
    mut check: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + within;
    let mut last = "it never answered".to_owned();
    loop {
        match timeout_at(deadline, check()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(reason)) => last = reason.to_string(),
            Err(_) => panic!("not within {within:?}: {what}\nlast seen: {last} (and then no answer)"),
        }
        if Instant::now() >= deadline {
            panic!("not within {within:?}: {what}\nlast seen: {last}");
        }
        sleep(PAUSE).await;
    }
}

/// Asks `check` again and again for all of `span`.
///
/// # Panics
/// When it answers `Err` once.
pub(crate) async fn holds_for<E: Display>(
    what: &str,
    span: Duration,
    mut check: impl AsyncFnMut() -> Result<(), E>,
) {
    let end = Instant::now() + span;
    while Instant::now() < end {
        if let Err(reason) = check().await {
            panic!("did not hold for {span:?}: {what}\nseen: {reason}");
        }
        sleep(PAUSE).await;
    }
}
