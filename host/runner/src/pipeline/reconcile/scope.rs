//! What is compared: of each tag what is covered, settled and asked for; cut into slices of days that fit into memory.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_model::{Instant, Interval, Intervals, Series, Span, Watermark, WindowPolicy};

use super::{DAY, Scope};

/// Days of tags whose counts are held at once: some tens of megabytes.
const CELLS: usize = 2_000_000;

/// The newest events are not final: they are shown before they are archived, and may vanish again. An hour is far beyond
/// what any interface buffers, and matters only where the look-back is shorter.
const UNSETTLED: i64 = 3_600 * 1_000_000_000;

/// What has been read.
pub(super) struct Covered<'a> {
    /// By runs.
    pub(super) marks: &'a [Watermark],
    /// By backfills: stretches of each tag.
    pub(super) backfilled: &'a HashMap<String, Intervals>,
}

/// What is to be compared of each tag: one span or several, in order.
pub(super) fn spans(series: &[Arc<Series>], covered: &Covered<'_>, policy: &WindowPolicy, scope: &Scope) -> Vec<Span> {
    let marks: HashMap<&str, &Watermark> = covered.marks.iter().map(|mark| (mark.series.as_str(), mark)).collect();
    let wanted = |series: &&Arc<Series>| scope.tags.as_ref().is_none_or(|tags| tags.matches(&series.name));
    let spans = |series: &Arc<Series>| -> Vec<Span> {
        let mark = marks.get(series.id.as_str()).copied();
        let mut stretches = covered.backfilled.get(&series.id).cloned().unwrap_or_default();
        stretches.extend(mark.map(|mark| mark.covered));
        let newest = mark.map_or(policy.now, |mark| mark.covered.end).plus_nanos(-UNSETTLED);
        let settled = policy.reads_from(mark).min(newest).floor_micros();
        let end = match scope.to {
            Some(to) => to.floor_micros().min(settled),
            None => midnight(settled),
        };
        let start = scope.from.map_or(Instant(i64::MIN), Instant::floor_micros);
        let parts = apart(stretches.inside(Interval::new(start, end)));
        parts.into_iter().map(|interval| Span { series: Arc::clone(series), interval }).collect()
    };
    series.iter().filter(wanted).flat_map(spans).collect()
}

