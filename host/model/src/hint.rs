//! What a run reads of a series whose historian tells what it changed: as little of the look-back as it says, and what lies
//! below the look-back too. What it says is a hint: it narrows nothing for long, and proves nothing.

use crate::{Instant, Interval, Intervals, Window};

const MINUTE: i64 = 60 * 1_000_000_000;
/// Read around a change and before the cursor: stored events that must still be there. Where they are not, the archive
/// rather than the hint is to be doubted.
const AROUND: i64 = 10 * MINUTE;
/// A long change has as much around it as it is long, up to this.
const MOST_AROUND: i64 = 24 * 60 * MINUTE;
/// Stretches of one series in one run; more are joined until they are no more.
const MOST: usize = 8;

/// What the historian says of one series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Where something changed since the last run, as far as that is known.
    pub dirty: Vec<Interval>,
    /// Whether the look-back may be cut down to that: nothing else changed, and all of it was read not long ago.
    pub narrow: bool,
}

/// A change, and what is read around it.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    read: Interval,
    changed: Interval,
}

impl Hint {
    /// What is read in place of `live`, and what below it; no two windows overlap. `stored` is what has been read of the
    /// series, by runs up to `cursor` and by backfills.
    ///
    /// The newest stored event may be a snapshot that vanishes, so some time before the cursor is always read again.
    #[must_use]
    pub fn windows(&self, mut live: Window, cursor: Instant, stored: &Intervals) -> (Window, Vec<Window>) {
        let known = stored.inside(Interval::new(Instant(i64::MIN), cursor));
        let mut stretches: Vec<Stretch> = known.flat_map(|covered| self.stretches(covered)).collect();
        let start = live.read.start.max(cursor.plus_nanos(-AROUND).floor_micros());
        if self.narrow && start < live.read.end {
            // Where a cursor was put back, what is stored beyond it may have changed too.
            let mut changed = Interval::new(cursor, live.settled.max(cursor));
            live.read.start = start;
            while let Some(last) = stretches.pop_if(|last| last.read.end >= live.read.start) {
                live.read.start = live.read.start.min(last.read.start);
                changed = changed.hull(last.changed);
            }
            live.changed = Some(changed);
        }
        let whole = Interval::new(Instant(i64::MIN), live.read.start);
        let below = stretches.into_iter().filter_map(|stretch| {
            let read = stretch.read.intersection(whole);
            (!read.is_empty()).then(|| Window::again(read, stretch.changed.intersection(whole)))
        });
        (live, below.collect())
    }

    /// Those of one covered stretch: in order of time, none touching the next.
    fn stretches(&self, covered: Interval) -> Vec<Stretch> {
        let known = self.dirty.iter().map(|dirty| dirty.intersection(covered)).filter(|dirty| !dirty.is_empty());
        let mut changes: Vec<Stretch> = known.map(|changed| Stretch { read: changed, changed }).collect();
        changes.sort_by_key(|stretch| stretch.changed);
        // First the changes, so that many small ones in a row have as much around them as a long one.
        let changes = joined(changes, 2 * AROUND);
        let mut stretches: Vec<_> = changes.into_iter().map(|stretch| around(stretch.changed, covered)).collect();
        // What is read around a long change may begin before what is read around those before it.
        stretches.sort_by_key(|stretch| stretch.read);
        let mut stretches = joined(stretches, 0);
        let mut close = AROUND;
        while stretches.len() > MOST {
            stretches = joined(stretches, close);
            close = close.saturating_mul(4);
        }
        stretches
    }
}

fn around(changed: Interval, covered: Interval) -> Stretch {
    let nanos = changed.end.0.saturating_sub(changed.start.0).clamp(AROUND, MOST_AROUND);
    let read =
        Interval::new(changed.start.plus_nanos(-nanos).floor_micros(), changed.end.plus_nanos(nanos).floor_micros());
    Stretch { read: read.intersection(covered), changed }
}

