//! What every test needs: processes that die with the test, fakes, a client.

mod alertmanager;
mod api;
mod certificates;
mod events;
mod eventually;
pub(crate) mod fake;
mod fake_source;
mod files;
pub(crate) mod issuer;
pub(crate) mod process;
mod prometheus;
mod server;
pub(crate) mod shapes;
mod webhook;

pub(crate) use alertmanager::Alertmanager;
pub(crate) use api::{Answer, Api};
pub(crate) use certificates::{Authority, Certificate, Trust};
pub(crate) use eventually::{eventually, holds_for};
pub(crate) use fake_source::{FakeSource, Reply};
pub(crate) use files::{TempDir, component, guest, release_dir, with_schema, workspace_root};
pub(crate) use prometheus::{Exporter, Prometheus};
pub(crate) use server::{PAGE_WITHIN, Server, TOKEN};
pub(crate) use shapes::parse_ms;
pub(crate) use webhook::{Captured, Webhook};

use std::net::TcpListener;

/// A TCP port on loopback that nobody listens on right now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}
