//! What is compared: of each tag what is covered, settled and asked for; cut into slices of days that fit into memory.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_model::{Instant, Interval, Series, Span, Watermark, WindowPolicy};

use super::{DAY, Scope};

/// Days of tags whose counts are held at once: some tens of megabytes.
const CELLS: usize = 2_000_000;

/// The newest events are not final: they are shown before they are archived, and may vanish again. An hour is far beyond
/// what any interface buffers, and matters only where the look-back is shorter.
const UNSETTLED: i64 = 3_600 * 1_000_000_000;

/// What is to be compared of each tag.
pub(super) fn spans(series: &[Arc<Series>], marks: &[Watermark], policy: &WindowPolicy, scope: &Scope) -> Vec<Span> {
    let marks: HashMap<&str, &Watermark> = marks.iter().map(|mark| (mark.series.as_str(), mark)).collect();
    let wanted = |series: &&Arc<Series>| scope.tags.as_ref().is_none_or(|tags| tags.matches(&series.name));
    let span = |series: &Arc<Series>| {
        let mark = *marks.get(series.id.as_str())?;
        let settled = policy.reads_from(Some(mark)).min(mark.covered.end.plus_nanos(-UNSETTLED)).floor_micros();
        let end = match scope.to {
            Some(to) => to.floor_micros().min(settled),
            None => midnight(settled),
        };
        let start = scope.from.map_or(mark.covered.start, |from| from.floor_micros().max(mark.covered.start));
        let interval = Interval::new(start, end);
        (!interval.is_empty()).then(|| Span { series: Arc::clone(series), interval })
    };
    series.iter().filter(wanted).filter_map(span).collect()
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
            let spans = spans(&tags, &marks, &policy(lookback), scope);
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
