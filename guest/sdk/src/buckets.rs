//! A span cut into the buckets that `count` is asked for, in pieces that one request can name: whole buckets that follow each
//! other, and what is narrower at the ends.

use crate::{Fault, Interval};

/// Buckets of one span that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// The place of the span.
    pub span: usize,
    /// From when to when.
    pub interval: Interval,
    /// The width of each bucket; `None` where there is one and it is narrower.
    pub width: Option<i64>,
}

/// The buckets of one span, cut at the multiples of `width`; `longest` buckets in each at most.
#[must_use]
pub fn buckets(span: usize, interval: Interval, width: i64, longest: usize) -> Vec<Buckets> {
    let Interval { start, end } = interval;
    if start >= end {
        return Vec::new();
    }
    let floor = |instant: i64| instant.div_euclid(width).saturating_mul(width);
    let (first, last) = (start.saturating_sub(1).div_euclid(width).saturating_add(1).saturating_mul(width), floor(end));
    let piece = |start, end| Buckets { span, interval: Interval::new(start, end), width: None };
    if first >= last {
        // No bucket is whole; there may be two pieces.
        let cut = if start < first && first < end { first } else { end };
        return [piece(start, cut), piece(cut, end)]
            .into_iter()
            .filter(|buckets| !buckets.interval.is_empty())
            .collect();
    }
    let step = width.saturating_mul(i64::try_from(longest).unwrap_or(i64::MAX)).max(width);
    let mut all = vec![piece(start, first)];
    let mut from = first;
    while from < last {
        let to = from.saturating_add(step).min(last);
        all.push(Buckets { span, interval: Interval::new(from, to), width: Some(width) });
        from = to;
    }
    all.push(piece(last, end));
    all.retain(|buckets| !buckets.interval.is_empty());
    all
}

impl Buckets {
    /// Where each of them begins.
    pub fn starts(&self) -> impl Iterator<Item = i64> + use<> {
        let Interval { start, end } = self.interval;
        let width = self.width.unwrap_or(end.saturating_sub(start)).max(1);
        std::iter::successors(Some(start), move |at| at.checked_add(width).filter(|next| *next < end))
    }
}

/// Beyond it a double has no place for every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The number of events that a figure stands for: whole, not negative, and no larger than a double can tell.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative and small enough")]
pub fn whole(figure: f64) -> Option<u64> {
    ((0.0..EXACT).contains(&figure) && figure.fract() == 0.0).then_some(figure as u64)
}

/// Adds to a tally what follows; the first fault stays.
pub fn join(tally: &mut Result<Vec<u64>, Fault>, more: Result<Vec<u64>, Fault>) {
    if let Ok(buckets) = tally {
        match more {
            Ok(more) => buckets.extend(more),
            Err(fault) => *tally = Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn shown(start: i64, end: i64, longest: usize) -> Vec<(i64, i64, bool)> {
        let all = buckets(0, Interval::new(start * SECOND, end * SECOND), 10 * SECOND, longest);
        let show = |one: &Buckets| (one.interval.start / SECOND, one.interval.end / SECOND, one.width.is_some());
        all.iter().map(show).collect()
    }

    #[test]
    fn pieces_at_the_ends_are_asked_for_apart_and_long_spans_in_parts() {
        assert_eq!(shown(5, 47, 9), [(5, 10, false), (10, 40, true), (40, 47, false)]);
        assert_eq!(shown(10, 40, 2), [(10, 30, true), (30, 40, true)]);
        assert_eq!(shown(12, 18, 9), [(12, 18, false)]);
        assert_eq!(shown(15, 25, 9), [(15, 20, false), (20, 25, false)]);
        assert_eq!(shown(10, 15, 9), [(10, 15, false)]);
        assert_eq!(shown(15, 20, 9), [(15, 20, false)]);
        assert_eq!(shown(-15, 5, 9), [(-15, -10, false), (-10, 0, true), (0, 5, false)]);
        assert!(shown(7, 7, 9).is_empty());
    }

    #[test]
    fn every_bucket_begins_once() {
        let starts = |start: i64, end: i64| -> Vec<i64> {
            let all = buckets(0, Interval::new(start * SECOND, end * SECOND), 10 * SECOND, 2);
            all.iter().flat_map(Buckets::starts).map(|start| start / SECOND).collect()
        };
        assert_eq!(starts(5, 47), [5, 10, 20, 30, 40]);
        assert_eq!(starts(10, 40), [10, 20, 30]);
        assert_eq!(starts(15, 25), [15, 20]);
    }
}
