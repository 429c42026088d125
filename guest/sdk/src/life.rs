//! From when to when a record lives, and which slice of time it belongs to.

use crate::{Instant, Interval, slices::Slice};

/// The time of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When it began.
    pub start: Instant,
    /// When it ended; `None` while it is open.
    pub end: Option<Instant>,
}

impl Life {
    /// Whether it lives at any time in `interval`. One that ends at its very start does: it is known to have ended there.
    #[must_use]
    pub fn touches(&self, interval: Interval) -> bool {
        self.start < interval.end && self.end.is_none_or(|end| end.max(self.start) >= interval.start)
    }

    /// Whether a slice must bring it: each record that touches the whole interval belongs to exactly one slice of it.
    #[must_use]
    pub fn belongs_to(&self, slice: &Slice) -> bool {
        if slice.opening { self.touches(slice.interval) } else { slice.interval.contains(self.start) }
    }

    /// Minutes from start to end.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a double holds 285 years in nanoseconds to the microsecond")]
    pub fn minutes(&self) -> Option<f64> {
        let nanos = i128::from(self.end?) - i128::from(self.start);
        Some(nanos as f64 / 60e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_touches_what_it_was_alive_in() {
        let interval = Interval::new(100, 200);
        let cases = [
            (50, Some(99), false),
            (50, Some(100), true),
            (50, None, true),
            (100, Some(100), true),
            (199, None, true),
            (200, None, false),
            (150, Some(120), true),
            (250, Some(100), false),
        ];
        for (start, end, expected) in cases {
            assert_eq!(Life { start, end }.touches(interval), expected, "{start} {end:?}");
        }
    }
}
