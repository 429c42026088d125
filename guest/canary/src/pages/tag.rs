//! Where one tag stands, and what of its samples is certain.

use tidegate_sdk::{Fault, Instant, Interval, floor_micros};

use super::border::candidates;
use crate::api::{Sample, Stamp};

/// Samples of one tag that are held back at most because they came in no order.
const HELD: usize = 1_000_000;

/// Samples, each with its instant.
pub(crate) type Timed<'a> = Vec<(Instant, Sample<'a>)>;

/// One tag of a group.
#[derive(Debug)]
pub(super) struct Reading {
    /// Everything before is proven.
    at: Instant,
    end: Instant,
    /// Where the window begins for this tag: what is older was read with the window before.
    floor: Instant,
    /// Samples that wait for the next page: those of the last microsecond, or all of them where their order is wrong.
    held: Timed<'static>,
    /// A page came in no order, so that nothing is certain before the last one.
    unordered: bool,
    /// Two samples have come in the order of time: until then a server may begin with the newest.
    ordered: bool,
    /// Whether the last page that showed it held as many samples as were asked for.
    full: bool,
    /// Whether the server has shown this tag in the window.
    shown: bool,
    given_up: bool,
    /// Samples in the window so far.
    count: usize,
    /// The newest sample that the window has shown.
    newest: Option<Instant>,
}

/// What a page of one tag brought.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    /// Its samples that are certain, each with its instant, in order.
    pub(super) samples: Timed<'a>,
    /// What is proven; empty where nothing is.
    pub(super) cover: Interval,
    /// Why the tag cannot be read further.
    pub(super) fault: Option<Fault>,
}

impl Reading {
    pub(super) fn new(interval: Interval) -> Self {
        let Interval { start, end } = interval;
        Self {
            at: start,
            end,
            floor: start,
            held: Vec::new(),
            unordered: false,
            ordered: false,
            full: false,
            shown: false,
            given_up: interval.is_empty(),
            count: 0,
            newest: None,
        }
    }

    /// Everything before is proven.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    pub(super) fn end(&self) -> Instant {
        self.end
    }

    /// Whether something of it is left to read.
    pub(super) fn is_open(&self) -> bool {
        !self.given_up && self.at < self.end
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Whether the server has shown it in this window.
    pub(super) fn is_shown(&self) -> bool {
        self.shown
    }

    /// Whether the last page that showed it was full, so that more may follow.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn is_full_after(&mut self, full: bool) {
        self.full = full;
    }

    /// What the window has shown of it so far does not prove that there is no more.
    pub(super) fn hide(&mut self) {
        self.shown = false;
    }

    /// Whether something was proven since the window was begun or resumed.
    pub(super) fn has_moved(&self) -> bool {
        self.at > self.floor
    }

    /// Whether its samples come in the order of time, as far as the window has shown.
    pub(super) fn shows_order(&self) -> bool {
        self.ordered && !self.unordered
    }

    /// How many samples it has had in this window.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// A window begins; what was held back of an earlier attempt comes again.
    pub(super) fn begin(&mut self, start: Instant) {
        self.resume();
        self.floor = self.at.max(start);
        self.full = false;
        self.count = 0;
    }

    /// The rest of a window is asked for; what was held back comes again.
    pub(super) fn resume(&mut self) {
        self.floor = self.floor.max(self.at);
        self.held.clear();
        self.unordered = false;
        self.shown = false;
        self.newest = None;
    }

    /// How many samples at the beginning of `page` may be repetitions of the page before.
    pub(super) fn candidates(&self, page: &[Sample<'_>]) -> Option<usize> {
        if self.unordered || self.given_up { None } else { candidates(&self.held, page) }
    }

    /// Whether a page holds a sample that is newer than all that the window has shown.
    pub(super) fn is_newer(&mut self, page: &[Sample<'_>]) -> bool {
        let instants = page.iter().filter_map(|sample| match sample.stamp {
            Stamp::At(instant) => Some(instant),
            Stamp::Never | Stamp::Unreadable(_) | Stamp::Missing => None,
        });
        let before = self.newest;
        self.newest = instants.max().max(before);
        self.newest > before
    }

    /// Cannot be read further: what is missing.
    pub(super) fn give_up(&mut self) -> Interval {
        self.given_up = true;
        self.held.clear();
        Interval::new(self.at, self.end)
    }

    /// Takes in a page; with `last`, the window that ends there is complete.
    pub(super) fn take<'a>(&mut self, page: Vec<Sample<'a>>, last: Option<Instant>) -> Taken<'a> {
        let start = self.at;
        let nothing = |fault| Taken { samples: Vec::new(), cover: Interval::new(start, start), fault };
        self.shown = true;
        let mut before = self.held.last().map_or(self.floor, |(at, _)| *at);
        let mut samples: Timed<'a> = std::mem::take(&mut self.held);
        samples.reserve(page.len());
        for sample in page {
            let at = placed(&sample, before);
            if at >= self.floor {
                before = at;
                samples.push((at, sample));
            }
        }
        let sorted = samples.is_sorted_by_key(|(at, _)| *at);
        if !sorted {
            // Stable: samples that share an instant stay in the server's order.
            samples.sort_by_key(|(at, _)| *at);
        }
        if samples.first().is_some_and(|(at, _)| *at < start) {
            return nothing(Some(late()));
        }
        self.unordered |= !sorted;
        let first = samples.first().map(|(at, _)| *at);
        self.ordered |= sorted && samples.last().map(|(at, _)| *at) > first;
        let holds = !self.shows_order();
        let newest = samples.last().map_or(start, |(at, _)| *at);
        let proven = match last {
            Some(end) => end,
            None if holds && samples.len() > HELD => return nothing(Some(unordered())),
            None if holds => start,
            None => floor_micros(newest),
        };
        let edge = proven.min(self.end).max(start);
        let rest = samples.split_off(samples.partition_point(|(at, _)| *at < edge));
        if last.is_none() && edge < self.end {
            self.held = rest.into_iter().map(|(at, sample)| (at, sample.into_owned())).collect();
        }
        self.at = edge;
        self.count += samples.len();
        Taken { samples, cover: Interval::new(start, edge), fault: None }
    }
}

/// When a sample happened. One without a readable time stands with the one before, so that the page keeps its order and it
/// is rejected once, with the stretch that it stands in.
fn placed(sample: &Sample<'_>, before: Instant) -> Instant {
    match sample.stamp {
        Stamp::At(instant) => instant,
        Stamp::Never | Stamp::Unreadable(_) | Stamp::Missing => before,
    }
}

fn late() -> Fault {
    let text =
        "the server returned a sample that is older than what it had returned before; nothing after can be trusted";
    Fault::external("unordered", text)
}

fn unordered() -> Fault {
    let text = format!("the server returned more than {HELD} samples of one window in no order of time");
    Fault::external("unordered", text)
}
