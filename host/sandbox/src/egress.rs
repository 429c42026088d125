//! The only way out: every request of every plugin passes here. In this order: the policy decides; what the guest says
//! about identity is stripped; credentials are attached; the budget gives it a turn; it is sent, repeated and
//! redirected; what left is recorded. A credential never reaches a guest, a message or another origin.

mod address;
mod answer;
mod audit;
mod body;
mod budget;
mod client;
mod compression;
mod concurrency;
mod credentials;
mod exchange;
mod failure;
mod headers;
mod held;
mod hooks;
mod mask;
mod masked;
mod member;
mod pace;
mod policy;
mod retry;
mod session;
mod trail;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use url::Url;

use self::budget::Budget;
use self::policy::Policy;
use self::retry::Backoff;
use self::session::Standing;
use crate::describe::Capability;
use crate::error::Error;

pub use audit::{Audit, Record};
pub use credentials::{Authorization, Credentials, Login};
pub(crate) use hooks::Gate;
pub use pace::QuietHours;
pub(crate) use trail::Trail;

/// How long a request may wait for others to end, in silences of the server.
const PATIENCE: u32 = 20;

/// How to reach the source.
#[derive(Clone)]
pub struct EgressConfig {
    /// The configured URL; the only origin that is reachable, and the path that capabilities are relative to.
    pub base: Url,
    /// The requests that are granted.
    pub capabilities: Vec<Capability>,
    /// Who asks.
    pub credentials: Credentials,
    /// Told of each token that the source gives out, so that it can be kept out of what people read.
    pub secrets: Arc<dyn Fn(&str) + Send + Sync>,
    /// Who keeps records of what leaves, where somebody does.
    pub audit: Option<Arc<dyn Audit>>,
    /// Certificates (PEM, one or several) trusted in addition to those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// The most requests in flight at once; at least 1. Fewer when the server shows that it has enough to do.
    pub in_flight: usize,
    /// Requests a second; above 0.
    pub requests_per_second: f64,
    /// Hours with another pace.
    pub quiet_hours: Vec<QuietHours>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the server may send no byte.
    pub response_timeout: Duration,
    /// How often a request is sent before its failure counts; at least 1.
    pub attempts: u32,
}

/// What went through so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Bytes of response bodies, after decompression.
    pub bytes_received: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
    bytes_received: AtomicU64,
}

/// The gate to one source; shared by all instances of its plugin, so that budgets hold for the whole host.
pub struct Egress {
    config: EgressConfig,
    client: reqwest::Client,
    policy: Policy,
    budget: Budget,
    backoff: Backoff,
    counters: Arc<Counters>,
    session: Standing,
}

impl Egress {
    /// Builds the gate; connects to nothing.
    ///
    /// # Errors
    /// When a setting cannot be: a URL that is not `http` or `https`, a forbidden address, a damaged certificate file,
    /// a budget of nothing.
    pub fn new(config: EgressConfig) -> Result<Self, Error> {
        client::check(&config)?;
        let client = client::build(&config, true)?;
        let patience = config.response_timeout.saturating_mul(PATIENCE);
        let quiet_hours = config.quiet_hours.clone();
        Ok(Self {
            client,
            policy: Policy::new(config.base.clone(), config.capabilities.clone()),
            budget: Budget::new(config.in_flight, config.requests_per_second, quiet_hours, patience),
            backoff: Backoff::new(config.attempts),
            counters: Arc::default(),
            session: Standing::default(),
            config,
        })
    }

    /// What went through so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            requests: read(&self.counters.requests),
            retries: read(&self.counters.retries),
            bytes_received: read(&self.counters.bytes_received),
        }
    }
}

#[cfg(test)]
mod tests;
