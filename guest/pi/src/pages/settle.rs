//! What one answered page proves.

use std::ops::Range;

use tidegate_sdk::{Fault, Instant, Interval, floor_micros};

use super::{Ask, DEFAULT_COUNT, Pages, overflow};

/// The verdict on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Which of its events count: inside the interval, and all events of their microsecond known.
    pub(crate) keep: Range<usize>,
    /// What is proven; empty where nothing is.
    pub(crate) cover: Interval,
    /// What cannot be read, and why.
    pub(crate) gap: Option<(Interval, Fault)>,
}

impl Pages {
    /// Takes in the events of a page, whose instants `at` tells. `sick` is the first event that the server wrote with
    /// errors, and what they say: nothing from its microsecond on is proven.
    pub(crate) fn settle<T>(
        &mut self,
        ask: &Ask,
        page: &[T],
        sick: Option<(usize, &str)>,
        at: impl Fn(&T) -> Instant,
    ) -> Settled {
        let Interval { start, end } = ask.interval;
        if !page.is_sorted_by_key(&at) {
            let text = "the server returned events out of time order; nothing of this page can be trusted";
            return self.stop(ask, 0..0, start, Fault::external("unordered", text));
        }
        // A server may round the bounds it is given: what lies outside is not ours.
        let first = page.partition_point(|event| at(event) < start);
        let until = |edge: Instant| first..page.partition_point(|event| at(event) < edge).max(first);
        if let Some((instant, said)) = sick.and_then(|(index, said)| Some((at(page.get(index)?), said)))
            && instant < end
        {
            let edge = floor_micros(instant).max(start);
            let text = format!("the server wrote an event with errors: {said}");
            return self.stop(ask, until(edge), edge, Fault::external("item-errors", text));
        }
        let last = page.last().map_or(end, &at);
        if last >= end || !self.is_full(ask, page.len()) {
            return self.advance(ask, until(end), end);
        }
        let edge = floor_micros(last);
        if edge > start {
            return self.advance(ask, until(edge), edge);
        }
        self.widen(ask, page.len())
    }

    /// Whether there may be more than the page shows.
    fn is_full(&mut self, ask: &Ask, length: usize) -> bool {
        // A page of just the length asked for is no proof: the stream may have had no more.
        self.obeys |= DEFAULT_COUNT < length && length <= ask.count;
        // A server, or a gateway before it, that drops `maxCount` returns its default number and looks finished.
        length >= ask.count || (length == DEFAULT_COUNT && !self.obeys)
    }

    /// One microsecond fills the page: the next one must be larger.
    fn widen(&mut self, ask: &Ask, length: usize) -> Settled {
        let probing = ask.count == DEFAULT_COUNT - 1;
        if length < ask.count && !probing {
            // Suspected of not obeying `maxCount`: an answer to one less than the default tells.
            return self.retry(ask, DEFAULT_COUNT - 1);
        }
        // Of the 1,000 events that are there, the server has just returned one less, as asked.
        self.obeys |= probing && length == ask.count;
        if ask.count >= self.ceiling || (probing && length > ask.count) {
            return self.stop(ask, 0..0, ask.interval.start, overflow(length));
        }
        self.retry(ask, ask.count.saturating_mul(2).min(self.ceiling))
    }

    fn retry(&mut self, ask: &Ask, count: usize) -> Settled {
        if let Some(tag) = self.tags.get_mut(ask.tag) {
            tag.count = Some(count);
        }
        let start = ask.interval.start;
        Settled { keep: 0..0, cover: Interval::new(start, start), gap: None }
    }

    fn advance(&mut self, ask: &Ask, keep: Range<usize>, edge: Instant) -> Settled {
        if let Some(tag) = self.tags.get_mut(ask.tag) {
            tag.at = edge;
            tag.rows += keep.len();
            tag.count = None;
            tag.done = edge >= tag.end;
        }
        Settled { keep, cover: Interval::new(ask.interval.start, edge), gap: None }
    }

    fn stop(&mut self, ask: &Ask, keep: Range<usize>, edge: Instant, fault: Fault) -> Settled {
        self.give_up(ask);
        Settled {
            keep,
            cover: Interval::new(ask.interval.start, edge),
            gap: Some((Interval::new(edge, ask.interval.end), fault)),
        }
    }
}
