//! A PI Web API server: [`Config`] says what it holds and how it behaves, [`Server`] runs it, [`Truth`] knows and
//! changes its data, [`Fault`] makes it misbehave, [`Stats`] tells what it was asked.
//!
//! ```no_run
//! use tidegate_simulators::pi::{Config, Fault, Server};
//!
//! # fn main() -> anyhow::Result<()> {
//! let server = Server::launch(Config { tags: 10, ..Config::default() })?;
//! server.set_faults(vec![Fault::parse("status:503,route=batch,count=1")?]);
//! let truth = server.truth();
//! let events = truth.events(0, 0, i64::MAX);
//! println!("{} holds {} events of {}", server.url(), events.len(), truth.points()[0].name);
//! # Ok(()) }
//! ```
//!
//! [`Truth::assets`] and [`Truth::frames`] do the same for the plant that [`Assets`] and [`Frames`] describe.
//!
//! The server runs on threads of its own, so a test may block while a child process talks to it. Ports are chosen by
//! the system unless asked otherwise, and everything ends when the [`Server`] is dropped.

mod answer;
mod app;
mod archive;
mod assets;
mod auth;
mod batch;
mod config;
mod control;
mod event;
mod fault;
mod fields;
mod frames;
mod generate;
mod json;
mod lookup;
mod names;
mod query;
mod recorded;
mod render;
mod routes;
mod server;
mod tag;
mod time;
mod truth;
mod updates;
mod webid;

use crate::shared::{clock, hash, stats, wildcard};

pub use assets::{AssetTruth, Assets, Attribute, Database, Element, Makes, Template};
pub use config::{Auth, Config, Dialect, Hidden, Knobs, Override, Sprinkle};
pub use event::{Event, Value};
#[cfg(test)]
pub(crate) use fault::Shape;
pub use fault::{Effect, Fault, Scope};
pub use frames::{Frame, FrameTruth, Frames, NewFrame};
pub use server::Server;
pub use stats::Stats;
pub use tag::{Kind, Point};
pub use time::{format_ticks, parse_rfc3339};
pub use truth::Truth;
pub use webid::Form;
