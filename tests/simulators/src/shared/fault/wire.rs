//! What can go wrong with any HTTP server, and the enum that holds it beside a protocol's own misbehaviour.

use std::time::Duration;

use anyhow::{Result, bail};

use super::spec::Numbers;

/// A body that is not the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Junk {
    /// Half JSON, half not.
    Garbage,
    /// A page.
    Html,
    /// Nothing.
    Empty,
}

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transport {
    /// Reset before the answer.
    Reset,
    /// Cut after this share; with `Content-Length` or chunked.
    Cut {
        /// Share of the body that is sent.
        keep: f64,
        /// Announce the whole length.
        length: bool,
    },
    /// Silence in the middle.
    Stall(Duration),
}

/// What can go wrong with any HTTP server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wire {
    /// This status in place of the answer.
    Status(u16),
    /// The body ends early.
    Cut {
        /// Share of the body that is sent.
        keep: f64,
        /// Its whole length is announced.
        length: bool,
    },
    /// The connection is reset before any byte of an answer.
    Reset,
    /// The answer comes this many milliseconds late.
    Delay(u64),
    /// Silence of this many milliseconds in the middle of the body.
    Stall(u64),
    /// A body that is not JSON.
    Garbage,
    /// A page.
    Html,
    /// No body.
    Empty,
}

impl Wire {
    /// Reads the one-line form; `None`: no effect of that name.
    ///
    /// # Errors
    /// An argument is missing, is not a number, or is no status of a failure.
    pub(crate) fn parse(name: &str, numbers: &mut Numbers<'_>) -> Result<Option<Wire>> {
        Ok(Some(match name {
            "status" => match numbers.next(None)? as u16 {
                code @ 400..=599 => Wire::Status(code),
                code => bail!("{code}: expected a status from 400 to 599"),
            },
            "cut" => Wire::Cut { keep: numbers.next(Some(0.5))?, length: false },
            "cut-length" => Wire::Cut { keep: numbers.next(Some(0.5))?, length: true },
            "reset" => Wire::Reset,
            "delay" => Wire::Delay(numbers.next(None)? as u64),
            "stall" => Wire::Stall(numbers.next(None)? as u64),
            "garbage" => Wire::Garbage,
            "html" => Wire::Html,
            "empty" => Wire::Empty,
            _ => return Ok(None),
        }))
    }
}

/// Changes a list: the item in the middle comes twice, two neighbours change places.
pub(crate) fn disturb<T: Clone>(items: &mut Vec<T>, duplicate: bool, unordered: bool) {
    let middle = items.len() / 2;
    if duplicate && let Some(item) = items.get(middle).cloned() {
        items.insert(middle, item);
    }
    if unordered && items.len() >= 2 {
        items.swap(middle - 1, middle);
    }
}

/// Declares the enum of a server's effects: those of [`Wire`], which every server has, and its own.
macro_rules! effects {
    ($(#[$about:meta])* pub enum Effect { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub enum Effect {
            /// This status in place of the answer, with the body such a status has on a real server (HTML for 503).
            Status {
                /// 400 to 599.
                code: u16,
            },
            /// A chunked body ends in the middle without its terminator.
            Cut {
                /// Share of the body that is sent.
                keep: f64,
            },
            /// A body with `Content-Length` ends in the middle.
            CutLength {
                /// Share of the body that is sent.
                keep: f64,
            },
            /// The connection is reset before any byte of an answer.
            Reset,
            /// The answer comes late.
            Delay {
                /// Milliseconds.
                ms: u64,
            },
            /// Half of the body is sent, then nothing for a while, then the rest.
            Stall {
                /// Milliseconds.
                ms: u64,
            },
            /// Status 200 and a body that is not JSON.
            Garbage,
            /// Status 200 and an HTML page.
            Html,
            /// Status 200 and no body.
            Empty,
            $($own)*
        }

        impl From<$crate::shared::fault::Wire> for Effect {
            fn from(wire: $crate::shared::fault::Wire) -> Effect {
                use $crate::shared::fault::Wire;
                match wire {
                    Wire::Status(code) => Effect::Status { code },
                    Wire::Cut { keep, length: false } => Effect::Cut { keep },
                    Wire::Cut { keep, length: true } => Effect::CutLength { keep },
                    Wire::Reset => Effect::Reset,
                    Wire::Delay(ms) => Effect::Delay { ms },
                    Wire::Stall(ms) => Effect::Stall { ms },
                    Wire::Garbage => Effect::Garbage,
                    Wire::Html => Effect::Html,
                    Wire::Empty => Effect::Empty,
                }
            }
        }

        impl Effect {
            /// What it does to the HTTP server below; `None`: it is one of the protocol's own.
            fn on_wire(&self) -> Option<$crate::shared::fault::Wire> {
                use $crate::shared::fault::Wire;
                Some(match *self {
                    Effect::Status { code } => Wire::Status(code),
                    Effect::Cut { keep } => Wire::Cut { keep, length: false },
                    Effect::CutLength { keep } => Wire::Cut { keep, length: true },
                    Effect::Reset => Wire::Reset,
                    Effect::Delay { ms } => Wire::Delay(ms),
                    Effect::Stall { ms } => Wire::Stall(ms),
                    Effect::Garbage => Wire::Garbage,
                    Effect::Html => Wire::Html,
                    Effect::Empty => Wire::Empty,
                    _ => return None,
                })
            }
        }
    };
}

pub(crate) use effects;
