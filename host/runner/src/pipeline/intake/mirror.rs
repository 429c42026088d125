//! The mirror: what of a page that is read again differs from what is stored. New events are written, changed ones
//! replaced, and those that the historian has no more are deleted, unless there are suspiciously many of them: an archive
//! that is offline answers like one that is empty.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tidegate_model::{Domain, Fault, Instant, Interval, Retry, Window};
use tidegate_sink::{EventKey, StoredKeys};

use super::outlet::Checked;
use super::unapplied::Unapplied;
use crate::pipeline::rows::Rows;

/// Deletions of one series that are remembered until all is known; more are suspicious, whatever is stored.
const MOST: usize = 100_000;

/// Deletions that need no second thought, however little is stored.
pub(super) const FEW: usize = 20;

/// What is done with the differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MirrorPolicy {
    /// Nothing that is stored is changed or deleted; differences are counted.
    pub(crate) append_only: bool,
    /// The operator has looked at a sudden shrink and says that it is right.
    pub(crate) accept_shrink: bool,
}

/// What has been compared of one series in this round. Deletions wait until all of its look-back is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compared {
    stored: usize,
    deleted: Vec<EventKey>,
    /// Deletions beyond [`MOST`].
    beyond: usize,
    /// First and last microsecond of all deletions.
    ends: Option<(i64, i64)>,
    /// Stored where nothing should have changed, and deletions there.
    steady: (usize, usize),
}

impl Compared {
    /// Whether more than half of what is stored would vanish; where nothing should have changed, a few are enough. One may:
    /// the newest event, which was only a snapshot.
    fn shrinks(&self) -> bool {
        let (stored, deleted) = self.steady;
        self.beyond > 0
            || (self.deleted.len() > FEW && self.deleted.len() * 2 > self.stored)
            || (deleted > 1 && deleted * 2 > stored)
    }

    /// Counts what should not have changed: `again` without `changed`.
    fn watch(&mut self, stored: &StoredKeys, series: &str, again: Interval, changed: Interval, deleted: &[EventKey]) {
        let before = Interval::new(again.start, again.end.min(changed.start));
        let after = Interval::new(again.start.max(changed.end), again.end);
        let steady = |key: &&EventKey| !changed.contains(Instant::from_micros(key.micros));
        self.steady.0 += stored.count(series, before) + stored.count(series, after);
        self.steady.1 += deleted.iter().filter(steady).count();
    }

    fn add(&mut self, deleted: Vec<EventKey>) {
        for key in deleted {
            let (first, last) = self.ends.unwrap_or((key.micros, key.micros));
            self.ends = Some((first.min(key.micros), last.max(key.micros)));
            if self.deleted.len() < MOST {
                self.deleted.push(key);
            } else {
                self.beyond += 1;
            }
        }
    }

    /// The stretch that the deletions lie in.
    fn stretch(&self) -> Option<Interval> {
        let (first, last) = self.ends?;
        Some(Interval::new(Instant::from_micros(first), Instant::from_micros(last).plus_nanos(1_000)))
    }
}

/// What a page does to the table.
#[derive(Default)]
pub(super) struct Changes {
    /// For each row of the page, whether it is written.
    pub(super) write: Vec<bool>,
    /// Stored rows that leave: replaced by a written row, or deleted.
    pub(super) gone: Vec<EventKey>,
    /// How many rows each series gains.
    pub(super) gain: HashMap<String, i64>,
    /// What has been compared of each series by now.
    pub(super) compared: HashMap<String, Compared>,
    /// Series that would shrink: where, and the fault that says so.
    pub(super) shrunk: Vec<(String, Interval, Fault)>,
    pub(super) late: u64,
    pub(super) filtered: u64,
    /// Differences that `append_only` leaves alone.
    pub(super) unapplied: Unapplied,
}

/// One page as the comparison sees it.
pub(super) struct Fresh<'a> {
    pub(super) rows: Option<&'a Rows<'a>>,
    /// One for each row; empty where nothing is compared.
    pub(super) prints: &'a [u64],
    /// Rows that are not good are not stored.
    pub(super) good_only: bool,
}

