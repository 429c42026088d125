//! The Canary simulator: one file per part of the protocol.

mod auth;
mod browse;
mod client;
mod edits;
mod events;
mod faults;
mod live;
mod paging;
mod parameters;
mod program;
mod reading;
mod strictness;
