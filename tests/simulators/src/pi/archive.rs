//! Reading a tag: generated events and edits merged, in either direction, as many as asked for and no further.

use std::sync::Arc;

use super::clock::Clock;
use super::event::Event;
use super::generate::{Draft, Flags};
use super::tag::{Overlay, Tag};

/// Grid rounding may move an event out of its slot by less than this.
const SLACK: i64 = 200;

/// An event as found: still a draft, or kept as it was edited.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// Generated, value not made yet.
    Made(Draft),
    /// Edited, inserted or provisional.
    Kept(Arc<Event>),
}

impl Item {
    /// When.
    pub(crate) fn ticks(&self) -> i64 {
        match self {
            Item::Made(draft) => draft.ticks,
            Item::Kept(event) => event.ticks,
        }
    }

    /// The whole event.
    pub(crate) fn event(&self, tag: &Tag) -> Event {
        match self {
            Item::Made(draft) => tag.generator.event(*draft),
            Item::Kept(event) => (**event).clone(),
        }
    }
}

/// The flags of an event as bits.
pub(crate) fn flags_of(event: &Event) -> Flags {
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    Flags(
        bit(event.good, Flags::GOOD)
            | bit(event.questionable, Flags::QUESTIONABLE)
            | bit(event.substituted, Flags::SUBSTITUTED)
            | bit(event.annotated, Flags::ANNOTATED),
    )
}

/// One tag as it stands at one moment.
#[derive(Debug)]
pub(crate) struct View<'a> {
    /// The tag.
    pub(crate) tag: &'a Tag,
    overlay: Arc<Overlay>,
    first: i64,
    last: i64,
    provisional: Option<Arc<Event>>,
}

impl<'a> View<'a> {
    /// The tag as of now; with `snapshot`, the provisional newest value is part of it.
    pub(crate) fn new(tag: &'a Tag, clock: &Clock, snapshot: bool) -> View<'a> {
        let arrived = clock.arrived();
        let last = arrived.saturating_add(tag.generator.ahead);
        let mut view = View { tag, overlay: tag.overlay(), first: tag.generator.from, last, provisional: None };
        if snapshot && !tag.point.future {
            view.provisional = view
                .newest(arrived)
                .map(|newest| tag.generator.provisional(newest.ticks()))
                .filter(|event| event.ticks <= arrived)
                .map(Arc::new);
        }
        view
    }

    /// Up to `max` events with `lo ≤ t ≤ hi`, from the low end or from the high end.
    pub(crate) fn collect(&self, lo: i64, hi: i64, descending: bool, max: usize) -> Vec<Item> {
        let mut out = Vec::new();
        let provisional = self.provisional.as_ref().filter(|event| (lo..=hi).contains(&event.ticks));
        if lo > hi || max == 0 {
            return out;
        }
        if descending && let Some(event) = provisional {
            out.push(Item::Kept(Arc::clone(event)));
        }
        if descending {
            self.backward(lo, hi, max, &mut out)
        } else {
            self.forward(lo, hi, max, &mut out)
        }
        if !descending
            && out.len() < max
            && let Some(event) = provisional
        {
            out.push(Item::Kept(Arc::clone(event)));
        }
        out
    }

    fn forward(&self, lo: i64, hi: i64, max: usize, out: &mut Vec<Item>) {
        let mut from = lo;
        for (at, events) in self.overlay.range(lo..=hi) {
            self.generated(from, at - 1, false, max, out);
            out.extend(events.iter().take(max.saturating_sub(out.len())).cloned().map(Item::Kept));
            from = at + 1;
            if out.len() >= max {
                return;
            }
        }
        self.generated(from, hi, false, max, out);
    }

    fn backward(&self, lo: i64, hi: i64, max: usize, out: &mut Vec<Item>) {
        let mut to = hi;
        for (at, events) in self.overlay.range(lo..=hi).rev() {
            self.generated(at + 1, to, true, max, out);
            out.extend(events.iter().rev().take(max.saturating_sub(out.len())).cloned().map(Item::Kept));
            to = at - 1;
            if out.len() >= max {
                return;
            }
        }
        self.generated(lo, to, true, max, out);
    }

    /// Generated events only, edits not looked at.
    fn generated(&self, lo: i64, hi: i64, descending: bool, max: usize, out: &mut Vec<Item>) {
        let (lo, hi) = (lo.max(self.first), hi.min(self.last));
        if lo > hi || out.len() >= max || self.tag.generator.empty {
            return;
        }
        let generator = &self.tag.generator;
        let (first, last) = (generator.slot_of(lo - SLACK), generator.slot_of(hi + SLACK));
        let expected = usize::try_from(last - first + 1).unwrap_or(usize::MAX).saturating_add(8);
        out.reserve(expected.min(max - out.len()));
        let mut scratch = Vec::new();
        let mut k = if descending { last } else { first };
        while (first..=last).contains(&k) && out.len() < max {
            scratch.clear();
            generator.slot(k, &mut scratch);
            if descending {
                scratch.reverse();
            }
            let room = max - out.len();
            let inside = scratch.iter().filter(|draft| (lo..=hi).contains(&draft.ticks));
            out.extend(inside.take(room).map(|draft| Item::Made(*draft)));
            k += if descending { -1 } else { 1 };
        }
    }

    /// How many events lie in `lo ≤ t ≤ hi`; `bad` includes those that are not good.
    pub(crate) fn count(&self, lo: i64, hi: i64, bad: bool) -> usize {
        let items = self.collect(lo, hi, false, usize::MAX);
        if bad { items.len() } else { items.iter().filter(|item| item.event(self.tag).good).count() }
    }

    /// The newest event at or before `at`, the provisional one included.
    pub(crate) fn newest(&self, at: i64) -> Option<Item> {
        self.collect(i64::MIN / 2, at, true, 1).pop()
    }

    /// The oldest event at or after `at`.
    pub(crate) fn oldest(&self, at: i64) -> Option<Item> {
        self.collect(at, i64::MAX / 2, false, 1).pop()
    }
}

#[cfg(test)]
mod tests {
    use crate::pi::{Config, Event, Truth, Value};

