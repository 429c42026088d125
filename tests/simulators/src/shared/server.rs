//! A server on a socket of its own: its threads, its listener, and how it ends.

mod connection;
mod request;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};
use http::request::Parts;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::answer::{Head, Refusal};
use super::stats::Counter;
use super::tls;

pub(crate) use request::Peer;

/// How a server listens and sends.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Address to listen on.
    pub(crate) address: IpAddr,
    /// Port to listen on; 0 lets the system choose.
    pub(crate) port: u16,
    /// Serves HTTPS with a certificate made at start-up.
    pub(crate) tls: bool,
    /// Worker threads.
    pub(crate) threads: usize,
    /// Added to every answer.
    pub(crate) latency: Duration,
    /// Compresses answers for clients that accept gzip.
    pub(crate) gzip: bool,
    /// Answers are sent chunked, else with `Content-Length`.
    pub(crate) chunked: bool,
    /// Largest request body in bytes; beyond it 413 with an HTML body.
    pub(crate) max_body: usize,
}

/// What a server does with requests.
pub(crate) trait Application: Send + Sync + 'static {
    /// How it listens and sends.
    fn settings(&self) -> &Settings;

    /// Its figures.
    fn counter(&self) -> &Counter;

    /// Who may ask, how often, and in what form: all that is checked before the request is looked at.
    fn admit(&self, peer: &Peer, parts: &Parts, body: &[u8]) -> Result<(), Refusal>;

    /// Appends the body of the answer; its head.
    fn answer(&self, peer: &Peer, parts: &Parts, body: &[u8], out: &mut Vec<u8>) -> Head;
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Running<A> {
    /// What it does with requests.
    pub(crate) app: Arc<A>,
    address: SocketAddr,
    ca_pem: Option<String>,
    stop: watch::Sender<bool>,
    stopped: mpsc::Receiver<()>,
    runtime: Option<Runtime>,
}

impl<A: Application> Running<A> {
    /// Starts a server; it answers when this returns.
    ///
    /// # Errors
    /// The address is taken, or no certificate could be made.
    pub(crate) fn launch(app: A) -> Result<Running<A>> {
        let settings = app.settings();
        let wanted = SocketAddr::new(settings.address, settings.port);
        let (acceptor, ca_pem) = match settings.tls {
            true => tls::acceptor(settings.address).map(|(acceptor, pem)| (Some(acceptor), Some(pem)))?,
            false => (None, None),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(settings.threads.max(1))
            .thread_name("simulator")
            .enable_all()
            .build()
            .context("the simulator's threads could not be started")?;
        let socket = std::net::TcpListener::bind(wanted).with_context(|| format!("listening on {wanted}"))?;
        socket.set_nonblocking(true).context("the simulator's socket")?;
        let address = socket.local_addr().context("the simulator's socket")?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(socket).context("the simulator's socket")?
        };
        let app = Arc::new(app);
        let (stop, stopping) = watch::channel(false);
        let (done, stopped) = mpsc::channel();
        let serving = Arc::clone(&app);
        runtime.spawn(async move {
            connection::accept(serving, listener, acceptor, stopping).await;
            // Nobody waits any more when the server was dropped.
            let _ = done.send(());
        });
        Ok(Running { app, address, ca_pem, stop, stopped, runtime: Some(runtime) })
    }
}

impl<A> Running<A> {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL with this path; `https://localhost:…` with TLS.
    pub(crate) fn url(&self, path: &str) -> String {
        match self.ca_pem {
            Some(_) if self.address.ip().is_loopback() => format!("https://localhost:{}{path}", self.address.port()),
            Some(_) => format!("https://{}{path}", self.address),
            None => format!("http://{}{path}", self.address),
        }
    }

    /// The certificate that clients must trust, as PEM; `None` without TLS.
    pub(crate) fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Stops listening, lets requests in progress end for up to two seconds, and closes every connection.
    pub(crate) fn shut(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.stop.send_replace(true);
        // The accept loop bounds its own patience; this only covers a runtime that is stuck.
        let _ = self.stopped.recv_timeout(Duration::from_secs(5));
        runtime.shutdown_background();
    }
}

impl<A> Drop for Running<A> {
    fn drop(&mut self) {
        self.shut();
    }
}
