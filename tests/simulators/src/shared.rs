//! What every simulator is made of, whichever historian it plays: the socket and its faults, the clock, time, names,
//! figures, and a series of events that is computed rather than stored.
//!
//! Only what a protocol does not define is here; what a server answers is its own business.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod clock;
pub(crate) mod control;
pub(crate) mod fault;
pub(crate) mod hash;
pub(crate) mod limiter;
pub(crate) mod query;
pub(crate) mod series;
pub(crate) mod server;
pub(crate) mod stats;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod tls;
pub(crate) mod wildcard;
