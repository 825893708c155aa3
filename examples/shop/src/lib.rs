//! What the demo watches, and whom it pages: the programs `shop` and `pager`.
//!
//! `shop` is a web shop that is made up, with metrics that are not: [`metrics`]
//! counts and measures, [`shop`] is what happens. `pager` takes webhooks and
//! prints [`pages`]. How the metrics were chosen is in `docs/exporters.md`.

pub mod metrics;
pub mod pages;
pub mod shop;

use std::io::{self, Write as _};

use tokio::net::TcpListener;

/// Listens at the address of the first argument, or else at `default`, and says
/// so on standard error. Port 0 takes a free one.
///
/// # Errors
/// The address is none, or is taken.
pub async fn listen(default: &str) -> io::Result<TcpListener> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or(default)).await?;
    writeln!(io::stderr(), "listening on http://{}", listener.local_addr()?)?;
    Ok(listener)
}
