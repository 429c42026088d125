//! A series of events that is computed, with edits over it: read in either direction, as many as asked for and no
//! further.
//!
//! A [`Source`] makes the events of any slot of time out of nothing but the slot's number, so a window is found without
//! looking at what lies before it. [`Edits`] replace all that lies at an instant.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Rounding may move an event out of its slot by less than this.
const SLACK: i64 = 200;

/// Where generated events come from.
pub(crate) trait Source {
    /// An event before its value is made.
    type Draft: Copy;
    /// A whole event.
    type Event;

    /// The slot that holds an instant.
    fn slot_of(&self, ticks: i64) -> i64;

    /// Appends the events of slot `k` in time order.
    fn slot(&self, k: i64, out: &mut Vec<Self::Draft>);

    /// When a draft happens.
    fn instant(draft: &Self::Draft) -> i64;

    /// When an event happens.
    fn ticks(event: &Self::Event) -> i64;

    /// A draft as a whole event.
    fn event(&self, draft: Self::Draft) -> Self::Event;
}

/// An event as found: still a draft, or kept as it was edited.
#[derive(Clone, Debug)]
pub(crate) enum Item<D, E> {
    /// Generated, value not made yet.
    Made(D),
    /// Edited, inserted or provisional.
    Kept(Arc<E>),
}

/// What a source's events are found as.
pub(crate) type Found<S> = Item<<S as Source>::Draft, <S as Source>::Event>;

impl<D: Copy, E: Clone> Item<D, E> {
    /// When.
    pub(crate) fn ticks<S: Source<Draft = D, Event = E>>(&self) -> i64 {
        match self {
            Item::Made(draft) => S::instant(draft),
            Item::Kept(event) => S::ticks(event),
        }
    }

    /// The whole event.
    pub(crate) fn whole<S: Source<Draft = D, Event = E>>(&self, source: &S) -> E {
        match self {
            Item::Made(draft) => source.event(*draft),
            Item::Kept(event) => (**event).clone(),
        }
    }
}

/// Instants whose events have been changed, with all their events.
pub(crate) type Overlay<E> = BTreeMap<i64, Vec<Arc<E>>>;

/// The edits of one series.
#[derive(Debug)]
pub(crate) struct Edits<E> {
    overlay: RwLock<Arc<Overlay<E>>>,
}

impl<E> Default for Edits<E> {
    fn default() -> Edits<E> {
        Edits { overlay: RwLock::new(Arc::new(BTreeMap::new())) }
    }
}

impl<E> Edits<E> {
    /// The edits as of now.
    pub(crate) fn overlay(&self) -> Arc<Overlay<E>> {
        Arc::clone(&self.overlay.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the edits; readers keep what they have.
    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut Overlay<E>) -> T) -> T {
        let mut guard = self.overlay.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut guard))
    }
}

/// Generated events between two instants, and the edits over them, as of one moment.
#[derive(Debug)]
pub(crate) struct Series<'a, S: Source> {
    /// Where generated events come from.
    pub(crate) source: &'a S,
    /// The edits.
    pub(crate) overlay: Arc<Overlay<S::Event>>,
    /// First instant of generated events.
    pub(crate) first: i64,
    /// Last instant of generated events.
    pub(crate) last: i64,
}

impl<S: Source> Series<'_, S> {
    /// Up to `max` events with `lo ≤ t ≤ hi`, from the low end or from the high end.
    pub(crate) fn collect(&self, lo: i64, hi: i64, descending: bool, max: usize, out: &mut Vec<Found<S>>) {
        if lo > hi || out.len() >= max {
            return;
        }
        if descending { self.backward(lo, hi, max, out) } else { self.forward(lo, hi, max, out) }
    }

    fn forward(&self, lo: i64, hi: i64, max: usize, out: &mut Vec<Found<S>>) {
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

    fn backward(&self, lo: i64, hi: i64, max: usize, out: &mut Vec<Found<S>>) {
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
    fn generated(&self, lo: i64, hi: i64, descending: bool, max: usize, out: &mut Vec<Found<S>>) {
        let (lo, hi) = (lo.max(self.first), hi.min(self.last));
        if lo > hi || out.len() >= max {
            return;
        }
        let (first, last) = (self.source.slot_of(lo - SLACK), self.source.slot_of(hi + SLACK));
        let expected = usize::try_from(last - first + 1).unwrap_or(usize::MAX).saturating_add(8);
        out.reserve(expected.min(max - out.len()));
        let mut scratch = Vec::new();
        let mut k = if descending { last } else { first };
        while (first..=last).contains(&k) && out.len() < max {
            scratch.clear();
            self.source.slot(k, &mut scratch);
            if descending {
                scratch.reverse();
            }
            let room = max - out.len();
            let inside = scratch.iter().filter(|draft| (lo..=hi).contains(&S::instant(draft)));
            out.extend(inside.take(room).map(|draft| Item::Made(*draft)));
            k += if descending { -1 } else { 1 };
        }
    }
}