/// Joins neighbours that are no further apart than `close`.
fn joined(stretches: Vec<Stretch>, close: i64) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for next in stretches {
        match joined.last_mut().filter(|last| next.read.start <= last.read.end.plus_nanos(close)) {
            Some(last) => {
                last.read = last.read.hull(next.read);
                last.changed = last.changed.hull(next.changed);
            }
            None => joined.push(next),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * MINUTE;

    fn at(minutes: i64) -> Instant {
        Instant(minutes * MINUTE)
    }

    fn interval(start: i64, end: i64) -> Interval {
        Interval::new(at(start), at(end))
    }

    /// Covered from minute 0 to 1,000; the look-back is 500 minutes; now is 1,010.
    fn live() -> Window {
        Window { read: interval(500, 1_010), settled: at(1_000), advance: interval(1_000, 1_010), changed: None }
    }

    fn split(dirty: &[(i64, i64)], narrow: bool) -> (Interval, Option<Interval>, Vec<(Interval, Interval)>) {
        let dirty = dirty.iter().map(|(start, end)| interval(*start, *end)).collect();
        let stored = [interval(0, 1_000)].into_iter().collect();
        let (window, below) = Hint { dirty, narrow }.windows(live(), at(1_000), &stored);
        assert_eq!((window.settled, window.advance), (live().settled, live().advance));
        for below in &below {
            assert_eq!((below.settled, below.advance.is_empty()), (below.read.end, true));
        }
        (window.read, window.changed, below.iter().map(|below| (below.read, below.changed.unwrap())).collect())
    }

    #[test]
    fn without_a_change_only_a_little_before_the_cursor_is_read() {
        assert_eq!(split(&[], true), (interval(990, 1_010), Some(interval(1_000, 1_000)), Vec::new()));
        assert_eq!(split(&[(1_000, 1_005)], true).0, interval(990, 1_010), "new events are read anyway");
    }

    #[test]
    fn changes_near_the_cursor_stretch_the_window_and_others_have_their_own() {
        let (read, changed, below) = split(&[(985, 1_002), (700, 701), (100, 101)], true);
        assert_eq!((read, changed), (interval(970, 1_010), Some(interval(985, 1_000))));
        let expected = [(interval(90, 111), interval(100, 101)), (interval(690, 711), interval(700, 701))];
        assert_eq!(below, expected);
    }

    #[test]
    fn a_look_back_that_is_not_narrowed_keeps_its_length_and_what_lies_below_is_read_too() {
        let (read, changed, below) = split(&[(700, 701), (100, 101), (495, 505)], false);
        assert_eq!((read, changed), (interval(500, 1_010), None));
        let expected = [(interval(90, 111), interval(100, 101)), (interval(485, 500), interval(495, 500))];
        assert_eq!(below, expected);
    }

    #[test]
    fn a_long_change_that_is_read_from_before_a_short_one_reads_nothing_twice() {
        let (_, _, below) = split(&[(300, 301), (400, 401), (500, 800)], true);
        assert_eq!(below, [], "all of it is one stretch, which reaches the cursor");
        let (_, _, below) = split(&[(100, 101), (200, 201), (250, 450)], true);
        assert_eq!(below, [(interval(50, 650), interval(100, 450))]);
    }

    #[test]
    fn nothing_is_read_below_what_is_stored_nor_twice() {
        let (_, _, below) = split(&[(-50, 5), (0, 1), (8, 9), (25, 26)], true);
        assert_eq!(below, [(interval(0, 52), interval(0, 26))]);
        let (read, changed, below) = split(&[(200, 9_999_999)], true);
        assert_eq!((read, changed, below.len()), (interval(0, 1_010), Some(interval(200, 1_000)), 0));
    }

    #[test]
    fn what_a_backfill_has_read_is_read_again_too_and_nothing_between() {
        let stored = [interval(-900, -700), interval(0, 1_000), interval(1_020, 1_100)].into_iter().collect();
        let dirty = vec![interval(-705, -300), interval(-2, 3), interval(1_030, 1_040)];
        let (window, below) = Hint { dirty, narrow: true }.windows(live(), at(1_000), &stored);
        assert_eq!(window.read, interval(990, 1_010), "what lies ahead of the cursor is left to the live window");
        let below: Vec<_> = below.iter().map(|below| (below.read, below.changed.unwrap())).collect();
        let expected = [(interval(-715, -700), interval(-705, -700)), (interval(0, 13), interval(0, 3))];
        assert_eq!(below, expected);
    }

    #[test]
    fn many_changes_are_few_windows_that_hold_them_all() {
        let dirty: Vec<(i64, i64)> = (0..40).map(|n| (n * 23, n * 23 + 1)).collect();
        let (read, _, below) = split(&dirty, true);
        assert!(below.len() <= MOST, "{below:?}");
        let held = |it: &(i64, i64)| {
            let it = interval(it.0, it.1);
            read.encloses(it) || below.iter().any(|(read, changed)| read.encloses(it) && changed.encloses(it))
        };
        assert!(dirty.iter().all(held), "{below:?}");
        assert!(below.windows(2).all(|pair| pair[0].0.end < pair[1].0.start));
    }

    #[test]
    fn a_clock_set_back_narrows_nothing() {
        let back = Window { read: Interval::new(at(500), at(900)), ..live() };
        let stored = [interval(0, 1_000)].into_iter().collect();
        let (window, _) = Hint { dirty: Vec::new(), narrow: true }.windows(back, at(1_000), &stored);
        assert_eq!(window, back);
    }

    #[test]
    fn a_long_change_has_its_own_length_around_it_but_a_day_at_most() {
        let covered = Interval::new(Instant(0), Instant(10_000 * HOUR));
        let hours = |start: i64, end: i64| Interval::new(Instant(start * HOUR), Instant(end * HOUR));
        assert_eq!(around(hours(100, 103), covered).read, hours(97, 106));
        assert_eq!(around(hours(100, 1_000), covered).read, hours(76, 1_024));
    }
}
