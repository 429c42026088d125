//! What the server was asked and what it sent, for tests of load, batching and retries.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;

/// Figures since the server started or the last [`super::Server::reset_stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests over the wire, by route label; `unknown` for what is no route.
    pub requests: BTreeMap<String, u64>,
    /// Sub-requests inside batches, by route label.
    pub sub_requests: BTreeMap<String, u64>,
    /// Answers over the wire by status; 0 where the connection was reset instead.
    pub statuses: BTreeMap<u16, u64>,
    /// Most requests in progress at once.
    pub max_concurrent: u64,
    /// Most requests that began within one second of the server's life.
    pub peak_per_second: u64,
    /// Most sub-requests that began within one second of the server's life.
    pub sub_peak_per_second: u64,
    /// Bytes of answer bodies, after compression.
    pub bytes: u64,
    /// Events rendered into answers.
    pub events: u64,
    /// Connections accepted.
    pub connections: u64,
}

impl Stats {
    /// All requests over the wire.
    pub fn total_requests(&self) -> u64 {
        self.requests.values().sum()
    }

    /// All sub-requests inside batches.
    pub fn total_sub_requests(&self) -> u64 {
        self.sub_requests.values().sum()
    }
}

/// Counts as the server works.
#[derive(Debug)]
pub(crate) struct Counter {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stats: Stats,
    concurrent: u64,
    second: (u64, u64),
    sub_second: (u64, u64),
}

fn tick(window: &mut (u64, u64), second: u64) -> u64 {
    if window.0 != second {
        *window = (second, 0);
    }
    window.1 += 1;
    window.1
}

impl Counter {
    /// All zero.
    pub(crate) fn new() -> Counter {
        Counter { started: Instant::now(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection was accepted.
    pub(crate) fn connection(&self) {
        self.state().stats.connections += 1;
    }

    /// A request begins; it ends when the guard is dropped.
    pub(crate) fn begin(&self) -> InProgress<'_> {
        let second = self.started.elapsed().as_secs();
        let mut state = self.state();
        state.concurrent += 1;
        state.stats.max_concurrent = state.stats.max_concurrent.max(state.concurrent);
        let now = tick(&mut state.second, second);
        state.stats.peak_per_second = state.stats.peak_per_second.max(now);
        InProgress(self)
    }

    /// A request or sub-request turned out to be for this route.
    pub(crate) fn routed(&self, sub: bool, label: &str) {
        let second = self.started.elapsed().as_secs();
        let mut state = self.state();
        if sub {
            let now = tick(&mut state.sub_second, second);
            state.stats.sub_peak_per_second = state.stats.sub_peak_per_second.max(now);
        }
        let routes = if sub { &mut state.stats.sub_requests } else { &mut state.stats.requests };
        *routes.entry(label.to_owned()).or_default() += 1;
    }

    /// An answer is on its way.
    pub(crate) fn answered(&self, status: u16, bytes: usize) {
        let mut state = self.state();
        *state.stats.statuses.entry(status).or_default() += 1;
        state.stats.bytes += bytes as u64;
    }

    /// Events were rendered.
    pub(crate) fn events(&self, count: usize) {
        self.state().stats.events += count as u64;
    }

    /// A copy.
    pub(crate) fn read(&self) -> Stats {
        self.state().stats.clone()
    }

    /// Back to zero.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.stats = Stats::default();
        state.stats.max_concurrent = state.concurrent;
    }
}

/// A request in progress.
pub(crate) struct InProgress<'a>(&'a Counter);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.state().concurrent -= 1;
    }
}