    const END: i64 = 17_000_000_000_000_000;

    fn truth() -> Truth {
        Truth::new(&Config { tags: 1, days: 0.1, end: Some(END), ..Config::default() })
    }

    #[test]
    fn any_window_in_either_direction_is_a_slice_of_the_whole() {
        let truth = truth();
        let all = truth.ticks(0, 0, END, false, usize::MAX);
        assert!(all.len() > 100);
        let step = 3_777_777_777;
        for lo in (END - 72_000_000_000..END).step_by(step) {
            for hi in (lo..END).step_by(step * 2) {
                let expected: Vec<i64> = all.iter().copied().filter(|t| (lo..=hi).contains(t)).collect();
                assert_eq!(truth.ticks(0, lo, hi, false, usize::MAX), expected);
                let mut reversed = expected.clone();
                reversed.reverse();
                assert_eq!(truth.ticks(0, lo, hi, true, usize::MAX), reversed);
                let first: Vec<i64> = expected.iter().copied().take(5).collect();
                assert_eq!(truth.ticks(0, lo, hi, false, 5), first);
            }
        }
    }

    #[test]
    fn edits_replace_what_was_generated() {
        let truth = truth();
        let all = truth.ticks(0, 0, END, false, usize::MAX);
        let (gone, kept) = (all[10], all[20]);
        let deleted = truth.delete(0, gone);
        truth.insert(0, Event::good(kept, Value::Int(7)));
        truth.insert(0, Event::good(kept + 1, Value::Int(8)));
        let after = truth.ticks(0, 0, END, false, usize::MAX);
        assert_eq!(after.len(), all.len() - deleted + 2);
        assert!(!after.contains(&gone));
        let mut backwards = truth.ticks(0, 0, END, true, usize::MAX);
        backwards.reverse();
        assert_eq!(after, backwards);
        let at = truth.events(0, kept * 100, (kept + 2) * 100);
        assert_eq!(at.last().unwrap().value, Value::Int(8));
    }
}
