//! Which stored files may hold the row of a record that comes again: decided by statistics, without reading any. A
//! statistic that is missing rules nothing out.

use tidegate_model::Interval;

use super::fresh::Fresh;
use super::gone::Gone;
use super::page::Shape;
use crate::files::DataFile;
use crate::stats::FileStats;

/// Where the stored rows of fresh records can be.
pub(super) struct Candidates {
    /// Starts of the fresh records and of those that leave, ascending: a record that keeps its start is stored where that
    /// is.
    starts: Vec<i64>,
    /// Any other one lived at `from` or later, and began before `to`.
    from: i64,
    to: i64,
}

impl Candidates {
    pub(super) fn new(fresh: &Fresh<'_>, covered: Option<Interval>, gone: &Gone) -> Self {
        let covered = covered.filter(|_| !fresh.rows.is_empty());
        let mut starts: Vec<i64> = fresh.rows.iter().map(|row| row.start).chain(gone.starts()).collect();
        starts.sort_unstable();
        starts.dedup();
        // What is read again without being covered anew shows in the records: a record that changed its start lived while
        // it is said to live now, or in what was covered. That an open one began long ago must not widen the search: when
        // it was stored open, its file is searched anyhow.
        let closed = fresh.rows.iter().filter(|row| row.end.is_some()).map(|row| row.start);
        let from = covered.map(|covered| covered.start.micros()).into_iter().chain(closed).min().unwrap_or(i64::MAX);
        let ends = fresh.rows.iter().map(|row| row.end.map_or(i64::MAX, |end| end.max(row.start).saturating_add(1)));
        let to = covered.map(|covered| covered.end.micros()).into_iter().chain(ends).max().unwrap_or(i64::MIN);
        Self { starts, from, to }
    }

    /// Whether a file may hold the row of such a record.
    pub(super) fn file(&self, shape: &Shape, file: &DataFile) -> bool {
        let Some(stats) = file.stats().and_then(|text| FileStats::parse(&text)) else { return true };
        let Some((first, last)) = stats.micros(&shape.time) else { return true };
        let next = self.starts.partition_point(|start| *start < first);
        let same_start = self.starts.get(next).is_some_and(|start| *start <= last);
        let open = stats.nulls(&shape.end) != Some(0);
        let alive = || open || stats.micros(&shape.end).is_none_or(|(_, end)| end >= self.from);
        same_start || (first < self.to && alive())
    }
}
