//! Pure words and decisions of the host: what an interval, a cover, a cursor, a gap and a fault are, and which
//! stretch of time a run must read. No I/O, no clock, no async: everything here is decided from its arguments, so the
//! rules that keep data from being lost can be tested exhaustively.

mod backoff;
mod fault;
mod hint;
mod interval;
mod intervals;
mod series;
mod window;

pub use backoff::next_attempt;
pub use fault::{Domain, Fault, Retry};
pub use hint::Hint;
pub use interval::{Instant, Interval};
pub use intervals::Intervals;
pub use series::{Cover, Gap, Series, Span, Watermark};
pub use window::{Window, WindowPolicy};
