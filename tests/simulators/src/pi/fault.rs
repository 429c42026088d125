//! Faults on demand: what goes wrong, where, and how often.
//!
//! A fault matches calls by route label, tag and scope, counts its matches, and fires on those that `nth`, `count` and
//! `probability` select. Probability is drawn from the seed and the number of the match, so a run can be repeated.

mod book;
mod spec;

use serde::{Deserialize, Serialize};

pub(crate) use book::{Book, Junk, Plan, Shape, Transport};

/// One misbehaviour and when it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// Wildcard over the route label (`batch`, `streams/recorded`, `points/search`…); `None`: any route.
    #[serde(default)]
    pub route: Option<String>,
    /// Wildcard over the name of the tag, element, attribute, event frame or database that the path names, or one of its
    /// WebIds; `None`: any call.
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

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// This status in place of the answer, with the body such a status has on a real server (HTML for 503).
    Status {
        /// 400 to 599.
        code: u16,
    },
    /// Status 200, the first `after` items, then a top-level `WebException`.
    WebException {
        /// `StatusCode` inside the exception.
        status: u16,
        /// Items written before it.
        after: usize,
    },
    /// Status 200, and the item at this index (or the last) carries `Errors`.
    ItemErrors {
        /// Index of the item.
        index: usize,
    },
    /// A chunked body ends in the middle without its terminator.
    Cut {
        /// Share of the body that is sent.
        keep: f64,
    },
    /// A body with `Content-Length` ends in the middle.
    CutLength {
        /// Share of the body that is sent.
        keep: f64,
    },
    /// The connection is reset before any byte of an answer.
    Reset,
    /// The answer comes late.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Half of the body is sent, then nothing for a while, then the rest.
    Stall {
        /// Milliseconds.
        ms: u64,
    },
    /// Status 200 and a body that is not JSON.
    Garbage,
    /// Status 200 and an HTML page.
    Html,
    /// Status 200 and no body.
    Empty,
    /// Status 200 and an object without `Items`.
    NoItems,
    /// The server's own limit is lower: a larger `maxCount` is answered 400.
    Cap {
        /// The limit.
        max: usize,
    },
    /// Archive offline: status 200 and an empty list.
    Offline,
    /// The item in the middle comes twice.
    Duplicate,
    /// Two neighbouring items change places.
    Unordered,
}

impl Fault {
    /// A fault that fires on every call.
    pub fn new(effect: Effect) -> Fault {
        Fault { effect, route: None, tag: None, body: None, scope: Scope::Any, nth: 1, count: None, probability: None }
    }

    /// Only calls whose route label matches this wildcard.
    pub fn route(mut self, pattern: &str) -> Fault {
        self.route = Some(pattern.to_owned());
        self
    }

    /// Only calls about a tag or an AF object whose name matches this wildcard, or whose WebId this is.
    pub fn tag(mut self, pattern: &str) -> Fault {
        self.tag = Some(pattern.to_owned());
        self
    }

    /// Only calls whose request body holds this text.
    pub fn body(mut self, text: &str) -> Fault {
        self.body = Some(text.to_owned());
        self
    }

    /// Only whole requests, or only sub-requests.
    pub fn scope(mut self, scope: Scope) -> Fault {
        self.scope = scope;
        self
    }

    /// From the n-th match on, 1 first.
    pub fn nth(mut self, nth: u64) -> Fault {
        self.nth = nth.max(1);
        self
    }

    /// At most this often.
    pub fn times(mut self, count: u64) -> Fault {
        self.count = Some(count);
        self
    }

    /// On this share of the selected matches, drawn from the server's seed.
    pub fn probability(mut self, share: f64) -> Fault {
        self.probability = Some(share);
        self
    }
}
