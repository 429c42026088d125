//! What can be skipped without reading it: files by their date and statistics, row groups and pages by the bounds that
//! Parquet keeps. A bound that is missing skips nothing.

use deltalake::parquet::arrow::arrow_reader::RowSelector;
use deltalake::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use deltalake::parquet::file::page_index::column_index::ColumnIndexMetaData;
use deltalake::parquet::file::statistics::Statistics;
use tidegate_model::Interval;

use super::KeyColumns;
use crate::files::DataFile;
use crate::fill::event_date;
use crate::stats::{FileStats, date_text};

/// The series and the window asked for.
pub(crate) struct Wanted {
    sorted: Vec<String>,
    /// First and last microsecond inside.
    from: i64,
    to: i64,
}

impl Wanted {
    pub(crate) fn new(series: &[String], window: Interval) -> Self {
        let mut sorted = series.to_vec();
        sorted.sort_unstable();
        // The last microsecond whose start lies before the end.
        let to = if window.is_empty() { i64::MIN } else { window.end.plus_nanos(-1).micros() };
        Self { sorted, from: window.start.micros(), to }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty() || self.from > self.to
    }

    fn times(&self, min: i64, max: i64) -> bool {
        min <= self.to && self.from <= max
    }

    /// Whether a series lies between two ids, both included. An upper bound that was cut short is not an upper bound to
    /// byte order any more, so whatever starts with it counts as below.
    fn between(&self, min: &[u8], max: &[u8]) -> bool {
        let from = self.sorted.partition_point(|id| id.as_bytes() < min);
        self.sorted.get(from).is_some_and(|id| id.as_bytes() <= max || id.as_bytes().starts_with(max))
    }

    /// Whether a file may hold a wanted row.
    pub(crate) fn file(&self, columns: &KeyColumns, date: Option<&str>, file: &DataFile) -> bool {
        let (first, last) = (date_text(event_date(self.from)), date_text(event_date(self.to)));
        // Years beyond four digits do not sort as text.
        let sorts = |text: &str| text.len() == "2000-01-01".len();
        let outside = |date: &str| sorts(&first) && date < first.as_str() || sorts(&last) && last.as_str() < date;
        if date.is_some_and(|date| sorts(date) && outside(date)) {
            return false;
        }
        let Some(stats) = file.stats().and_then(|text| FileStats::parse(&text)) else { return true };
        let series = stats.texts(&columns.series);
        let time = stats.micros(&columns.time);
        series.is_none_or(|(min, max)| self.between(min.as_bytes(), max.as_bytes()))
            && time.is_none_or(|(min, max)| self.times(min, max))
    }

    /// The row groups and, inside them, the rows of pages that may hold a wanted row. `None`: all rows of the groups.
    pub(crate) fn pages(&self, columns: &KeyColumns, file: &ParquetMetaData) -> (Vec<usize>, Option<Vec<RowSelector>>) {
        let schema = file.file_metadata().schema_descr();
        let position = |name: &str| schema.columns().iter().position(|column| column.path().parts() == [name]);
        let (series, time) = (position(&columns.series), position(&columns.time));
        let mut groups = Vec::new();
        let mut selectors = Vec::new();
        let mut paged = true;
        for (index, group) in file.row_groups().iter().enumerate() {
            let fits = |column: Option<usize>| {
                let stats = column.and_then(|column| group.columns().get(column)).and_then(|chunk| chunk.statistics());
                stats.is_none_or(|stats| self.statistics(stats))
            };
            if !fits(series) || !fits(time) {
                continue;
            }
            groups.push(index);
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            let by_series = series.and_then(|column| self.page_rows(file, index, column, group));
            let by_time = time.and_then(|column| self.page_rows(file, index, column, group));
            paged &= by_series.is_some() || by_time.is_some();
            let all = || vec![(0, rows, true)];
            selectors.extend(intersect(&by_series.unwrap_or_else(all), &by_time.unwrap_or_else(all)));
        }
        (groups, paged.then_some(selectors))
    }