/// Stretches that share no day: rows are counted by whole days, so a day of which two stretches hold a part each is left
/// out of both.
fn apart(stretches: impl Iterator<Item = Interval>) -> Vec<Interval> {
    let mut parts: Vec<Interval> = Vec::new();
    for mut next in stretches {
        let day = midnight(next.start);
        if let Some(last) = parts.last_mut().filter(|last| last.end > day) {
            last.end = day.max(last.start);
            next.start = day.plus_nanos(DAY as i64).min(next.end);
        }
        parts.push(next);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The UTC midnight at or before an instant.
fn midnight(instant: Instant) -> Instant {
    Instant(instant.0.div_euclid(DAY as i64).saturating_mul(DAY as i64))
}

/// The spans in slices of whole days, from the oldest on.
pub(super) fn slices(spans: &[Span]) -> impl Iterator<Item = Vec<Span>> + '_ {
    let hull = spans.iter().map(|span| span.interval).reduce(Interval::hull);
    let days = (CELLS / spans.len().max(1)).max(1) as u64;
    let windows = hull.into_iter().flat_map(move |hull| hull.buckets(DAY.saturating_mul(days)));
    let slice = move |window: Interval| -> Vec<Span> {
        let part =
            |span: &Span| Span { series: Arc::clone(&span.series), interval: span.interval.intersection(window) };
        spans.iter().map(part).filter(|span| !span.interval.is_empty()).collect()
    };
    windows.map(slice).filter(|slice| !slice.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glob::Glob;

    const HOUR: i64 = 3_600 * 1_000_000_000;

    fn hours(start: i64, end: i64) -> Interval {
        Interval::new(Instant(start * HOUR), Instant(end * HOUR))
    }

    fn series(id: &str) -> Arc<Series> {
        Arc::new(Series { id: id.into(), name: id.to_uppercase(), ahead: false, detail: String::new() })
    }

    fn mark(id: &str, covered: Interval) -> Watermark {
        Watermark { series: id.into(), name: id.into(), covered, rows: 0, last_run: covered.end, stored_until: None }
    }

    fn policy(lookback_hours: i64) -> WindowPolicy {
        WindowPolicy { now: Instant(500 * HOUR), start: Instant(0), lookback_nanos: Some(lookback_hours * HOUR) }
    }

    #[test]
    fn whole_days_below_the_look_back_are_compared_and_what_is_asked_for_is_clipped_to_them() {
        let (tags, marks) = ([series("a"), series("b")], [mark("a", hours(10, 490))]);
        let compared = |lookback, scope: &Scope| {
            let covered = Covered { marks: &marks, backfilled: &HashMap::new() };
            let spans = spans(&tags, &covered, &policy(lookback), scope);
            assert!(spans.iter().all(|span| span.series.id == "a"), "without a cursor nothing is covered");
            spans.first().map(|span| span.interval)
        };
        let all = Scope::default();
        assert_eq!(compared(48, &all), Some(hours(10, 432)));
        let to = |hour: i64| Scope { to: Some(Instant(hour * HOUR)), ..Scope::default() };
        assert_eq!(compared(48, &to(100)), Some(hours(10, 100)));
        assert_eq!(compared(48, &to(480)), Some(hours(10, 442)), "what the next run reads again is left to it");
        assert_eq!(compared(0, &to(490)), Some(hours(10, 489)), "the newest hour is not final");
        let from = |hour: i64| Scope { from: Some(Instant(hour * HOUR)), ..Scope::default() };
        assert_eq!(compared(48, &from(3)), Some(hours(10, 432)));
        assert_eq!(compared(48, &from(30)), Some(hours(30, 432)));
        assert_eq!(compared(48, &from(432)), None);
        let tags = |glob: &str| Scope { tags: Some(Glob::new(glob)), ..Scope::default() };
        assert_eq!((compared(48, &tags("A")).is_some(), compared(48, &tags("B*"))), (true, None));
    }

    #[test]
    fn what_only_backfills_have_read_is_compared_but_no_day_of_which_two_stretches_hold_a_part() {
        let (tags, marks) = ([series("a"), series("b")], [mark("a", hours(250, 490))]);
        let stretches = |all: &[(i64, i64)]| all.iter().map(|(start, end)| hours(*start, *end)).collect();
        let backfilled = HashMap::from([
            ("a".to_owned(), stretches(&[(0, 30), (50, 52), (53, 100), (240, 245)])),
            ("b".to_owned(), stretches(&[(0, 60), (470, 500)])),
        ]);
        let covered = Covered { marks: &marks, backfilled: &backfilled };
        let compared = |scope: &Scope| {
            let policy = WindowPolicy { start: Instant(480 * HOUR), ..policy(48) };
            let spans = spans(&tags, &covered, &policy, scope);
            spans.into_iter().map(|span| (span.series.id.clone(), span.interval)).collect::<Vec<_>>()
        };
        let spans = |all: &[(&str, i64, i64)]| -> Vec<(String, Interval)> {
            all.iter().map(|(id, start, end)| ((*id).to_owned(), hours(*start, *end))).collect()
        };
        let all = [("a", 0, 30), ("a", 72, 100), ("a", 264, 432), ("b", 0, 60), ("b", 470, 480)];
        assert_eq!(compared(&Scope::default()), spans(&all));
        let some = Scope { from: Some(Instant(29 * HOUR)), to: Some(Instant(475 * HOUR)), ..Scope::default() };
        assert_eq!(
            compared(&some),
            spans(&[("a", 29, 30), ("a", 72, 100), ("a", 264, 442), ("b", 29, 60), ("b", 470, 475)])
        );
    }

    #[test]
    fn slices_hold_every_day_once_and_no_more_than_fit() {
        let tag = series("a");
        let span = |n: i64| Span { series: Arc::clone(&tag), interval: hours(n % 7, 24 * 7 + 5) };
        let spans: Vec<Span> = (0..CELLS as i64 / 3).map(span).collect();
        let mut first = spans[3].interval.start;
        for slice in slices(&spans) {
            assert!(slice.iter().map(|span| span.interval.buckets(DAY).count()).sum::<usize>() <= CELLS + spans.len());
            if let Some(span) = slice.get(3) {
                assert_eq!(span.interval.start, first);
                first = span.interval.end;
            }
        }
        assert_eq!(first, spans[3].interval.end);
        assert_eq!(slices(&[]).count(), 0);
    }
}
