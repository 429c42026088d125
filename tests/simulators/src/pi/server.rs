//! The running server: its threads, its socket, and what a test holds in its hand.

mod connection;
mod request;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::app::App;
use super::config::Config;
use super::fault::Fault;
use super::stats::Stats;
use super::tls;
use super::truth::Truth;

/// A PI Web API server on a socket of its own; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    ca_pem: Option<String>,
    stop: watch::Sender<bool>,
    stopped: mpsc::Receiver<()>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts a server; it answers when this returns.
    ///
    /// # Errors
    /// The address is taken, or no certificate could be made.
    pub async fn start(config: Config) -> Result<Server> {
        Server::launch(config)
    }

    /// As [`Server::start`], for callers without a runtime. The server's threads are its own either way.
    ///
    /// # Errors
    /// The address is taken, or no certificate could be made.
    pub fn launch(config: Config) -> Result<Server> {
        let wanted = SocketAddr::new(config.address, config.port);
        let (acceptor, ca_pem) = match config.tls {
            true => tls::acceptor(config.address).map(|(acceptor, pem)| (Some(acceptor), Some(pem)))?,
            false => (None, None),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
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
        let app = Arc::new(App::new(config));
        let (stop, stopping) = watch::channel(false);
        let (done, stopped) = mpsc::channel();
        let serving = Arc::clone(&app);
        runtime.spawn(async move {
            connection::accept(serving, listener, acceptor, stopping).await;
            // Nobody waits any more when the server was dropped.
            let _ = done.send(());
        });
        Ok(Server { app, address, ca_pem, stop, stopped, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base URL, such as `http://127.0.0.1:40123/piwebapi`; `https://localhost:…` with TLS.
    pub fn url(&self) -> String {
        match self.ca_pem {
            Some(_) if self.address.ip().is_loopback() => format!("https://localhost:{}/piwebapi", self.address.port()),
            Some(_) => format!("https://{}/piwebapi", self.address),
            None => format!("http://{}/piwebapi", self.address),
        }
    }

    /// The certificate that clients must trust, as PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The data, to compare with and to change.
    pub fn truth(&self) -> Truth {
        self.app.truth.clone()
    }

    /// What the server was asked so far.
    pub fn stats(&self) -> Stats {
        self.app.counter.read()
    }

    /// Sets the figures back to zero.
    pub fn reset_stats(&self) {
        self.app.counter.reset();
    }

    /// Replaces all faults; an empty list makes the server well again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.app.faults.set(faults);
    }

    /// How often each fault has fired, in the order of [`Server::set_faults`].
    pub fn fired(&self) -> Vec<u64> {
        self.app.faults.fired()
    }

    /// Lets time pass for what the server forgets when nobody asks for it: Stream Updates, after 15 minutes.
    pub fn let_pass(&self, time: Duration) {
        self.app.truth.updates().pass(time);
    }

    /// Forgets who is signed up for Stream Updates, as a restart of the service does.
    pub fn forget_updates(&self) {
        self.app.truth.updates().forget();
    }

    /// Stops listening, lets requests in progress end for up to two seconds, and closes every connection.
    pub fn stop(mut self) {
        self.shut();
    }

    fn shut(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.stop.send_replace(true);
        // The accept loop bounds its own patience; this only covers a runtime that is stuck.
        let _ = self.stopped.recv_timeout(Duration::from_secs(5));
        runtime.shutdown_background();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shut();
    }
}
