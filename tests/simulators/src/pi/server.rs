//! What a test holds in its hand of a running PI Web API server.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use super::app::App;
use super::config::Config;
use super::fault::Fault;
use super::stats::Stats;
use super::truth::Truth;
use crate::shared::server::Running;

/// A PI Web API server on a socket of its own; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    running: Running<App>,
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
        Ok(Server { running: Running::launch(App::new(config))? })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// Base URL, such as `http://127.0.0.1:40123/piwebapi`; `https://localhost:…` with TLS.
    pub fn url(&self) -> String {
        self.running.url("/piwebapi")
    }

    /// The certificate that clients must trust, as PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.running.ca_pem()
    }

    /// The data, to compare with and to change.
    pub fn truth(&self) -> Truth {
        self.running.app.truth.clone()
    }

    /// What the server was asked so far.
    pub fn stats(&self) -> Stats {
        self.running.app.counter.read()
    }

    /// Sets the figures back to zero.
    pub fn reset_stats(&self) {
        self.running.app.counter.reset();
    }

    /// Replaces all faults; an empty list makes the server well again.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.running.app.faults.set(faults);
    }

    /// How often each fault has fired, in the order of [`Server::set_faults`].
    pub fn fired(&self) -> Vec<u64> {
        self.running.app.faults.fired()
    }

    /// Lets time pass for what the server forgets when nobody asks for it: Stream Updates, after 15 minutes.
    pub fn let_pass(&self, time: Duration) {
        self.running.app.truth.updates().pass(time);
    }

    /// Forgets who is signed up for Stream Updates, as a restart of the service does.
    pub fn forget_updates(&self) {
        self.running.app.truth.updates().forget();
    }

    /// Stops listening, lets requests in progress end for up to two seconds, and closes every connection.
    pub fn stop(mut self) {
        self.running.shut();
    }
}
