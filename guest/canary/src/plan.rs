//! Spans → partitions: one request has one window for all of its tags, so tags with about the same window go together.

use std::collections::HashSet;

use tidegate_sdk::{
    Interval, Partition, Span,
    plan::{Performance, even_chunks},
};

use crate::pages::SAMPLES_PER_ANSWER;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// The density assumed for an estimate where nothing is known yet: one sample a minute.
const USUAL_STEP: i64 = 60 * SECOND;

/// Cuts the work. Where there is much to read of few tags, these are spread over as many partitions as may run at once.
pub(crate) fn partitions(spans: Vec<Span>, performance: Performance) -> Vec<Partition> {
    let mut partitions = Vec::new();
    for group in groups(spans) {
        let chunks = match hull(&group).nanos() > DAY {
            true => performance.spread(group.len()),
            false => performance.batches(group.len()),
        };
        partitions.extend(even_chunks(group, chunks).map(partition));
    }
    partitions
}

/// Spans whose windows are much the same: what all of them span is at most twice the shortest, or an hour. No tag comes
/// twice in a group, because a request knows it by its path alone.
pub(crate) fn groups(spans: Vec<Span>) -> Vec<Vec<Span>> {
    let mut spans: Vec<Span> = spans.into_iter().filter(|span| !span.interval.is_empty()).collect();
    spans.sort_by_key(|span| (span.interval.start, span.interval.end));
    let mut groups: Vec<Vec<Span>> = Vec::new();
    let mut window = Interval::new(0, 0);
    let mut shortest = 0;
    let mut members: HashSet<String> = HashSet::new();
    for span in spans {
        let wider = Interval::new(window.start, window.end.max(span.interval.end));
        let least = shortest.min(span.interval.nanos());
        let fits = wider.nanos() <= least.saturating_mul(2).max(HOUR) && !members.contains(&span.series.id);
        match groups.last_mut().filter(|_| fits) {
            Some(group) => {
                (window, shortest) = (wider, least);
                members.insert(span.series.id.clone());
                group.push(span);
            }
            None => {
                (window, shortest) = (span.interval, span.interval.nanos());
                members = HashSet::from([span.series.id.clone()]);
                groups.push(vec![span]);
            }
        }
    }
    groups
}

/// From the first start to the last end.
pub(crate) fn hull(spans: &[Span]) -> Interval {
    let start = spans.iter().map(|span| span.interval.start).min();
    let end = spans.iter().map(|span| span.interval.end).max();
    Interval::new(start.unwrap_or_default(), end.unwrap_or_default())
}

fn partition(spans: Vec<Span>) -> Partition {
    let samples = spans.iter().map(|span| span.interval.nanos() / USUAL_STEP).fold(0, i64::saturating_add);
    let answers = usize::try_from(samples).unwrap_or(usize::MAX).div_ceil(SAMPLES_PER_ANSWER).max(1);
    Partition { spans, requests: u32::try_from(answers).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Series;

    fn span(id: usize, start: i64, nanos: i64) -> Span {
        Span {
            series: Series { id: format!("{id}"), name: String::new(), ahead: false, detail: String::new() },
            interval: Interval::new(start, start + nanos),
        }
    }

    fn spans(count: usize, nanos: i64) -> Vec<Span> {
        (0..count).map(|id| span(id, 0, nanos)).collect()
    }

    fn sizes(spans: Vec<Span>) -> Vec<usize> {
        partitions(spans, Performance::default()).iter().map(|partition| partition.spans.len()).collect()
    }

    #[test]
    fn requests_grow_with_tags_divided_by_the_batch_size() {
        assert_eq!(sizes(spans(1_000, 600 * SECOND)), vec![100; 10]);
        assert_eq!(sizes(spans(101, 600 * SECOND)), [50, 51]);
        assert_eq!(partitions(spans(100, 600 * SECOND), Performance::default())[0].requests, 1);
        assert!(partitions(spans(3, 0), Performance::default()).is_empty());
    }

    #[test]
    fn a_long_history_of_few_tags_is_spread_over_the_instances() {
        assert_eq!(sizes(spans(100, 30 * DAY)), vec![20; 5]);
        assert_eq!(sizes(spans(3, 30 * DAY)), [1, 1, 1]);
    }

    #[test]
    fn only_windows_that_are_much_the_same_share_a_request() {
        let mut mixed = spans(100, 600 * SECOND);
        mixed.extend((100..102).map(|id| span(id, -30 * DAY, 30 * DAY)));
        assert_eq!(sizes(mixed), [1, 1, 100]);
        // Cursors that stand some minutes apart before a look-back of two days.
        let apart: Vec<Span> = (0..100).map(|id| span(id, i64::try_from(id).unwrap() * 60 * SECOND, 2 * DAY)).collect();
        assert_eq!(groups(apart).len(), 1);
        let gaps = vec![span(1, 0, 1_000), span(2, 30 * 60 * SECOND, 1_000), span(3, 2 * HOUR, 1_000)];
        assert_eq!(groups(gaps).iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_tag_comes_once_in_a_group_and_every_span_once() {
        let mut twice = spans(50, 60 * SECOND);
        twice.extend((0..50).map(|id| span(id, 120 * SECOND, 60 * SECOND)));
        let groups = groups(twice);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50]);
    }
}
