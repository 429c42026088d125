//! The simulators over real sockets: what they answer, what they reject, and how they fail when told to.

mod attributes;
mod batches;
mod canary;
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
