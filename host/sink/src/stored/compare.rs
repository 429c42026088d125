//! How fresh rows differ from stored ones. Pure: the caller reads, this decides.

use std::sync::Arc;

use tidegate_model::Interval;

use super::StoredKeys;

/// The key of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKey {
    /// `Series::id`.
    pub series: Arc<str>,
    /// Event time, in microseconds since the Unix epoch.
    pub micros: i64,
    /// Its number among the events of one series at one instant.
    pub sequence: i32,
}

/// What to do so that the table equals the fresh rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// For each fresh row in turn, whether it must be written: it is new, or not what is stored.
    pub write: Vec<bool>,
    /// The stored rows that must leave: those that a written row replaces, and those that the historian has no more.
    pub gone: Vec<EventKey>,
    /// Written rows that were not stored.
    pub late: u64,
    /// Written rows that replace stored ones.
    pub edited: u64,
    /// Stored rows that leave and are not replaced.
    pub deleted: u64,
}

impl StoredKeys {
    /// Compares all fresh rows of a series in an interval (microseconds, sequence, fingerprint; ascending, and every row
    /// that the historian has there) with the stored ones. Events that share a timestamp are numbered, so a change among
    /// them shows as changed rows under their numbers.
    #[must_use]
    pub fn compare(
        &self,
        series: &str,
        interval: Interval,
        fresh: impl Iterator<Item = (i64, i32, u64)>,
    ) -> Comparison {
        let stored = self.within(series, interval);
        let series: Arc<str> = series.into();
        let mut comparison = Comparison::default();
        let gone = |(micros, sequence, _): &(i64, i32, u64)| EventKey {
            series: Arc::clone(&series),
            micros: *micros,
            sequence: *sequence,
        };
        let mut known = stored.iter().peekable();
        for (micros, sequence, fingerprint) in fresh {
            while let Some(passed) = known.next_if(|row| (row.0, row.1) < (micros, sequence)) {
                comparison.gone.push(gone(passed));
                comparison.deleted += 1;
            }
            let mut here = Vec::new();
            while let Some(row) = known.next_if(|row| (row.0, row.1) == (micros, sequence)) {
                here.push(row);
            }
            // A key that is stored twice is none that this crate has written; replacing it leaves one.
            let same = matches!(here.as_slice(), [row] if row.2 == fingerprint);
            comparison.write.push(!same);
            match here.first() {
                None => comparison.late += 1,
                Some(row) if !same => {
                    comparison.gone.push(gone(row));
                    comparison.edited += 1;
                }
                Some(_) => {}
            }
        }
        comparison.deleted += known.len() as u64;
        comparison.gone.extend(known.map(gone));
        comparison
    }

    pub(super) fn within(&self, series: &str, interval: Interval) -> &[(i64, i32, u64)] {
        let rows = self.series.get(series).map(Vec::as_slice).unwrap_or_default();
        let before = |micros: i64| rows.partition_point(|row| row.0 < micros);
        rows.get(before(interval.start.micros())..before(interval.end.micros())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::micros;

    fn stored(rows: &[(i64, i32, u64)]) -> StoredKeys {
        let mut stored = StoredKeys::default();
        stored.add("s", rows.iter().copied());
        stored
    }

    fn compare(known: &[(i64, i32, u64)], fresh: &[(i64, i32, u64)]) -> (Vec<bool>, Vec<(i64, i32)>, [u64; 3]) {
        let found = stored(known).compare("s", micros(10, 20), fresh.iter().copied());
        let gone = found.gone.iter().map(|key| (key.micros, key.sequence)).collect();
        (found.write, gone, [found.late, found.edited, found.deleted])
    }

    #[test]
    fn equal_rows_ask_for_nothing_and_rows_outside_the_interval_are_left_alone() {
        let rows = [(10, 0, 1), (10, 1, 2), (19, 0, 3)];
        let around = [&[(9, 0, 9)], &rows[..], &[(20, 0, 9)]].concat();
        assert_eq!(compare(&around, &rows), (vec![false; 3], vec![], [0; 3]));
        assert_eq!(stored(&around).compare("other", micros(0, 99), std::iter::empty()), Comparison::default());
    }

    #[test]
    fn late_edited_and_deleted_rows_are_told_apart() {
        let known = [(10, 0, 1), (11, 0, 2), (12, 0, 3), (19, 0, 4)];
        let fresh = [(10, 0, 1), (11, 0, 7), (13, 0, 8)];
        let expected = (vec![false, true, true], vec![(11, 0), (12, 0), (19, 0)], [1, 1, 2]);
        assert_eq!(compare(&known, &fresh), expected);
    }

    #[test]
    fn an_event_that_leaves_a_shared_timestamp_moves_the_others_up() {
        let known = [(10, 0, 1), (10, 1, 2), (10, 2, 3)];
        assert_eq!(
            compare(&known, &[(10, 0, 2), (10, 1, 3)]),
            (vec![true, true], vec![(10, 0), (10, 1), (10, 2)], [0, 2, 1])
        );
    }

    #[test]
    fn a_key_that_is_stored_twice_is_replaced_by_one_row() {
        let known = [(10, 0, 1), (10, 0, 1)];
        assert_eq!(compare(&known, &[(10, 0, 1)]), (vec![true], vec![(10, 0)], [0, 1, 0]));
    }
}
