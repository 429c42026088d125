//! How the range of a backfill is cut: so that a slice holds about as many rows as a commit, by the density measured so
//! far. Files then hold all series of few days rather than few series of many, the newest or oldest part is complete first,
//! and an archive that is empty for years takes a handful of slices.
//!
//! A slice holds all series at once, however many: the rows of a slice are never held together. They flow through in pages,
//! and the writer commits whenever its buffer is full; a slice of the least width that is larger than a commit is several
//! commits. So there is no need to cut the series into groups as well.

use tidegate_model::{Instant, Interval, Intervals};

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// Nothing is known of the density yet.
const FIRST: i64 = DAY;
/// Below it the requests would be many and their answers small.
const LEAST: i64 = HOUR;
/// How much wider than the one before a slice may be: what is ahead may be denser.
const WIDER: i64 = 8;

/// The slices of a range, in order.
pub(super) struct Slices {
    left: Intervals,
    newest_first: bool,
    /// Rows that a slice should hold.
    target: f64,
    /// Nanoseconds.
    width: i64,
    /// Rows per second of event time.
    density: Option<f64>,
    /// Nanoseconds of the slice that was cut last in which anything is missing.
    last: i64,
}

impl Slices {
    /// Slices over `missing`, each with about `rows` rows.
    pub(super) fn new(missing: Intervals, newest_first: bool, rows: usize) -> Self {
        Self { left: missing, newest_first, target: rows as f64, width: FIRST, density: None, last: 0 }
    }

    /// The next slice; `None` at the end. May hold stretches in which nothing is missing.
    pub(super) fn next(&mut self) -> Option<Interval> {
        let hull = self.left.hull()?;
        let cut = if self.newest_first {
            Interval::new(self.edge(hull.end.plus_nanos(-self.width), hull), hull.end)
        } else {
            Interval::new(hull.start, self.edge(hull.start.plus_nanos(self.width), hull))
        };
        let parts: Intervals = self.left.inside(cut).collect();
        self.left.remove(cut);
        let nanos = |part: &Interval| part.end.0.saturating_sub(part.start.0);
        self.last = parts.as_slice().iter().map(nanos).fold(0, i64::saturating_add);
        parts.hull()
    }

    /// Where a slice ends that goes up to `edge`: where a day ends, if it is that long, because files are cut there too.
    fn edge(&self, edge: Instant, hull: Interval) -> Instant {
        let edge = edge.max(hull.start).min(hull.end).floor_micros();
        if self.width < DAY || edge == hull.start || edge == hull.end {
            return edge;
        }
        let midnight = Instant(edge.0.div_euclid(DAY).saturating_mul(DAY));
        let midnight = if self.newest_first && midnight < edge { midnight.plus_nanos(DAY) } else { midnight };
        let inside = hull.start < midnight && midnight < hull.end;
        if inside { midnight } else { edge }
    }

    /// Rows that the last slice holds if it is as dense as those before it; where nothing is known, as many as it should.
    pub(super) fn expected(&self) -> u64 {
        self.density.map_or(self.target, |density| density * (self.last as f64 / SECOND as f64)) as u64
    }

