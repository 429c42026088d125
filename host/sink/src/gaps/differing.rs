//! Gaps that a comparison found, and no read: they have no attempt yet, and never grow over what a run has missed.

use tidegate_model::{Gap, Instant, Interval};

use super::GapRow;

/// Enters the parts of `gap` that are not open already. Parts of one comparison that touch are one row.
pub(super) fn enter(rows: &mut Vec<GapRow>, run: Instant, table: &str, gap: &Gap) {
    let Some(interval) = gap.interval else { return };
    for part in lacking(rows, table, &gap.series, interval) {
        let fresh = |row: &GapRow| row.attempts == 0 && row.reason == gap.fault.code;
        let touches = |known: Interval| known.end == part.start || part.end == known.start;
        let known = rows
            .iter_mut()
            .find(|row| is_open(row, table, &gap.series) && fresh(row) && row.interval.is_some_and(touches));
        match known {
            Some(row) => row.interval = row.interval.map(|known| known.hull(part)),
            None => rows.push(GapRow {
                table: table.to_owned(),
                series: gap.series.clone(),
                interval: Some(part),
                reason: gap.fault.code.clone(),
                attempts: 0,
                first_seen: run,
                last_attempt: run,
                resolved_at: None,
            }),
        }
    }
}

/// The parts of `interval` that no open row of the series holds.
fn lacking(rows: &[GapRow], table: &str, series: &str, interval: Interval) -> Vec<Interval> {
    let open = rows.iter().filter(|row| is_open(row, table, series));
    let mut open: Vec<Interval> = open.filter_map(|row| row.interval).collect();
    open.sort();
    let mut lacking = Vec::new();
    let mut from = interval.start;
    for known in open {
        lacking.push(Interval::new(from, known.start.min(interval.end)));
        from = from.max(known.end);
    }
    lacking.push(Interval::new(from, interval.end));
    lacking.retain(|part| !part.is_empty());
    lacking
}

fn is_open(row: &GapRow, table: &str, series: &str) -> bool {
    row.resolved_at.is_none() && row.table == table && row.series == series
}

#[cfg(test)]
mod tests {
    use tidegate_model::Fault;

    use super::*;
    use crate::testing::micros;

    const RUN: Instant = Instant(7_000);

    fn gap(start: i64, end: i64) -> Gap {
        let fault = Fault::internal("differs", "");
        Gap { series: "a".into(), interval: Some(micros(start, end)), fault }
    }

    fn shown(rows: &[GapRow]) -> Vec<(Interval, &str, i32)> {
        rows.iter().map(|row| (row.interval.unwrap(), row.reason.as_str(), row.attempts)).collect()
    }

    #[test]
    fn what_touches_is_one_row_and_what_is_open_already_is_left_alone() {
        let mut rows = Vec::new();
        for (start, end) in [(0, 10), (20, 30), (10, 15), (5, 8), (15, 20)] {
            enter(&mut rows, RUN, "t", &gap(start, end));
        }
        let expected = [(micros(0, 20), "differs", 0), (micros(20, 30), "differs", 0)];
        assert_eq!(shown(&rows), expected);
        assert_eq!((rows[0].first_seen, rows[0].last_attempt, rows[0].resolved_at), (RUN, RUN, None));

        let missed =
            GapRow { interval: Some(micros(50, 60)), reason: "http-403".into(), attempts: 3, ..rows[0].clone() };
        rows = vec![missed];
        enter(&mut rows, RUN, "t", &gap(40, 80));
        let expected =
            [(micros(50, 60), "http-403", 3), (micros(40, 50), "differs", 0), (micros(60, 80), "differs", 0)];
        assert_eq!(shown(&rows), expected);
    }

    #[test]
    fn rows_of_other_series_and_resolved_ones_hold_nothing_back() {
        let mut rows = Vec::new();
        enter(&mut rows, RUN, "t", &gap(0, 10));
        rows[0].resolved_at = Some(RUN);
        enter(&mut rows, RUN, "t", &Gap { series: "b".into(), ..gap(0, 10) });
        enter(&mut rows, RUN, "other", &gap(0, 10));
        enter(&mut rows, RUN, "t", &gap(0, 10));
        assert_eq!(rows.len(), 4);
    }
}