impl Changes {
    /// Compares a page with what is stored. `before` is what has been compared of each series so far.
    pub(super) fn of(
        fresh: &Fresh<'_>,
        checked: &Checked,
        stored: &StoredKeys,
        before: &HashMap<String, Compared>,
        policy: MirrorPolicy,
    ) -> Self {
        let count = fresh.rows.map_or(0, |rows| rows.times.len());
        let mut changes = Self { write: vec![true; count], ..Self::default() };
        changes.filter(fresh);
        for cover in &checked.covers {
            let Some(again) = checked.again(cover) else { continue };
            let compared = before.get(&cover.series).cloned().unwrap_or_default();
            let done = cover.interval.end >= checked.windows.get(&cover.series).map_or(again.end, |w| w.settled);
            changes.compare(fresh, checked, stored, (&cover.series, again), compared, done, policy);
        }
        for run in fresh.rows.iter().flat_map(|rows| &rows.runs) {
            let written = run.rows.clone().filter(|row| changes.write.get(*row) == Some(&true)).count();
            *changes.gain.entry(run.series.clone()).or_default() += i64::try_from(written).unwrap_or(i64::MAX);
        }
        changes
    }

    /// Up to where a page proves anything of a series. Deletions that wait until more is known are in memory only: what
    /// they lie in must not count as read yet, or a run that dies would never make up for them. All of them below the
    /// cursor do no harm, because the look-back reads them again.
    pub(super) fn proven_until(&self, series: &str, window: Window) -> Instant {
        let waiting = self.compared.get(series).and_then(Compared::stretch);
        let shrunk = self.shrunk.iter().find(|(id, _, _)| id == series).map(|(_, stretch, _)| *stretch);
        let again = |stretch: &Interval| !window.advance.is_empty() && stretch.end <= window.advance.start;
        waiting.or(shrunk).filter(|stretch| !again(stretch)).map_or(window.read.end, |stretch| stretch.start)
    }

