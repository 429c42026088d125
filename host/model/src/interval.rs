//! Instants and half-open intervals of event time.

use std::fmt;

const NANOS_PER_MICRO: i64 = 1_000;

/// Nanoseconds since the Unix epoch, UTC: the instant of the WIT contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// From microseconds since the Unix epoch, the precision of a table; saturates at the ends of the range.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(NANOS_PER_MICRO))
    }

    /// Microseconds since the Unix epoch, rounded down.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0.div_euclid(NANOS_PER_MICRO)
    }

    /// The start of the microsecond it falls in. Interval ends are kept on this grid, so that events which share one
    /// stored timestamp are never read apart.
    #[must_use]
    pub fn floor_micros(self) -> Self {
        Self::from_micros(self.micros())
    }

    /// This instant moved by `nanos`, saturating.
    #[must_use]
    pub fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

/// `start <= t < end`. Empty when `start >= end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// First instant inside.
    pub start: Instant,
    /// First instant after.
    pub end: Instant,
}

impl Interval {
    /// An interval from its two ends.
    #[must_use]
    pub fn new(start: Instant, end: Instant) -> Self {
        Self { start, end }
    }

    /// Whether no instant lies inside.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Its pieces when it is cut at the whole multiples of `width` nanoseconds since the Unix epoch, in the order of time.
    /// With a width of 0 it is one piece.
    pub fn buckets(self, width: u64) -> impl Iterator<Item = Interval> {
        let width = i64::try_from(width).ok().filter(|width| *width > 0);
        let mut from = self.start;
        std::iter::from_fn(move || {
            let start = from;
            let next = width.and_then(|width| start.0.div_euclid(width).checked_add(1)?.checked_mul(width));
            from = next.map_or(self.end, Instant).min(self.end);
            (start < self.end).then_some(Interval::new(start, from))
        })
    }

    /// Whether `instant` lies inside.
    #[must_use]
    pub fn contains(self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Whether all of `other` lies inside.
    #[must_use]
    pub fn encloses(self, other: Interval) -> bool {
        other.is_empty() || (self.start <= other.start && other.end <= self.end)
    }

    /// The smallest interval that encloses both.
    #[must_use]
    pub fn hull(self, other: Interval) -> Interval {
        Interval::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// What both hold; may be empty.
    #[must_use]
    pub fn intersection(self, other: Interval) -> Interval {
        Interval::new(self.start.max(other.start), self.end.min(other.end))
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start.0, self.end.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(start: i64, end: i64, width: u64) -> Vec<(i64, i64)> {
        let interval = Interval::new(Instant(start), Instant(end));
        interval.buckets(width).map(|bucket| (bucket.start.0, bucket.end.0)).collect()
    }

    #[test]
    fn buckets_begin_at_multiples_of_their_width_and_leave_nothing_out() {
        assert_eq!(cut(5, 25, 10), [(5, 10), (10, 20), (20, 25)]);
        assert_eq!(cut(10, 20, 10), [(10, 20)]);
        assert_eq!(cut(-15, 1, 10), [(-15, -10), (-10, 0), (0, 1)]);
        assert_eq!(cut(3, 4, 10), [(3, 4)]);
        assert!(cut(4, 4, 10).is_empty() && cut(5, 4, 10).is_empty());
        assert_eq!(cut(1, 9, 0), [(1, 9)]);
        assert_eq!(cut(i64::MAX - 3, i64::MAX, 1 << 62), [(i64::MAX - 3, i64::MAX)]);
    }
}
