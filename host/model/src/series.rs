//! Series, what is to be read of them, what is proven, and what is missing.

use std::sync::Arc;

use crate::{Fault, Instant, Interval};

/// One source of events: a PI point, a Canary tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The historian's own identity of it, as stored in the table's series column.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its events may lie ahead of now.
    pub ahead: bool,
    /// What the plugin wants back with each span; opaque to the host.
    pub detail: String,
}

/// What is to be read of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Of what.
    pub series: Arc<Series>,
    /// From when to when.
    pub interval: Interval,
}

/// Proof that every event of a series in an interval has been handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// `Series::id`.
    pub series: String,
    /// The proven interval.
    pub interval: Interval,
}

/// An interval of a series that could not be proven, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// `Series::id`, or the name as configured where nothing was found under it.
    pub series: String,
    /// The interval not proven; `None` where it is not even known which it would be.
    pub interval: Option<Interval>,
    /// The cause.
    pub fault: Fault,
}

/// How far a series is covered: one contiguous range, kept in the checkpoint table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// `Series::id`.
    pub series: String,
    /// `Series::name` when last seen.
    pub name: String,
    /// The proven range; its end is the cursor.
    pub covered: Interval,
    /// Rows written so far.
    pub rows: i64,
    /// When a run last moved it.
    pub last_run: Instant,
}
