//! Safe paging of many tags at once, as decisions only: which pages to ask for next, and what an answered page proves.
//!
//! A full page says nothing about the events after its last one, and several of these may share its microsecond. So a
//! full page proves everything before the microsecond of its last event, and the next page reads that microsecond
//! again, whole. Each tag has a cursor of its own; a cursor never moves by a guess such as "one second later".

mod settle;

use tidegate_sdk::{Fault, Instant, Interval};

/// Rows that one answer should hold. At about 170 bytes of JSON a row this makes 7 MB: large enough that the fixed cost
/// of a request is lost in it, small enough that an instance stays far below its memory limit.
pub(crate) const ROWS_PER_ANSWER: usize = 40_000;

/// The least a page asks for: below it, requests cost more than the rows they bring.
const SMALLEST_PAGE: usize = 100;

/// `MaxReturnedItemsPerCall` of a server that nobody reconfigured.
const USUAL_LIMIT: usize = 150_000;

/// What PI returns when it does not see `maxCount`.
const DEFAULT_COUNT: usize = 1_000;

/// One page to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Which tag, by its place in the partition.
    pub(crate) tag: usize,
    /// From when to when, half-open.
    pub(crate) interval: Interval,
    /// How many events at most.
    pub(crate) count: usize,
}

/// Where each tag of a partition stands.
#[derive(Debug)]
pub(crate) struct Pages {
    tags: Vec<Tag>,
    /// Tags in one request.
    batch_size: usize,
    /// Events in one page, as configured and as the server allows.
    cap: usize,
    /// The most that a page may be widened to when one instant fills it.
    ceiling: usize,
    /// Rows that one answer should hold.
    answer: usize,
    /// Whether less is asked for because an answer took too long.
    eased: bool,
    /// Whether the server has been seen to obey `maxCount`: a page was longer than its default.
    obeys: bool,
    started: bool,
}

#[derive(Debug)]
struct Tag {
    start: Instant,
    /// Everything before is proven.
    at: Instant,
    end: Instant,
    /// Rows proven so far.
    rows: usize,
    /// A count for the next page, other than the usual.
    count: Option<usize>,
    done: bool,
}

impl Pages {
    /// Begins to read these intervals. `limit` is the server's own, where it is known.
    pub(crate) fn new(intervals: &[Interval], batch_size: usize, max_count: usize, limit: Option<usize>) -> Self {
        let tags = intervals.iter().map(|interval| Tag {
            start: interval.start,
            at: interval.start,
            end: interval.end,
            rows: 0,
            count: None,
            done: interval.is_empty(),
        });
        let ceiling = limit.unwrap_or_else(|| USUAL_LIMIT.max(max_count)).max(1);
        Self {
            tags: tags.collect(),
            batch_size: batch_size.max(1),
            cap: max_count.clamp(1, ceiling),
            ceiling,
            answer: ROWS_PER_ANSWER,
            eased: false,
            obeys: false,
            started: false,
        }
    }

    /// The pages of the next request; none when all is read.
    ///
    /// First one page of every tag, and from then on those furthest behind, so that time advances evenly over the
    /// partition, with pages as large as the tag's density so far suggests.
    pub(crate) fn round(&mut self) -> Vec<Ask> {
        let mut open: Vec<usize> =
            (0..self.tags.len()).filter(|tag| self.tags.get(*tag).is_some_and(|tag| !tag.done)).collect();
        open.sort_by_key(|tag| self.tags.get(*tag).map(|tag| tag.at));
        open.truncate(self.batch_size);
        let even = (self.answer / open.len().max(1)).max(SMALLEST_PAGE).min(self.cap);
        let first = !std::mem::replace(&mut self.started, true);
        let mut asks = Vec::with_capacity(open.len());
        let mut rows = 0;
        for index in open {
            let Some(tag) = self.tags.get(index) else { continue };
            let count = if first { even } else { tag.next_count(self.cap) };
            if !first && !asks.is_empty() && rows + count > self.answer {
                break;
            }
            rows += count;
            asks.push(Ask { tag: index, interval: Interval::new(tag.at, tag.end), count });
        }
        asks
    }

    /// The last answer took too long: asks for half the tags and half the rows from here on. Once only, because a server
    /// may go on with what nobody waits for any more; `false` the second time.
    pub(crate) fn ease(&mut self) -> bool {
        if std::mem::replace(&mut self.eased, true) {
            return false;
        }
        self.batch_size = self.batch_size.min(self.tags.len()).div_ceil(2).max(1);
        self.answer = (self.answer / 2).max(1);
        self.cap = self.cap.div_ceil(2);
        self.started = self.tags.iter().any(|tag| tag.at > tag.start);
        true
    }

    /// The tag of `ask` cannot be read further: returns what stays unproven.
    pub(crate) fn give_up(&mut self, ask: &Ask) -> Interval {
        if let Some(tag) = self.tags.get_mut(ask.tag) {
            tag.done = true;
        }
        ask.interval
    }

    /// The server allows fewer events in a page than `ask` wanted: `limit`, or, where it does not say, less than that.
    ///
    /// Returns the new limit, or `None` when there is no smaller page.
    pub(crate) fn shrink(&mut self, ask: &Ask, limit: Option<usize>) -> Option<usize> {
        let smaller = limit.filter(|limit| *limit > 0 && *limit < ask.count).unwrap_or(ask.count / 2);
        if smaller == 0 {
            return None;
        }
        self.ceiling = self.ceiling.min(smaller);
        self.cap = self.cap.min(smaller);
        if let Some(tag) = self.tags.get_mut(ask.tag) {
            tag.count = None;
        }
        Some(smaller)
    }
}

impl Tag {
    fn next_count(&self, cap: usize) -> usize {
        if let Some(count) = self.count {
            return count;
        }
        let read = i128::from(self.at) - i128::from(self.start);
        let left = i128::from(self.end) - i128::from(self.at);
        if self.rows == 0 || read <= 0 {
            return cap;
        }
        // A quarter more than the density so far, so that the last page is seldom full by chance.
        let expected = i128::try_from(self.rows).unwrap_or(i128::MAX).saturating_mul(left) / read;
        let expected = usize::try_from(expected.saturating_add(expected / 4)).unwrap_or(cap);
        expected.saturating_add(SMALLEST_PAGE).min(cap)
    }
}

/// The fault for a microsecond with more events than any page holds.
fn overflow(count: usize) -> Fault {
    Fault::external(
        "instant-overflow",
        format!(
            "more than {count} events share one microsecond, and a page cannot be made larger; \
             raise MaxReturnedItemsPerCall on the PI Web API"
        ),
    )
}

#[cfg(test)]
mod tests;
