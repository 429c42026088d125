//! Which stretch of time a run reads of one series, and which of it may move the cursor.

use crate::{Instant, Interval, Series, Watermark};

/// How far ahead of now a forecast is read: 20 years, beyond any planning horizon and inside what nanoseconds hold.
const AHEAD_NANOS: i64 = 20 * 365 * 86_400 * 1_000_000_000;

/// What the operator set, resolved against the clock of this run.
#[derive(Clone, Copy, Debug)]
pub struct WindowPolicy {
    /// The instant at which this run began.
    pub now: Instant,
    /// Where a series without a cursor starts.
    pub start: Instant,
    /// How far behind the cursor is read again, in nanoseconds; `None` reads all from `start` again (a full refresh).
    pub lookback_nanos: Option<i64>,
}

/// What one run reads of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The whole stretch to read.
    pub read: Interval,
    /// Rows before this instant may be stored already and are compared first.
    pub settled: Instant,
    /// The stretch whose coverage moves the cursor.
    pub advance: Interval,
    /// Where events may have changed, in a window that is cut to what is known of changes. Stored events outside of it
    /// should all be there still; if most are not, none is deleted. `None`: anything may have changed.
    pub changed: Option<Interval>,
}

impl WindowPolicy {
    /// The window of `series`, or `None` when there is nothing to read.
    ///
    /// A forecast is read far ahead of now on every run, but its cursor stops at now: what lies ahead is not final.
    #[must_use]
    pub fn window(&self, series: &Series, watermark: Option<&Watermark>) -> Option<Window> {
        let now = self.now.floor_micros();
        let end = if series.ahead { now.plus_nanos(AHEAD_NANOS).floor_micros() } else { now };
        let from = self.reads_from(watermark);
        let (cursor, stored) = watermark.map_or((from, from), |mark| (mark.covered.end, mark.stored_end()));
        let read = Interval::new(from, end);
        // A forecast is never final, with or without a cursor: all of it is compared with what is stored.
        let settled = if series.ahead { end } else { stored.min(end) };
        (!read.is_empty()).then_some(Window { read, settled, advance: Interval::new(cursor, now), changed: None })
    }

    /// The low end of what the next run reads of a series: what lies below it is settled.
    #[must_use]
    pub fn reads_from(&self, watermark: Option<&Watermark>) -> Instant {
        let Some(Watermark { covered, .. }) = watermark else { return self.start.floor_micros() };
        let from = match self.lookback_nanos {
            Some(nanos) => covered.end.plus_nanos(-nanos).floor_micros().max(covered.start),
            None => self.start.floor_micros().min(covered.start),
        };
        from.min(covered.end)
    }
}

impl Window {
    /// A window below the cursor, which moves none. All of it is compared with what is stored.
    pub(crate) fn again(read: Interval, changed: Interval) -> Self {
        Self { read, settled: read.end, advance: Interval::new(read.end, read.end), changed: Some(changed) }
    }

    /// The window that repairs `gap`, an interval missing below what `live` reads. All of it is compared with what is
    /// stored, and no cursor moves: it stands beyond. What an earlier run did not believe, a look at so little does not
    /// make more credible: nothing counts as changed.
    #[must_use]
    pub fn repair(gap: Interval, live: &Self) -> Option<Self> {
        let read = Interval::new(gap.start, gap.end.min(live.read.start));
        (!read.is_empty()).then(|| Self::again(read, Interval::new(read.end, read.end)))
    }

    /// The parts of a window below the cursor that lie outside of `others`.
    #[must_use]
    pub fn without(self, others: &[Interval]) -> Vec<Self> {
        let mut parts = vec![self.read];
        for other in others.iter().filter(|other| !other.is_empty()) {
            let cut = |part: Interval| {
                let before = Interval::new(part.start, part.end.min(other.start));
                [before, Interval::new(part.start.max(other.end), part.end)]
            };
            parts = parts.into_iter().flat_map(cut).filter(|part| !part.is_empty()).collect();
        }
        let changed = self.changed.unwrap_or(self.read);
        parts.into_iter().map(|part| Self::again(part, changed.intersection(part))).collect()
    }

    /// Where rows may be stored although no mark says so: the checkpoints were lost, a backfill was there, or a run died
    /// before it knew about a deletion below them. Empty where all is compared anyhow.
    #[must_use]
    pub fn unsettled(&self) -> Interval {
        if self.advance.is_empty() {
            return Interval::new(self.read.end, self.read.end);
        }
        Interval::new(self.settled.max(self.read.start), self.read.end)
    }

