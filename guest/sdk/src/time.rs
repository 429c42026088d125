//! Instants as text: ISO 8601 in, as historians write it, and out.
//!
//! A reader of millions of rows a second spends much of its time here, so the parser looks at bytes, allocates
//! nothing, and knows no locale. It never guesses: a time without `Z` or an offset is the server's local time, which
//! nobody here knows, and is refused.

mod calendar;
mod format;
mod parse;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::Instant;

pub use format::{format_instant, write_instant};
pub use parse::{TimeError, parse_instant};

/// Now, by the clock of the machine that the host runs on. The host decides what to read, by that same clock: a plugin
/// needs it to compare the historian's clock with.
#[must_use]
pub fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::try_from(since.as_nanos()).unwrap_or(Instant::MAX)
}
