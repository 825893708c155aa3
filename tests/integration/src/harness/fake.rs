//! An HTTP server inside the test.

use axum::Router;
use tokio::runtime::{Builder, Runtime};

/// A router that listens on loopback, on a runtime of its own, so that stopping
/// it also cuts the connections that are open.
pub(crate) struct Fake {
    port: u16,
    router: Router,
    runtime: Option<Runtime>,
}

impl Fake {
    pub(crate) fn start(router: Router) -> Self {
        let mut fake = Self {
            port: super::free_port(),
            router,
            runtime: None,
        };
        fake.resume();
        fake
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops listening; connecting is refused from now on.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Listens again, on the same port.
    pub(crate) fn resume(&mut self) {
        self.stop();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be started");
        // Rust's listener sets SO_REUSEADDR, so a port just closed can be taken again.
        let listener = std::net::TcpListener::bind(("127.0.0.1", self.port)).expect("the port is free");
        listener
            .set_nonblocking(true)
            .expect("a socket can be non-blocking");
        let router = self.router.clone();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("inside a runtime");
            axum::serve(listener, router).await.expect("serving does not end");
        });
        self.runtime = Some(runtime);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop();
    }
}
