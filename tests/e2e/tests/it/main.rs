//! The `tidegate` program as its users run it, against simulators whose truth is known.
//!
//! Each test starts a simulator in process and the program as a child, then compares the tables with the truth row by
//! row: missing, doubled and altered rows are counted, and all must be 0. Components and programs are built by
//! `cargo xtask test`.

mod assets;
mod backfill;
mod backoff;
mod bad_input;
mod bucket;
mod bundles;
mod canary;
mod crash;
mod faults;
mod frames;
mod frames_gone;
mod guests;
mod incremental;
mod init;
mod isolation;
mod kindness;
mod load;
mod mirror;
mod plant;
mod plugin_new;
mod reconcile;
mod secrets;
mod sessions;
mod state;
mod store;
mod table;
mod truth;
mod updates;
mod url;
