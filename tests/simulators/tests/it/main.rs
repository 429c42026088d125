//! The PI simulator over real sockets: what it answers, what it rejects, and how it fails when told to.

mod batches;
mod client;
mod faults;
mod program;
mod reading;
mod strictness;
mod tls;
