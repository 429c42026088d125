//! Work for every instance of the plugin. A plugin cuts by the length of spans, since it cannot know how dense they are; the
//! dense slices of few series would be one partition, and one instance would read while the others wait.

use tidegate_sandbox::Partition;

/// A partition of fewer rows is not worth requests of its own.
const WORTHWHILE: u64 = 100_000;

/// `partitions`, split by series into as many as may be read side by side, if they hold about so many `rows` altogether
/// that each is worth its requests.
pub(super) fn spread(partitions: Vec<Partition>, parallel: usize, rows: u64) -> Vec<Partition> {
    let wanted = usize::try_from(rows / WORTHWHILE).unwrap_or(usize::MAX).min(parallel);
    let parts = wanted / partitions.len().max(1);
    if parts < 2 {
        return partitions;
    }
    partitions.into_iter().flat_map(|partition| split(partition, parts)).collect()
}

fn split(partition: Partition, parts: usize) -> Vec<Partition> {
    let Partition { spans, requests } = partition;
    let size = spans.len().div_ceil(parts).max(1);
    let requests = requests.div_ceil(u32::try_from(parts).unwrap_or(u32::MAX));
    spans.chunks(size).map(|spans| Partition { spans: spans.to_vec(), requests }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_model::{Instant, Interval, Series, Span};

    use super::*;

    fn partition(count: usize) -> Partition {
        let series =
            |id: usize| Series { id: id.to_string(), name: String::new(), ahead: false, detail: String::new() };
        let interval = Interval::new(Instant(0), Instant(1));
        let spans = (0..count).map(|id| Span { series: Arc::new(series(id)), interval });
        Partition { spans: spans.collect(), requests: 10 }
    }

    fn sizes(partitions: &[Partition]) -> Vec<usize> {
        partitions.iter().map(|partition| partition.spans.len()).collect()
    }

    #[test]
    fn few_dense_series_are_read_side_by_side_and_sparse_ones_are_not() {
        assert_eq!(sizes(&spread(vec![partition(100)], 5, 4_000_000)), [20; 5]);
        assert_eq!(sizes(&spread(vec![partition(100)], 5, 250_000)), [50, 50]);
        assert_eq!(sizes(&spread(vec![partition(100)], 5, 99_000)), [100]);
        assert_eq!(sizes(&spread(vec![partition(3)], 5, 4_000_000)), [1; 3]);
        assert_eq!(sizes(&spread(vec![partition(50), partition(51)], 5, 4_000_000)), [25, 25, 26, 25]);
        assert_eq!(sizes(&spread(vec![partition(100); 10], 5, 4_000_000)), [100; 10]);
        assert!(spread(Vec::new(), 5, 4_000_000).is_empty());
    }
}
