//! Reading a tag: generated events and edits merged, in either direction, and a provisional newest value.

use std::sync::Arc;

use super::clock::Clock;
use super::event::Event;
use super::generate::{Draft, Flags, Generator};
use super::tag::Tag;
use crate::shared::series::{self, Series, Source};

/// An event as found: still a draft, or kept as it was edited.
pub(crate) type Item = series::Item<Draft, Event>;

impl Item {
    /// When.
    pub(crate) fn instant(&self) -> i64 {
        self.ticks::<Generator>()
    }

    /// The whole event.
    pub(crate) fn event(&self, tag: &Tag) -> Event {
        self.whole(&tag.generator)
    }
}

impl Source for Generator {
    type Draft = Draft;
    type Event = Event;

    fn slot_of(&self, ticks: i64) -> i64 {
        Generator::slot_of(self, ticks)
    }

    fn slot(&self, k: i64, out: &mut Vec<Draft>) {
        Generator::slot(self, k, out);
    }

    fn instant(draft: &Draft) -> i64 {
        draft.ticks
    }

    fn ticks(event: &Event) -> i64 {
        event.ticks
    }

    fn event(&self, draft: Draft) -> Event {
        Generator::event(self, draft)
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
    series: Series<'a, Generator>,
    provisional: Option<Arc<Event>>,
}

impl<'a> View<'a> {
    /// The tag as of now; with `snapshot`, the provisional newest value is part of it.
    pub(crate) fn new(tag: &'a Tag, clock: &Clock, snapshot: bool) -> View<'a> {
        let arrived = clock.arrived();
        let generator = &tag.generator;
        let last = if generator.empty { i64::MIN } else { arrived.saturating_add(generator.ahead) };
        let series = Series { source: generator, overlay: tag.edits.overlay(), first: generator.from, last };
        let mut view = View { tag, series, provisional: None };
        if snapshot && !tag.point.future {
            view.provisional = view
                .newest(arrived)
                .map(|newest| generator.provisional(newest.instant()))
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
        self.series.collect(lo, hi, descending, max, &mut out);
        if !descending
            && out.len() < max
            && let Some(event) = provisional
        {
            out.push(Item::Kept(Arc::clone(event)));
        }
        out
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
