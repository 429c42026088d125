//! Series, what is to be read of them, what is proven, and what is missing.

use std::sync::Arc;

use crate::{Fault, Instant, Interval};

/// One source of events: a point, a tag.
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
    /// Rows before this instant may be stored although they lie beyond the cursor: it was put back. `None` when none do.
    pub stored_until: Option<Instant>,
}

impl Watermark {
    /// No row at this instant or later is stored: the cursor, or where it stood before it was put back.
    #[must_use]
    pub fn stored_end(&self) -> Instant {
        self.stored_until.map_or(self.covered.end, |until| until.max(self.covered.end))
    }

    /// Takes a proven stretch. One that does not join what is covered is not bridged: that would lose what lies between.
    /// But its rows are stored, and whoever reads them again must know.
    pub fn advance(&mut self, proven: Interval) {
        let known = self.stored_end();
        if proven.start <= self.covered.end && proven.end >= self.covered.start {
            self.covered = self.covered.hull(proven);
        }
        self.remember(known.max(proven.end));
    }

    /// The same with the cursor put back to `to`: what lies beyond it is read again, and compared with what is stored.
    /// `None` when the cursor does not lie beyond `to`: it is never moved on, over what was not read.
    #[must_use]
    pub fn back_to(&self, to: Instant) -> Option<Self> {
        let to = to.floor_micros();
        if to >= self.covered.end {
            return None;
        }
        let mut back = Self { covered: Interval::new(self.covered.start.min(to), to), ..self.clone() };
        back.remember(self.stored_end());
        Some(back)
    }

    /// Keeps in mind that rows before `until` may be stored, as long as the cursor has not passed it.
    pub fn remember(&mut self, until: Instant) {
        self.stored_until = Some(until).filter(|until| *until > self.covered.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: i64, end: i64) -> Interval {
        Interval::new(Instant::from_micros(start), Instant::from_micros(end))
    }

    fn mark(start: i64, end: i64) -> Watermark {
        let (covered, last_run) = (interval(start, end), Instant(0));
        Watermark { series: "s".into(), name: "S".into(), covered, rows: 7, last_run, stored_until: None }
    }

    /// First, last and what is stored beyond, in microseconds.
    fn shown(mark: &Watermark) -> (i64, i64, Option<i64>) {
        (mark.covered.start.micros(), mark.covered.end.micros(), mark.stored_until.map(Instant::micros))
    }

    #[test]
    fn a_cursor_goes_back_and_never_on_and_remembers_where_it_stood() {
        let stood = mark(100, 900);
        let back = stood.back_to(Instant(500_999)).unwrap();
        assert_eq!((shown(&back), back.rows), ((100, 500, Some(900)), 7));
        assert_eq!(shown(&back.back_to(Instant::from_micros(300)).unwrap()), (100, 300, Some(900)));
        assert_eq!(
            shown(&stood.back_to(Instant::from_micros(40)).unwrap()),
            (40, 40, Some(900)),
            "below all it covered"
        );
        for not_back in [900, 901] {
            assert_eq!(stood.back_to(Instant::from_micros(not_back)), None);
        }
        assert_eq!(back.back_to(Instant::from_micros(700)), None, "not on, even where rows are stored");
    }

    #[test]
    fn what_is_stored_is_remembered_until_the_cursor_has_passed_it() {
        let mut mark = mark(100, 900).back_to(Instant::from_micros(40)).unwrap();
        mark.advance(interval(40, 899));
        assert_eq!(shown(&mark), (40, 899, Some(900)));
        mark.advance(interval(899, 900));
        assert_eq!(shown(&mark), (40, 900, None));
    }

    #[test]
    fn a_stretch_that_does_not_join_bridges_no_hole_but_its_rows_are_known() {
        let mut mark = mark(100, 900).back_to(Instant::from_micros(500)).unwrap();
        mark.advance(interval(900, 950));
        assert_eq!(shown(&mark), (100, 500, Some(950)));
        mark.advance(interval(10, 20));
        assert_eq!(shown(&mark), (100, 500, Some(950)));
    }
}
