//! What the server was asked and what it sent, and what became of tokens.

use std::collections::BTreeMap;

use serde::Serialize;

use super::leases::Tokens;
use crate::shared::stats::Stats as Wire;

/// Figures since the server started or the last [`super::Server::reset_stats`]; those of tokens since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests, answers, bytes and samples (`events`); labels are method names, with `v1/` before those of version 1.
    #[serde(flatten)]
    pub wire: Wire,
    /// User tokens.
    pub user_tokens: Tokens,
    /// Live data tokens.
    pub live_tokens: Tokens,
    /// How often a token came in the `header`, the `body` or the `query`.
    pub token_places: BTreeMap<String, u64>,
}

impl Stats {
    /// Requests of this method.
    pub fn requests(&self, label: &str) -> u64 {
        self.wire.requests.get(label).copied().unwrap_or(0)
    }

    /// All requests over the wire.
    pub fn total_requests(&self) -> u64 {
        self.wire.total_requests()
    }

    /// How often a token came in this place: `header`, `body` or `query`.
    pub fn tokens_in(&self, place: &str) -> u64 {
        self.token_places.get(place).copied().unwrap_or(0)
    }
}