    /// Takes how many rows the last slice held, and decides the width of the next. What is denser counts at once, what is
    /// sparser by half.
    pub(super) fn measured(&mut self, rows: u64) {
        let now = rows as f64 / (self.last.max(1) as f64 / SECOND as f64);
        let density = self.density.map_or(now, |before| now.max((before + now) / 2.0));
        self.density = Some(density);
        // A float beyond the range of nanoseconds becomes the largest; without rows it is infinite.
        let fitting = (self.target / density * SECOND as f64) as i64;
        self.width = fitting.min(self.width.saturating_mul(WIDER)).max(LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: i64 = 365 * DAY;

    fn range(start: i64, end: i64) -> Intervals {
        std::iter::once(Interval::new(Instant(start), Instant(end))).collect()
    }

    /// All slices of a range whose density (rows per second) is given by time.
    fn cut(missing: Intervals, newest_first: bool, density: impl Fn(Instant) -> f64) -> Vec<Interval> {
        let mut slices = Slices::new(missing, newest_first, 4_000_000);
        let mut all = Vec::new();
        while let Some(slice) = slices.next() {
            assert!(all.len() < 100_000, "no end");
            all.push(slice);
            let middle = Instant(slice.start.0 + (slice.end.0 - slice.start.0) / 2);
            slices.measured((density(middle) * slices.last as f64 / SECOND as f64) as u64);
        }
        all
    }

    #[test]
    fn slices_follow_each_other_without_a_hole_in_both_directions() {
        for newest_first in [false, true] {
            let mut slices = cut(range(HOUR + 7_000, 40 * DAY + 5 * HOUR), newest_first, |_| 50.0);
            if newest_first {
                slices.reverse();
            }
            assert!(slices.windows(2).all(|two| two[0].end == two[1].start), "{slices:?}");
            assert_eq!(slices.first().unwrap().start, Instant(HOUR + 7_000));
            assert_eq!(slices.last().unwrap().end, Instant(40 * DAY + 5 * HOUR));
        }
    }

    #[test]
    fn ten_empty_years_take_a_handful_of_slices() {
        for newest_first in [false, true] {
            let slices = cut(range(0, 10 * YEAR), newest_first, |_| 0.0);
            assert!(slices.len() <= 6, "{}", slices.len());
        }
    }

    #[test]
    fn a_slice_holds_about_a_commit_and_never_less_than_an_hour() {
        // 10,000 series with an event a minute: 4 million rows in 6.7 hours.
        let slices = cut(range(0, 30 * DAY), false, |_| 10_000.0 / 60.0);
        let usual = &slices[1..slices.len() - 1];
        assert!(
            usual.iter().all(|slice| (20_000..28_000).contains(&((slice.end.0 - slice.start.0) / SECOND))),
            "{usual:?}"
        );
        // 30,000 series with an event a second: an hour holds 108 million.
        let slices = cut(range(0, 3 * DAY), true, |_| 30_000.0);
        assert!(slices[1..].iter().all(|slice| slice.end.0 - slice.start.0 == HOUR), "{slices:?}");
    }

    #[test]
    fn a_density_that_jumps_is_followed_within_two_slices() {
        let dense = |at: Instant| if at.0 > 5 * YEAR { 400.0 } else { 0.001 };
        let slices = cut(range(0, 5 * YEAR + 60 * DAY), false, dense);
        let first_dense = slices.iter().position(|slice| slice.start.0 >= 5 * YEAR).unwrap_or(slices.len());
        let wide = slices.iter().skip(first_dense).filter(|slice| slice.end.0 - slice.start.0 > 30_000 * SECOND);
        assert!(wide.count() <= 1, "{slices:?}");
    }

    #[test]
    fn what_is_not_missing_is_skipped() {
        let missing: Intervals =
            range(0, HOUR).as_slice().iter().chain(range(YEAR, YEAR + HOUR).as_slice()).copied().collect();
        assert_eq!(cut(missing.clone(), false, |_| 1.0), [missing.as_slice()[0], missing.as_slice()[1]]);
        let newest: Vec<_> = missing.as_slice().iter().rev().copied().collect();
        assert_eq!(cut(missing, true, |_| 1.0), newest);
        assert!(cut(Intervals::default(), false, |_| 1.0).is_empty());
    }

    #[test]
    fn long_slices_end_at_midnight() {
        for newest_first in [false, true] {
            let slices = cut(range(5 * HOUR, 300 * DAY + HOUR), newest_first, |_| 10.0);
            let ends = slices.iter().flat_map(|slice| [slice.start.0, slice.end.0]);
            let inner: Vec<i64> = ends.filter(|end| *end != 5 * HOUR && *end != 300 * DAY + HOUR).collect();
            assert!(inner.len() > 10 && inner.iter().all(|end| end % DAY == 0), "{slices:?}");
        }
    }
}
