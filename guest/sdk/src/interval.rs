//! Half-open intervals of event time, kept on whole microseconds.
//!
//! Tables store microseconds while historians tick finer: an interval end inside a microsecond would let two reads
//! split events that share one stored timestamp, and number them wrongly.

use crate::{Cover, Instant, Interval};

const NANOS_PER_MICRO: i64 = 1_000;

/// The start of the microsecond that `instant` falls in.
#[must_use]
pub fn floor_micros(instant: Instant) -> Instant {
    instant.div_euclid(NANOS_PER_MICRO).saturating_mul(NANOS_PER_MICRO)
}

/// Microseconds since the Unix epoch, rounded down: what a table stores.
#[must_use]
pub fn micros(instant: Instant) -> i64 {
    instant.div_euclid(NANOS_PER_MICRO)
}

impl Interval {
    /// `start <= t < end`.
    #[must_use]
    pub fn new(start: Instant, end: Instant) -> Self {
        Self { start, end }
    }

    /// Whether no instant lies inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Whether `instant` lies inside.
    #[must_use]
    pub fn contains(&self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Nanoseconds from start to end; 0 when empty.
    #[must_use]
    pub fn nanos(&self) -> i64 {
        self.end.saturating_sub(self.start).max(0)
    }
}

impl Cover {
    /// Proof that every event of `series` in `interval` was handed over.
    #[must_use]
    pub fn new(series: impl Into<String>, interval: Interval) -> Self {
        Self { series: series.into(), interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_goes_down_before_the_epoch_too() {
        assert_eq!((floor_micros(1_999), floor_micros(-1)), (1_000, -1_000));
        assert_eq!((micros(1_999), micros(-1)), (1, -1));
    }

    #[test]
    fn the_end_lies_outside() {
        let interval = Interval::new(0, 10);
        assert!(interval.contains(0) && !interval.contains(10));
        assert!(Interval::new(5, 5).is_empty());
        assert_eq!(Interval::new(9, 5).nanos(), 0);
    }
}