    /// The window of a backfill that began at `now`. All of it is compared with what is stored, because runs may have been
    /// there before; what it proves is kept apart from the cursor, and ends at `now`: what lies ahead is not final. Nothing
    /// counts as changed: a slice may hold so little that an archive which is offline would pass for a few deletions.
    #[must_use]
    pub fn backfill(read: Interval, now: Instant) -> Self {
        let changed = Some(Interval::new(read.end, read.end));
        Self { read, settled: read.end, advance: Interval::new(read.start, read.end.min(now)), changed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn at(seconds: i64) -> Instant {
        Instant(seconds * SECOND)
    }

    fn series(ahead: bool) -> Series {
        Series { id: "s".into(), name: "S".into(), ahead, detail: String::new() }
    }

    fn mark(first: i64, last: i64) -> Watermark {
        Watermark {
            series: "s".into(),
            name: "S".into(),
            covered: Interval::new(at(first), at(last)),
            rows: 0,
            last_run: at(last),
            stored_until: None,
        }
    }

    const POLICY: WindowPolicy =
        WindowPolicy { now: Instant(1_000 * SECOND), start: Instant(100 * SECOND), lookback_nanos: Some(50 * SECOND) };

    #[test]
    fn a_series_without_a_cursor_gets_the_full_window() {
        let window = POLICY.window(&series(false), None).unwrap();
        assert_eq!(window.read, Interval::new(at(100), at(1_000)));
        assert_eq!((window.settled, window.advance), (at(100), window.read));
        assert_eq!(window.unsettled(), window.read, "rows of it may be stored all the same");
        let again = POLICY.window(&series(false), Some(&mark(100, 900))).unwrap();
        assert_eq!(again.unsettled(), Interval::new(at(900), at(1_000)), "and beyond a cursor");
        assert!(Window::repair(Interval::new(at(200), at(300)), &again).unwrap().unsettled().is_empty());
    }

    #[test]
    fn what_a_cursor_was_put_back_over_is_read_again_and_compared() {
        let back = mark(200, 900).back_to(at(400)).unwrap();
        let window = POLICY.window(&series(false), Some(&back)).unwrap();
        assert_eq!((window.read, window.settled), (Interval::new(at(350), at(1_000)), at(900)));
        assert_eq!(window.advance, Interval::new(at(400), at(1_000)));
        // To before all that was covered: from there, not from where the configuration starts.
        let back = mark(200, 900).back_to(at(150)).unwrap();
        let window = POLICY.window(&series(false), Some(&back)).unwrap();
        assert_eq!((window.read.start, window.settled, window.advance.start), (at(150), at(900), at(150)));
        // A full refresh compares as far as rows are stored.
        let policy = WindowPolicy { lookback_nanos: None, ..POLICY };
        let window = policy.window(&series(false), Some(&back)).unwrap();
        assert_eq!((window.read.start, window.settled, window.advance.start), (at(100), at(900), at(150)));
        // Forecasts are compared to their end, whatever was put back.
        let window = POLICY.window(&series(true), Some(&back)).unwrap();
        assert_eq!((window.settled, window.advance), (window.read.end, Interval::new(at(150), at(1_000))));
    }

    #[test]
    fn nothing_is_compared_beyond_what_is_read() {
        let ahead = Watermark { stored_until: Some(at(5_000)), ..mark(100, 900) };
        assert_eq!(POLICY.window(&series(false), Some(&ahead)).unwrap().settled, at(1_000));
    }

    #[test]
    fn look_back_never_reaches_below_what_was_covered() {
        let window = POLICY.window(&series(false), Some(&mark(890, 900))).unwrap();
        assert_eq!(window.read, Interval::new(at(890), at(1_000)));
        let window = POLICY.window(&series(false), Some(&mark(100, 900))).unwrap();
        assert_eq!(window.read, Interval::new(at(850), at(1_000)));
        assert_eq!((window.settled, window.advance), (at(900), Interval::new(at(900), at(1_000))));
    }

    #[test]
    fn a_full_refresh_reads_all_again_and_compares_it_with_what_is_stored() {
        let policy = WindowPolicy { lookback_nanos: None, ..POLICY };
        let window = policy.window(&series(false), Some(&mark(300, 900))).unwrap();
        assert_eq!(window.read, Interval::new(at(100), at(1_000)));
        assert_eq!((window.settled, window.advance.start), (at(900), at(900)));
    }

    #[test]
    fn a_forecast_is_read_ahead_but_its_cursor_stops_at_now() {
        let window = POLICY.window(&series(true), Some(&mark(100, 900))).unwrap();
        assert!(window.read.end > at(1_000_000));
        assert_eq!(window.settled, window.read.end);
        assert_eq!(window.advance.end, at(1_000));
        let future = WindowPolicy { start: at(2_000), ..POLICY };
        let window = future.window(&series(true), None).unwrap();
        assert_eq!(window.settled, window.read.end, "a start ahead of now leaves no cursor, but rows");
    }

    #[test]
    fn a_gap_below_the_look_back_is_read_apart_and_moves_no_cursor() {
        let live = POLICY.window(&series(false), Some(&mark(100, 900))).unwrap();
        let repair = |from, to| Window::repair(Interval::new(at(from), at(to)), &live);
        let window = repair(300, 880).unwrap();
        assert_eq!((window.read, window.settled), (Interval::new(at(300), at(850)), at(850)));
        assert!(window.advance.is_empty());
        assert_eq!(repair(850, 990), None, "what the run reads anyway needs no repair");
    }

    #[test]
    fn a_window_leaves_out_what_others_read() {
        let window = Window::again(Interval::new(at(100), at(200)), Interval::new(at(140), at(160)));
        let parts = |others: &[(i64, i64)]| {
            let others: Vec<_> = others.iter().map(|(start, end)| Interval::new(at(*start), at(*end))).collect();
            let parts = window.without(&others);
            parts.iter().map(|part| (part.read.start.0 / SECOND, part.read.end.0 / SECOND)).collect::<Vec<_>>()
        };
        assert_eq!(parts(&[]), [(100, 200)]);
        assert_eq!(parts(&[(50, 110), (150, 155), (190, 300)]), [(110, 150), (155, 190)]);
        assert!(parts(&[(0, 150), (150, 400)]).is_empty());
        let part = window.without(&[Interval::new(at(100), at(150))]).remove(0);
        assert_eq!(part.changed, Some(Interval::new(at(150), at(160))));
        assert_eq!(part.settled, part.read.end);
    }

    #[test]
    fn a_clock_set_back_reads_nothing_new() {
        let policy = WindowPolicy { lookback_nanos: Some(0), ..POLICY };
        assert_eq!(policy.window(&series(false), Some(&mark(100, 2_000))), None);
    }
}
