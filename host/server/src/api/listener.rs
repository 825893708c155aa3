//! Accepts connections with TLS for the API.
//!
//! A handshake is a task of its own: nobody waits for somebody who is slow. It ends after
//! some seconds, and when many connections have come after it, so that those who only
//! connect make room instead of filling it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::telemetry::Metrics;
use crate::tls::Tls;

/// Connections that may shake hands at the same time; the oldest makes room.
const HANDSHAKES_MAX: usize = 256;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// What is read of a request that came without TLS.
const PLAIN_BYTES_MAX: u64 = 64 << 10;

const PLAIN_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 36\r\n\
                            connection: close\r\n\r\nThis port speaks TLS: use https://.\n";

type Connection = (TlsStream<TcpStream>, SocketAddr);

/// A listener whose connections have shaken hands.
pub(crate) struct TlsListener {
    ready: mpsc::Receiver<Connection>,
    local: SocketAddr,
    /// Ends with the listener.
    _accepting: JoinSet<()>,
}

impl TlsListener {
    /// Call it within a tokio runtime.
    ///
    /// # Errors
    /// As the socket does.
    pub(crate) fn new(listener: TcpListener, tls: Arc<Tls>, metrics: Arc<Metrics>) -> io::Result<Self> {
        let local = listener.local_addr()?;
        let (done, ready) = mpsc::channel(HANDSHAKES_MAX);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept_forever(listener, tls, metrics, done));
        Ok(Self {
            ready,
            local,
            _accepting: accepting,
        })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Connection {
        match self.ready.recv().await {
            Some(connection) => connection,
            // Who accepts never ends while this is here.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

async fn accept_forever(
    mut listener: TcpListener,
    tls: Arc<Tls>,
    metrics: Arc<Metrics>,
    done: mpsc::Sender<Connection>,
) {
    let mut tasks = JoinSet::new();
    let mut newest = VecDeque::with_capacity(HANDSHAKES_MAX);
    loop {
        let (stream, address) = Listener::accept(&mut listener).await;
        while tasks.try_join_next().is_some() {}
        if newest.len() >= HANDSHAKES_MAX
            && let Some(oldest) = newest.pop_front()
        {
            make_room(&oldest, &metrics);
        }
        let acceptor = TlsAcceptor::from(tls.current());
        let (done, metrics) = (done.clone(), metrics.clone());
        newest.push_back(tasks.spawn(async move {
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake(acceptor, stream)).await {
                // Nobody waits for it when the server stops.
                Ok(Ok(stream)) => drop(done.send((stream, address)).await),
                Ok(Err(error)) => {
                    metrics.tls_handshakes_failed.inc();
                    tracing::debug!(%address, %error, "no handshake");
                }
                Err(_) => metrics.tls_handshakes_failed.inc(),
            }
        }));
    }
}

/// Ends a handshake that is still under way.
fn make_room(oldest: &tokio::task::AbortHandle, metrics: &Metrics) {
    if !oldest.is_finished() {
        oldest.abort();
        metrics.tls_handshakes_failed.inc();
    }
}

async fn handshake(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0u8; 1];
    stream.peek(&mut first).await?;
    // A handshake begins with the byte 22, a request with the name of a method.
    if first[0].is_ascii_alphabetic() {
        tell_plain(stream).await?;
        return Err(io::Error::other("it came without TLS"));
    }
    acceptor.accept(stream).await
}

/// Tells somebody who came without TLS. What they have sent is read, or they would see
/// the connection break before the answer.
async fn tell_plain(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(PLAIN_ANSWER.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(PLAIN_BYTES_MAX);
    let mut piece = [0u8; 4096];
    while rest.read(&mut piece).await? > 0 {}
    Ok(())
}
