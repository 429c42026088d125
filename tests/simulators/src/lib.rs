//! Historian servers for tests: strict, deterministic, with the truth at hand and faults on demand.
//!
//! A simulator stands where the real historian stands, on a socket, and rejects what the real one rejects. What it
//! holds is a function of its seed, so a test can ask [`pi::Truth`] or [`canary::Truth`] what the tables must contain
//! and compare row by row. Nothing here may be lenient for the sake of a client: a client that only works against a kind server is broken.

pub mod canary;
pub mod pi;
mod shared;
