//! A Canary Views service, the read web API of the Canary historian: [`Config`] says what it holds and how it behaves,
//! [`Server`] runs it, [`Truth`] knows and changes its data, [`Fault`] makes it misbehave, [`Stats`] tells what it was
//! asked and what became of its tokens.
//!
//! ```no_run
//! use tidegate_simulators::canary::{Config, Fault, Server};
//!
//! # fn main() -> anyhow::Result<()> {
//! let server = Server::launch(Config { tags: 10, ..Config::default() })?;
//! server.set_faults(vec![Fault::parse("expire-tokens,route=getTagData2,nth=2,count=1")?]);
//! let truth = server.truth();
//! let samples = truth.events(0, 0, i64::MAX);
//! println!("{} holds {} samples of {}", server.url(), samples.len(), truth.points()[0].path);
//! # Ok(()) }
//! ```
//!
//! What the protocol reference leaves open is a field of [`Knobs`]; what had to be decided without a switch is marked
//! "assumed" where it is decided. The server runs on threads of its own and ends when it is dropped.

mod aggregate;
mod answer;
mod app;
mod catalogue;
mod config;
mod continuation;
mod control;
mod fault;
mod frames;
mod generate;
mod json;
mod leases;
mod names;
mod params;
mod routes;
mod rows;
mod sample;
mod server;
mod stats;
mod tag;
mod truth;
mod when;
mod zone;

pub use crate::shared::time::{format_ticks, parse_rfc3339};
pub use config::{ApiTokenRefusal, Auth, Config, Knobs, Override, Sprinkle};
pub use fault::{Effect, Fault, Scope};
pub use frames::EventFrame;
pub use leases::Tokens;
pub use sample::{GOOD, NO_DATA, Sample, Value};
pub use server::Server;
pub use stats::Stats;
pub use tag::{Kind, Point};
pub use truth::{Annotation, Truth};
