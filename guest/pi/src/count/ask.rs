//! The request for counts of one tag. Which events on a boundary belong to which interval differs between one interval and
//! several, so each request is put in a way that leaves no doubt (AVEVA, calculation basis):
//!
//! - One interval includes both of its ends: our end is left out by asking for one tick less.
//! - Of several, in ascending order, each includes its start and not its end: one more interval is asked for and not
//!   counted, so that the end of the last that counts is a start too.

use tidegate_sdk::{Interval, time::format_instant};

use super::SECOND;
use crate::{batch::Sub, tag::Tag};

/// PI counts in ticks of 100 ns.
const TICK: i64 = 100;

/// Only the figures, and everything in which a failure shows.
const FIELDS: &str = "Items.Type;Items.Errors;Items.Value.Timestamp;Items.Value.Value;Items.Value.Good;\
                      Items.Value.Errors;WebException;Errors;Message";

/// Buckets of one span that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// The place of the span.
    pub(super) span: usize,
    pub(super) interval: Interval,
    /// The width of each bucket; `None` where there is one and it is narrower.
    pub(super) width: Option<i64>,
}

/// The requests for one span, cut at the multiples of `width`; `longest` buckets in each at most.
pub(super) fn asks(span: usize, interval: Interval, width: i64, longest: usize) -> Vec<Ask> {
    let Interval { start, end } = interval;
    if start >= end {
        return Vec::new();
    }
    let floor = |instant: i64| instant.div_euclid(width).saturating_mul(width);
    let (first, last) = (start.saturating_sub(1).div_euclid(width).saturating_add(1).saturating_mul(width), floor(end));
    let piece = |start, end| Ask { span, interval: Interval::new(start, end), width: None };
    if first >= last {
        // No bucket is whole; there may be two pieces.
        let cut = if start < first && first < end { first } else { end };
        return [piece(start, cut), piece(cut, end)].into_iter().filter(|ask| !ask.interval.is_empty()).collect();
    }
    let step = width.saturating_mul(i64::try_from(longest).unwrap_or(i64::MAX)).max(width);
    let mut asks = vec![piece(start, first)];
    let mut from = first;
    while from < last {
        let to = from.saturating_add(step).min(last);
        asks.push(Ask { span, interval: Interval::new(from, to), width: Some(width) });
        from = to;
    }
    asks.push(piece(last, end));
    asks.retain(|ask| !ask.interval.is_empty());
    asks
}

impl Ask {
    /// Where each of its buckets begins.
    pub(super) fn starts(&self) -> impl Iterator<Item = i64> + use<> {
        let Interval { start, end } = self.interval;
        let width = self.width.unwrap_or(end.saturating_sub(start)).max(1);
        std::iter::successors(Some(start), move |at| at.checked_add(width).filter(|next| *next < end))
    }

    /// `GET /streams/{webId}/summary`.
    ///
    /// The width is given in seconds: in days it would follow the server's clock on the wall, and two days of a year would
    /// have 23 or 25 hours.
    pub(super) fn request(&self, tag: &Tag) -> Sub {
        let Interval { start, end } = self.interval;
        let end = match self.width {
            Some(_) => end.saturating_add(SECOND),
            None => end.saturating_sub(TICK),
        };
        let mut query = vec![
            ("startTime", format_instant(start)),
            ("endTime", format_instant(end)),
            ("summaryType", "Count".to_owned()),
            ("calculationBasis", "EventWeighted".to_owned()),
            ("timeType", "EarliestTime".to_owned()),
            ("selectedFields", FIELDS.to_owned()),
        ];
        query.extend(self.width.map(|width| ("summaryDuration", format!("{}s", width / SECOND))));
        Sub { method: "GET", path: tag.summary(), query }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag::Detail;

    fn shown(start: i64, end: i64, longest: usize) -> Vec<(i64, i64, bool)> {
        let asks = asks(0, Interval::new(start * SECOND, end * SECOND), 10 * SECOND, longest);
        let show = |ask: &Ask| (ask.interval.start / SECOND, ask.interval.end / SECOND, ask.width.is_some());
        asks.iter().map(show).collect()
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
            let asks = asks(0, Interval::new(start * SECOND, end * SECOND), 10 * SECOND, 2);
            asks.iter().flat_map(Ask::starts).map(|start| start / SECOND).collect()
        };
        assert_eq!(starts(5, 47), [5, 10, 20, 30, 40]);
        assert_eq!(starts(10, 40), [10, 20, 30]);
        assert_eq!(starts(15, 25), [15, 20]);
    }

    #[test]
    fn a_boundary_belongs_to_one_bucket_only() {
        let tag = Tag { id: "F1DP".into(), name: "A".into(), detail: Detail::default() };
        let sent = |ask: Ask, key: &str| {
            let sub = ask.request(&tag);
            assert_eq!(sub.path, "/streams/F1DP/summary");
            sub.query.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
        };
        let day = 86_400 * SECOND;
        let days = || Ask { span: 0, interval: Interval::new(0, 2 * day), width: Some(day) };
        assert_eq!(sent(days(), "endTime").unwrap(), "1970-01-03T00:00:01Z");
        assert_eq!(sent(days(), "summaryDuration").unwrap(), "86400s");
        let piece = || Ask { span: 0, interval: Interval::new(0, day), width: None };
        assert_eq!(sent(piece(), "endTime").unwrap(), "1970-01-01T23:59:59.9999999Z");
        assert_eq!(sent(piece(), "summaryDuration"), None);
    }
}
