//! One stream that is signed up: its marker, and the log of what has happened to it.

use super::Stream;
use crate::pi::archive::{Item, View};
use crate::pi::event::{Event, Value};
use crate::pi::truth::Truth;

/// What the server says of a signup that it had to end (reference §7).
pub(super) const SPOILED: &str = "The signup was updated and any cached data could be invalid.";

/// `AFDataPipeAction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A value was replaced, or inserted before the newest.
    Update,
    /// A new value.
    Add,
    /// A value was removed.
    Delete,
    /// History changed from this instant on.
    Refresh,
}

impl Action {
    /// As the server spells it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Action::Update => "Update",
            Action::Add => "Add",
            Action::Delete => "Delete",
            Action::Refresh => "Refresh",
        }
    }
}

/// One entry of the log.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// What happened.
    pub(crate) action: Action,
    /// `PreviousEventAction`: what became of the snapshot before it.
    pub(crate) previous: &'static str,
    /// The value it happened to.
    pub(crate) event: Event,
}

/// A stream's place in the cache.
#[derive(Debug)]
pub(super) struct Signup {
    hex: String,
    pub(super) stream: Stream,
    /// Ends with an error at the next retrieval.
    pub(super) spoiled: bool,
    log: Vec<Update>,
    /// The number of the first entry of `log`; those before it are forgotten.
    first: usize,
    /// Everything generated up to this instant has been announced.
    until: i64,
    /// The newest value is a snapshot that the next one discards.
    provisional: bool,
}

/// Reads `<32 hex>_<n>`.
pub(super) fn parse(marker: &str) -> Option<(&str, usize)> {
    let (hex, number) = marker.split_once('_')?;
    let plain = hex.len() == 32 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (plain && digits).then_some(())?;
    Some((hex, number.parse().ok()?))
}

impl Signup {
    /// From now on; what is there already is not announced.
    pub(super) fn new(hex: String, stream: Stream, truth: &Truth) -> Signup {
        let catalogue = truth.catalogue();
        let tag = catalogue.tags.get(stream.tag);
        let newest = tag.and_then(|tag| truth.view(tag).newest(i64::MAX / 4));
        let provisional = matches!(newest, Some(Item::Kept(event)) if event.provisional);
        let until = tag.map_or(0, |tag| truth.clock().arrived().saturating_add(tag.generator.ahead));
        Signup { hex, stream, spoiled: false, log: Vec::new(), first: 0, until, provisional }
    }

    /// The marker of its end.
    pub(super) fn latest(&self) -> String {
        format!("{}_{}", self.hex, self.first + self.log.len())
    }

    /// The entries from number `at` on; `None` when they are forgotten, or not there yet.
    pub(super) fn since(&mut self, at: usize, once: bool) -> Option<Vec<Update>> {
        let updates = self.log.get(at.checked_sub(self.first)?..)?.to_vec();
        if once {
            self.first += self.log.len();
            self.log.clear();
        }
        Some(updates)
    }

    /// Adds an entry; a new value decides what becomes of the snapshot before it.
    pub(super) fn push(&mut self, action: Action, event: Event) {
        let adds = action == Action::Add;
        let discards = adds && std::mem::take(&mut self.provisional);
        let previous = match (adds, discards) {
            (false, _) => "None",
            (true, false) => "PreviousEventArchived",
            (true, true) => "PreviousEventDiscarded",
        };
        self.log.push(Update { action, previous, event });
    }

    /// Announces what has arrived by time, each value with the snapshot that follows it.
    pub(super) fn follow(&mut self, truth: &Truth) {
        let catalogue = truth.catalogue();
        let Some(tag) = catalogue.tags.get(self.stream.tag) else { return };
        let arrived = truth.clock().arrived();
        let to = arrived.saturating_add(tag.generator.ahead);
        if to < self.until {
            let no_data = Value::System { name: "No Data".into(), code: 248 };
            self.push(Action::Refresh, Event { good: false, ..Event::good(to, no_data) });
            self.until = to;
            return;
        }
        let items = View::new(tag, truth.clock(), false).collect(self.until + 1, to, false, usize::MAX);
        let made: Vec<Event> =
            items.iter().filter(|item| matches!(item, Item::Made(_))).map(|item| item.event(tag)).collect();
        for (at, event) in made.iter().enumerate() {
            self.push(Action::Add, event.clone());
            let snapshot = tag.generator.provisional(event.ticks);
            let next = made.get(at + 1).map_or(arrived.saturating_add(1), |next| next.ticks);
            if !tag.point.future && snapshot.ticks > event.ticks && snapshot.ticks < next {
                self.push(Action::Add, Event { provisional: false, ..snapshot });
                self.provisional = true;
            }
        }
        self.until = to;
    }
}
