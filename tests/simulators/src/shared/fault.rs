//! Faults on demand: what goes wrong, where, and how often.
//!
//! A fault matches calls by route label, subject and scope, counts its matches, and fires on those that `nth`, `count`
//! and `probability` select. Probability is drawn from the seed and the number of the match, so a run can be repeated.
//! What can go wrong with any HTTP server is [`Wire`]; each simulator adds the misbehaviour of its own protocol.

mod book;
mod spec;
mod wire;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) use book::{Book, Incident};
pub(crate) use spec::Numbers;

pub(crate) use wire::{Junk, Transport, Wire, disturb, effects};

/// What can go wrong with one kind of server.
pub trait Effects: Clone + Serialize + DeserializeOwned + From<Wire> {
    /// What its own effects do to an answer.
    type Shape: Default;

    /// Reads one of its own effects; `None`: it has none of that name.
    ///
    /// # Errors
    /// An argument is missing or is not a number.
    fn parse(name: &str, numbers: &mut Numbers<'_>) -> anyhow::Result<Option<Self>>;

    /// What it does to the HTTP server below; `None`: it is one of the protocol's own.
    fn wire(&self) -> Option<Wire>;

    /// Adds one of its own effects to what is planned for a call; `tag` is the pattern of the fault.
    fn shape(&self, tag: Option<&str>, shape: &mut Self::Shape);
}

/// One misbehaviour and when it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "E: Effects")]
pub struct Fault<E> {
    /// What happens.
    pub effect: E,
    /// Wildcard over the route label (`batch`, `streams/recorded`, `getTagData2`…); `None`: any route.
    #[serde(default)]
    pub route: Option<String>,
    /// Wildcard over the name of the tag or of any other object that the call is about, or its id; `None`: any call.
    #[serde(default)]
    pub tag: Option<String>,
    /// Text in the body of the request, such as a WebId in a batch; `None`: any body.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether whole requests, sub-requests of a batch, or both are meant.
    #[serde(default)]
    pub scope: Scope,
    /// Fires from the n-th match on, 1 first.
    #[serde(default = "one")]
    pub nth: u64,
    /// Fires at most this often; `None`: always.
    #[serde(default)]
    pub count: Option<u64>,
    /// Fires on this share of the selected matches; `None`: on all.
    #[serde(default)]
    pub probability: Option<f64>,
}

fn one() -> u64 {
    1
}

/// Which calls a fault looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Both.
    #[default]
    Any,
    /// A request as it came over the wire.
    Request,
    /// One sub-request inside a batch.
    Sub,
}

impl<E> Fault<E> {
    /// A fault that fires on every call.
    pub fn new(effect: E) -> Fault<E> {
        Fault { effect, route: None, tag: None, body: None, scope: Scope::Any, nth: 1, count: None, probability: None }
    }

    /// Only calls whose route label matches this wildcard.
    pub fn route(mut self, pattern: &str) -> Fault<E> {
        self.route = Some(pattern.to_owned());
        self
    }

    /// Only calls about a tag or another object whose name matches this wildcard, or whose id this is.
    pub fn tag(mut self, pattern: &str) -> Fault<E> {
        self.tag = Some(pattern.to_owned());
        self
    }

    /// Only calls whose request body holds this text.
    pub fn body(mut self, text: &str) -> Fault<E> {
        self.body = Some(text.to_owned());
        self
    }

    /// Only whole requests, or only sub-requests.
    pub fn scope(mut self, scope: Scope) -> Fault<E> {
        self.scope = scope;
        self
    }

    /// From the n-th match on, 1 first.
    pub fn nth(mut self, nth: u64) -> Fault<E> {
        self.nth = nth.max(1);
        self
    }

    /// At most this often.
    pub fn times(mut self, count: u64) -> Fault<E> {
        self.count = Some(count);
        self
    }

    /// On this share of the selected matches, drawn from the server's seed.
    pub fn probability(mut self, share: f64) -> Fault<E> {
        self.probability = Some(share);
        self
    }
}
