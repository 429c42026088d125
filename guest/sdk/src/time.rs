//! Instants as text: ISO 8601 in, as historians write it, and out.
//!
//! A reader of millions of rows a second spends much of its time here, so the parser looks at bytes, allocates
//! nothing, and knows no locale. It never guesses: a time without `Z` or an offset is the server's local time, which
//! nobody here knows, and is refused.

mod calendar;
mod format;
mod parse;

pub use format::{format_instant, write_instant};
pub use parse::{TimeError, parse_instant};