    fn filter(&mut self, fresh: &Fresh<'_>) {
        let Some(good) = fresh.rows.and_then(|rows| rows.good).filter(|_| fresh.good_only) else { return };
        for (row, write) in self.write.iter_mut().enumerate() {
            *write = good.value(row);
            self.filtered += u64::from(!*write);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step of `of`, which holds all of it")]
    fn compare(
        &mut self,
        fresh: &Fresh<'_>,
        checked: &Checked,
        stored: &StoredKeys,
        (series, again): (&str, Interval),
        mut compared: Compared,
        done: bool,
        policy: MirrorPolicy,
    ) {
        let run = fresh.rows.and_then(|rows| rows.runs.iter().find(|run| run.series == series).map(|run| (rows, run)));
        let place = |row: usize| run.map_or((0, 0), |(rows, _)| (rows.times.value(row), rows.sequences.value(row)));
        let inside = |row: &usize| place(*row).0 < again.end.micros() && self.write.get(*row) == Some(&true);
        let indices: Vec<usize> = run.map(|(_, run)| run.rows.clone().filter(inside).collect()).unwrap_or_default();
        let row = |index: &usize| {
            let (micros, sequence) = place(*index);
            (micros, sequence, fresh.prints.get(*index).copied().unwrap_or_default())
        };
        let found = stored.compare(series, again, indices.iter().map(row));
        let cursor = checked.windows.get(series).map_or(i64::MIN, |window| window.advance.start.micros());
        let mut replaced = HashSet::new();
        for (index, write) in indices.iter().zip(&found.write) {
            let (micros, sequence) = place(*index);
            let known = *write && stored.contains(series, micros, sequence);
            if known {
                replaced.insert((micros, sequence));
                if policy.append_only {
                    self.unapplied.edited.push((series.to_owned(), *index));
                }
            }
            self.late += u64::from(*write && !known && micros < cursor);
            if let Some(kept) = self.write.get_mut(*index) {
                *kept = *write && !(known && policy.append_only);
            }
        }
        let (edited, deleted): (Vec<_>, Vec<_>) =
            found.gone.into_iter().partition(|key| replaced.contains(&(key.micros, key.sequence)));
        if policy.append_only {
            self.unapplied.deleted.extend(deleted);
            return;
        }
        let mut left = edited.len();
        self.gone.extend(edited);
        compared.stored += stored.count(series, again);
        if policy.accept_shrink {
            left += deleted.len();
            self.gone.extend(deleted);
        } else {
            if let Some(changed) = checked.windows.get(series).and_then(|window| window.changed) {
                compared.watch(stored, series, again, changed, &deleted);
            }
            compared.add(deleted);
        }
        if done {
            let shrunk = compared.stretch().filter(|_| compared.shrinks());
            match shrunk {
                Some(stretch) => {
                    let missing = compared.deleted.len() + compared.beyond;
                    let fault = shrunk_fault(series, missing, compared.stored, "events");
                    self.shrunk.push((series.to_owned(), stretch, fault));
                }
                None => {
                    left += compared.deleted.len();
                    self.gone.append(&mut compared.deleted);
                }
            }
            compared = Compared::default();
        }
        self.compared.insert(series.to_owned(), compared);
        *self.gain.entry(series.to_owned()).or_default() -= i64::try_from(left).unwrap_or(i64::MAX);
    }
}

/// `rows` is what the table holds.
pub(super) fn shrunk_fault(series: &str, missing: usize, stored: usize, rows: &str) -> Fault {
    Fault {
        domain: Domain::External,
        retry: Retry::Later,
        code: "shrunk".to_owned(),
        message: format!(
            "{series}: the historian no longer shows {missing} of {stored} stored {rows}; nothing is deleted, an archive may \
             be offline. If they were deleted on purpose: tidegate run --accept-shrink"
        ),
    }
}

impl Checked {
    /// The stretch of a cover that is read again: it is compared with what is stored.
    pub(super) fn again(&self, cover: &tidegate_model::Cover) -> Option<Interval> {
        let settled = self.windows.get(&cover.series)?.settled;
        let again = Interval::new(cover.interval.start, cover.interval.end.min(settled));
        (!again.is_empty()).then_some(again)
    }
}

/// Stored rows of some series, each over a window that later pages may lie in as well.
pub(super) struct Looked {
    pub(super) windows: HashMap<String, Interval>,
    pub(super) keys: Arc<StoredKeys>,
}

/// Rows that a lookup should hold, 24 bytes each: few lookups, and memory that does not grow with the look-back.
const LOOKUP_ROWS: i64 = 500_000;
/// How much longer than its page a window may be: what is ahead may be denser.
const LONGER: i64 = 16;

impl Looked {
    /// Whether it tells all that a page needs to know.
    pub(super) fn holds(&self, checked: &Checked) -> bool {
        checked.covers.iter().all(|cover| {
            let again = checked.again(cover);
            again.is_none_or(|again| self.windows.get(&cover.series).is_some_and(|window| window.encloses(again)))
        })
    }

    /// The windows to look up for a page of so many rows: its own stretches, and as much beyond as the last lookup, or else
    /// the page, says there is room for. Each lookup reads whole pages of the files: few are cheap, many small ones are not.
    pub(super) fn windows(before: Option<&Self>, checked: &Checked, rows: usize) -> HashMap<String, Interval> {
        let rows = before.map_or(rows, |before| before.keys.len());
        let longer = (LOOKUP_ROWS / i64::try_from(rows).unwrap_or(i64::MAX).max(1)).clamp(1, LONGER);
        let window = |cover: &tidegate_model::Cover| {
            let again = checked.again(cover)?;
            let settled = checked.windows.get(&cover.series)?.settled;
            let span = again.end.0.saturating_sub(again.start.0).saturating_mul(longer);
            let until = again.start.plus_nanos(span).floor_micros().min(settled).max(again.end);
            Some((cover.series.clone(), Interval::new(again.start, until)))
        };
        checked.covers.iter().filter_map(window).collect()
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::Cover;

    use super::*;

    fn key(micros: i64) -> EventKey {
        EventKey { series: "s".into(), micros, sequence: 0 }
    }

    fn compared(stored: usize, deleted: i64) -> Compared {
        let mut compared = Compared { stored, ..Compared::default() };
        compared.add((0..deleted).map(key).collect());
        compared
    }

    #[test]
    fn only_a_loss_of_more_than_half_and_more_than_a_few_is_suspicious() {
        assert!(!compared(10, 10).shrinks() && !compared(20, 20).shrinks());
        assert!(compared(21, 21).shrinks() && compared(100, 51).shrinks());
        assert!(!compared(100, 50).shrinks() && !compared(10_000, 4_000).shrinks());
        let many = compared(10_000_000, 100_001);
        assert!(many.shrinks() && many.deleted.len() == MOST && many.beyond == 1);
    }

    #[test]
    fn where_nothing_should_have_changed_a_few_losses_are_suspicious() {
        let steady = |stored, lost| Compared { steady: (stored, lost), ..compared(stored, 0) }.shrinks();
        assert!(!steady(1, 1) && !steady(10, 1) && !steady(10, 5), "the newest event was only a snapshot");
        assert!(steady(2, 2) && steady(10, 6));
    }

    #[test]
    fn the_stretch_of_a_loss_encloses_every_event_that_is_missing() {
        let stretch = compared(100, 60).stretch().unwrap();
        assert_eq!(stretch, Interval::new(Instant::from_micros(0), Instant::from_micros(60)));
        assert_eq!(compared(5, 0).stretch(), None);
    }

    #[test]
    fn what_deletions_wait_in_is_not_proven_unless_the_look_back_comes_again() {
        let interval = |start, end| Interval::new(Instant::from_micros(start), Instant::from_micros(end));
        let waiting = |compared: Compared| Changes {
            compared: HashMap::from([("s".to_owned(), compared)]),
            ..Changes::default()
        };
        let mut some = Compared::default();
        some.add(vec![key(70), key(80)]);
        let backfill = Window::backfill(interval(0, 100), Instant::from_micros(1_000));
        assert_eq!(waiting(some.clone()).proven_until("s", backfill), Instant::from_micros(70));
        assert_eq!(waiting(Compared::default()).proven_until("s", backfill), Instant::from_micros(100));
        let live = Window {
            read: interval(0, 100),
            settled: Instant::from_micros(90),
            advance: interval(90, 100),
            changed: None,
        };
        assert_eq!(waiting(some.clone()).proven_until("s", live), Instant::from_micros(100));
        // A cursor that was put back stands between them.
        let back = Window { advance: interval(75, 100), ..live };
        assert_eq!(waiting(some.clone()).proven_until("s", back), Instant::from_micros(70));
        let repair = Window { advance: interval(100, 100), ..live };
        assert_eq!(waiting(some).proven_until("s", repair), Instant::from_micros(70));
        let fault = shrunk_fault("s", 30, 40, "events");
        let shrunk = Changes { shrunk: vec![("s".to_owned(), interval(40, 60), fault)], ..Changes::default() };
        assert_eq!(shrunk.proven_until("s", backfill), Instant::from_micros(40));
        assert_eq!(shrunk.proven_until("another", backfill), Instant::from_micros(100));
    }

    #[test]
    fn a_lookup_grows_with_the_room_there_is_and_each_series_keeps_to_its_own_window() {
        let interval = |start, end| Interval::new(Instant::from_micros(start), Instant::from_micros(end));
        let window = Window {
            read: interval(0, 2_000),
            settled: Instant::from_micros(1_000),
            advance: interval(1_000, 2_000),
            changed: None,
        };
        let covers = [("dense", interval(0, 10)), ("sparse", interval(0, 2_000))];
        let covers = covers.map(|(series, interval)| Cover { series: series.into(), interval });
        let windows = covers.iter().map(|cover| (cover.series.clone(), window)).collect();
        let checked = Checked { covers: covers.into(), windows };
        let first = Looked { windows: Looked::windows(None, &checked, 1_000_000), keys: Arc::default() };
        assert_eq!((first.windows["dense"], first.windows["sparse"]), (interval(0, 10), interval(0, 1_000)));
        assert!(first.holds(&checked));
        let next = Looked::windows(Some(&first), &checked, 1_000_000);
        assert_eq!(Looked::windows(None, &checked, 100_000)["dense"], interval(0, 50));
        assert_eq!((next["dense"], next["sparse"]), (interval(0, 160), interval(0, 1_000)));
        assert!(!Looked { windows: HashMap::new(), keys: Arc::default() }.holds(&checked));
    }
}
