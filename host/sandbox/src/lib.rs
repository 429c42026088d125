//! Runs extractor plugins: WebAssembly components of the world in `wit/`, each call in an instance of its own, with
//! nothing in reach but the [`Outlet`] that takes its rows and the [`Egress`] that carries its requests.
//!
//! The only crate that names the WebAssembly engine. It decides nothing about time, retries of partitions or storage;
//! it never hands a credential to a guest, and nothing that a guest does ends the host.

mod bindings;
mod connection;
mod convert;
mod describe;
mod egress;
mod engine;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod ipc;
mod limits;
mod outlet;
mod plugin;
mod state;
mod stop;

pub use connection::Connection;
pub use describe::{Capability, Description, Session, Shape, TableSpec};
pub use egress::{Audit, Authorization, Credentials, Egress, EgressConfig, Figures, Login, QuietHours, Record};
pub use engine::Engine;
pub use error::Error;
pub use limits::Limits;
pub use outlet::{Bookmarked, Catalogue, Change, Counting, Counts, Finding, Item, Outcome, Outlet, Partition, Tally};
pub use plugin::{Interfaces, Plugin};
