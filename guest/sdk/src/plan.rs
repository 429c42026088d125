//! Cutting work into partitions, as `performance` asks.

use serde::Deserialize;

use crate::Span;

/// The part of `performance` in the configuration that concerns a plugin: how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Performance {
    /// Series in one request.
    pub batch_size: usize,
    /// Events of one series in one answer.
    pub max_count_per_request: usize,
    /// Requests in flight, whole host.
    pub parallel_batches: usize,
}

impl Default for Performance {
    fn default() -> Self {
        Self { batch_size: 100, max_count_per_request: 10_000, parallel_batches: 5 }
    }
}

impl Performance {
    /// Zero of anything would never end: one is the least.
    #[must_use]
    pub fn sane(self) -> Self {
        Self {
            batch_size: self.batch_size.max(1),
            max_count_per_request: self.max_count_per_request.max(1),
            parallel_batches: self.parallel_batches.max(1),
        }
    }

    /// Full batches that so many series take.
    #[must_use]
    pub fn batches(&self, series: usize) -> usize {
        series.div_ceil(self.batch_size.max(1))
    }

    /// Partitions for so many series of which there is much to read: where these are few, they are spread over as many
    /// partitions as may run at once.
    #[must_use]
    pub fn spread(&self, series: usize) -> usize {
        self.batches(series).max(self.parallel_batches.min(series))
    }
}

/// At most `groups` chunks of neighbours, whose sizes differ by one at most.
pub fn even_chunks(spans: Vec<Span>, groups: usize) -> impl Iterator<Item = Vec<Span>> {
    let count = spans.len();
    let mut rest = spans.into_iter();
    (0..groups).map(move |group| {
        let size = (group + 1) * count / groups - group * count / groups;
        rest.by_ref().take(size).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_lifted_to_one() {
        let none = Performance { batch_size: 0, max_count_per_request: 0, parallel_batches: 0 };
        assert_eq!(none.sane(), Performance { batch_size: 1, max_count_per_request: 1, parallel_batches: 1 });
        assert_eq!(none.batches(3), 3);
    }

    #[test]
    fn few_series_are_spread_and_many_fill_batches() {
        let usual = Performance::default();
        assert_eq!([3, 100, 501].map(|series| usual.spread(series)), [3, 5, 6]);
        assert_eq!([0, 1, 100, 101].map(|series| usual.batches(series)), [0, 1, 1, 2]);
    }
}
