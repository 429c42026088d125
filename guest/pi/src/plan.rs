//! Spans → partitions: how the work is cut, decided without a request.

use tidegate_sdk::{
    Partition, Span,
    plan::{Performance, even_chunks},
};

use crate::pages::ROWS_PER_ANSWER;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The density assumed for an estimate where nothing is known yet: one event a minute; a forecast has one an hour.
const USUAL_STEP: i64 = 60 * SECOND;
const FORECAST_STEP: i64 = 3_600 * SECOND;

/// Groups spans of similar length, so that no tag waits for another in the same request.
///
/// Where there is much to read of few tags, these are spread over as many partitions as may run at once.
pub(crate) fn partitions(spans: Vec<Span>, performance: Performance) -> Vec<Partition> {
    let (mut long, mut short): (Vec<_>, Vec<_>) =
        spans.into_iter().filter(|span| !span.interval.is_empty()).partition(|span| span.interval.nanos() > DAY);
    for class in [&mut long, &mut short] {
        class.sort_by_key(|span| std::cmp::Reverse(span.interval.nanos()));
    }
    let (spread, groups) = (performance.spread(long.len()), performance.batches(short.len()));
    even_chunks(long, spread).chain(even_chunks(short, groups)).map(partition).collect()
}

fn partition(spans: Vec<Span>) -> Partition {
    let events: i64 = spans
        .iter()
        .map(|span| span.interval.nanos() / if span.series.ahead { FORECAST_STEP } else { USUAL_STEP })
        .fold(0, i64::saturating_add);
    let answers = usize::try_from(events).unwrap_or(usize::MAX).div_ceil(ROWS_PER_ANSWER).max(1);
    Partition { spans, requests: u32::try_from(answers).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::{Interval, Series};

    const PERFORMANCE: Performance =
        Performance { batch_size: 100, max_count_per_request: 10_000, parallel_batches: 5 };

    fn spans(count: usize, nanos: i64) -> Vec<Span> {
        let span = |index| Span {
            series: Series { id: format!("{index}"), name: String::new(), ahead: false, detail: String::new() },
            interval: Interval::new(0, nanos),
        };
        (0..count).map(span).collect()
    }

    fn sizes(spans: Vec<Span>) -> Vec<usize> {
        partitions(spans, PERFORMANCE).iter().map(|partition| partition.spans.len()).collect()
    }

    #[test]
    fn requests_grow_with_tags_divided_by_the_batch_size() {
        assert_eq!(sizes(spans(1_000, 600 * SECOND)), vec![100; 10]);
        assert_eq!(sizes(spans(101, 600 * SECOND)), [50, 51]);
        assert_eq!(partitions(spans(100, 600 * SECOND), PERFORMANCE)[0].requests, 1);
        assert!(partitions(Vec::new(), PERFORMANCE).is_empty());
    }

    #[test]
    fn a_long_history_of_few_tags_is_spread_over_the_instances() {
        assert_eq!(sizes(spans(100, 30 * DAY)), vec![20; 5]);
        assert_eq!(sizes(spans(7, 30 * DAY)), [1, 1, 2, 1, 2]);
        assert_eq!(sizes(spans(3, 30 * DAY)), [1, 1, 1]);
        assert_eq!(sizes(spans(600, 30 * DAY)), vec![100; 6]);
    }

    #[test]
    fn a_new_tag_does_not_share_a_partition_with_short_spans() {
        let mut mixed = spans(100, 600 * SECOND);
        mixed.extend(spans(2, 30 * DAY));
        assert_eq!(sizes(mixed), [1, 1, 100]);
    }

    #[test]
    fn every_span_is_planned_once_and_empty_ones_are_not() {
        let mut all = spans(250, 2 * DAY);
        all.extend(spans(5, 0));
        assert_eq!(sizes(all).iter().sum::<usize>(), 250);
    }

    #[test]
    fn an_estimate_counts_answers() {
        let ten_years = partitions(spans(1, 3_650 * DAY), PERFORMANCE);
        assert_eq!(ten_years[0].requests, 132);
    }
}