    fn statistics(&self, stats: &Statistics) -> bool {
        match stats {
            Statistics::ByteArray(s) => match (s.min_bytes_opt(), s.max_bytes_opt()) {
                (Some(min), Some(max)) => self.between(min, max),
                _ => true,
            },
            Statistics::Int64(s) => match (s.min_opt(), s.max_opt()) {
                (Some(min), Some(max)) => self.times(*min, *max),
                _ => true,
            },
            _ => true,
        }
    }

    /// For each page of a column: its first row, the row after its last, and whether it may hold a wanted row.
    fn page_rows(
        &self,
        file: &ParquetMetaData,
        group: usize,
        column: usize,
        meta: &RowGroupMetaData,
    ) -> Option<Vec<(usize, usize, bool)>> {
        let bounds = file.column_index()?.get(group)?.get(column)?;
        let pages = file.offset_index()?.get(group)?.get(column)?.page_locations();
        let end = usize::try_from(meta.num_rows()).ok()?;
        let start = |page: usize| pages.get(page).and_then(|page| usize::try_from(page.first_row_index).ok());
        let mut rows = Vec::with_capacity(pages.len());
        for page in 0..pages.len() {
            let wanted = match bounds {
                ColumnIndexMetaData::BYTE_ARRAY(index) => match (index.min_value(page), index.max_value(page)) {
                    (Some(min), Some(max)) => self.between(min, max),
                    _ => true,
                },
                ColumnIndexMetaData::INT64(index) => match (index.min_value(page), index.max_value(page)) {
                    (Some(min), Some(max)) => self.times(*min, *max),
                    _ => true,
                },
                _ => return None,
            };
            rows.push((start(page)?, start(page + 1).unwrap_or(end), wanted));
        }
        Some(rows)
    }
}

/// Rows that both lists want, as selectors over one row group.
fn intersect(a: &[(usize, usize, bool)], b: &[(usize, usize, bool)]) -> Vec<RowSelector> {
    let mut selectors = Vec::new();
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut row = 0;
    while let (Some((_, a_end, a_wanted)), Some((_, b_end, b_wanted))) = (a.peek(), b.peek()) {
        let end = *a_end.min(b_end);
        let rows = end.saturating_sub(row);
        let wanted = *a_wanted && *b_wanted;
        selectors.push(if wanted { RowSelector::select(rows) } else { RowSelector::skip(rows) });
        row = end;
        a.next_if(|(_, a_end, _)| *a_end <= end);
        b.next_if(|(_, b_end, _)| *b_end <= end);
    }
    selectors
}

#[cfg(test)]
mod tests {
    use tidegate_model::Instant;

    use super::*;

    fn wanted(series: &[&str], from: i64, to: i64) -> Wanted {
        let series: Vec<String> = series.iter().map(|id| (*id).to_owned()).collect();
        Wanted::new(&series, Interval::new(Instant::from_micros(from), Instant::from_micros(to)))
    }

    #[test]
    fn bounds_that_hold_a_wanted_series_are_kept_even_when_cut_short() {
        let wanted = wanted(&["b", "longname"], 0, 10);
        assert!(wanted.between(b"a", b"c") && wanted.between(b"b", b"b"));
        assert!(wanted.between(b"la", b"longn"), "an upper bound cut short still holds what it begins");
        assert!(!wanted.between(b"c", b"d") && !wanted.between(b"x", b"z"));
    }

    #[test]
    fn the_window_is_half_open() {
        let wanted = wanted(&["a"], 5, 10);
        assert!(wanted.times(9, 9) && !wanted.times(10, 10) && !wanted.times(4, 4));
        assert!(wanted.times(0, 5) && !wanted.times(10, 20));
        assert!(super::Wanted::new(&["a".into()], Interval::new(Instant(10), Instant(10))).is_empty());
    }

    #[test]
    fn pages_of_two_columns_with_other_edges_are_intersected() {
        let selected = intersect(&[(0, 10, true), (10, 30, false), (30, 40, true)], &[(0, 35, true), (35, 40, false)]);
        let plain: Vec<_> = selected.iter().map(|s| (s.row_count, s.skip)).collect();
        assert_eq!(plain, [(10, false), (20, true), (5, false), (5, true)]);
    }
}
