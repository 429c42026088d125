//! What a test holds in its hand of a running Views service.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use super::app::App;
use super::config::Config;
use super::fault::Fault;
use super::stats::Stats;
use super::truth::Truth;
use crate::shared::server::Running;

/// A Views service on a socket of its own; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    running: Running<App>,
}

impl Server {
    /// Starts a server on threads of its own; it answers when this returns.
    ///
    /// # Errors
    /// The address is taken, or no certificate could be made.
    pub fn launch(config: Config) -> Result<Server> {
        Ok(Server { running: Running::launch(App::new(config))? })
    }

    /// Base URL of version 2, such as `http://127.0.0.1:40123/api/v2`; `https://localhost:…` with TLS.
    pub fn url(&self) -> String {
        self.running.url("/api/v2")
    }

    /// Base URL of version 1.
    pub fn url_v1(&self) -> String {
        self.running.url("/api/v1")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// The certificate that clients must trust, as PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.running.ca_pem()
    }

    /// The data, to compare with and to change.
    pub fn truth(&self) -> Truth {
        self.running.app.truth.clone()
    }

    /// What the server was asked so far, and what became of tokens.
    pub fn stats(&self) -> Stats {
        self.running.app.stats()
    }

    /// Sets the figures back to zero, those of tokens excepted.
    pub fn reset_stats(&self) {
        self.running.app.reset_stats();
    }

    /// Replaces all faults; an empty list makes the server well again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.running.app.faults.set(faults);
    }

    /// How often each fault has fired, in the order of [`Server::set_faults`].
    pub fn fired(&self) -> Vec<u64> {
        self.running.app.faults.fired()
    }

    /// Lets time pass for what expires unused: user tokens and live data tokens.
    pub fn let_pass(&self, time: Duration) {
        self.running.app.let_pass(time);
    }

    /// Forgets tokens and continuations, as a restart of the service does.
    pub fn forget(&self) {
        self.running.app.forget();
    }

    /// Stops listening, lets requests in progress end for up to two seconds, and closes every connection.
    pub fn stop(mut self) {
        self.running.shut();
    }
}
