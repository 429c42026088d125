//! The PI simulator over real sockets: what it answers, what it rejects, and how it fails when told to.

mod attributes;
mod batches;
mod client;
mod edits;
mod elements;
mod faults;
mod frames;
mod parents;
mod plant_faults;
mod program;
mod reading;
mod strictness;
mod tls;
mod updates;
