//! Event frames: what happened from when to when, to which elements, with which values.
//!
//! Like events of tags, generated frames are a function of the seed and a slot of time: they arrive, and end, as the
//! end of what has arrived moves on. An edited frame no longer looks at that clock.

mod config;
mod make;
mod record;
mod store;
mod truth;

pub use config::Frames;
pub(crate) use make::Plan;
pub(crate) use record::{Record, Severity};
pub(crate) use store::Store;
pub use truth::{Frame, FrameTruth, NewFrame};
