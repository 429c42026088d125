//! Safe paging of many tags at once, as decisions only: what to ask for next, and what an answered page proves.
//!
//! Time is cut into windows that all tags share, because a request has one window; each is read to its end, page by page,
//! with the server's continuation (§6.3), and only then the next is asked for. Of a page in between nothing proves that it
//! is the last of any tag: each tag is proven up to the microsecond of its last sample, which is held back until the next
//! page shows whether more of it follows. The last page proves the window for every tag that the server showed, and that it
//! did not fill: what ends with a full page may have been cut there, so the rest of the window is asked for once more.
//! Where such a page is in no order of time, nothing tells which rest that is: less is asked for, until the page is not full.
//!
//! How wide a window is follows from how much was in the one before. Nothing depends on whether the server takes its bounds
//! as inside or outside (§6.4): they are asked for with a tick to spare, and what lies outside is dropped.

mod border;
mod last;
mod settle;
mod tag;

pub(crate) use settle::{Doubt, Round};

use tidegate_sdk::{
    Fault, Instant, Interval,
    plan::Performance,
    slices::{Slice, Slices},
};

use self::tag::Reading;
use crate::{api::Continuation, server::TICK};

/// Samples that one answer should hold. At about 70 bytes of JSON each this makes 3 MB: large enough that the fixed cost of
/// a request is lost in it, small enough that an instance stays far below its memory limit.
pub(crate) const SAMPLES_PER_ANSWER: usize = 40_000;

/// The most that an answer may ever hold, whatever a window turns out to be full of: several times the above is what an
/// instance can take. The server's own limit is 1,000,000 (§6.3).
const MOST: usize = 200_000;

/// The least that a page asks for of a tag: below it, requests cost more than the samples they bring.
const SMALLEST_PAGE: usize = 100;

/// The least of all: a page of one sample shows no order.
const TWO: usize = 2;

/// The first window: so long that the usual answer holds what one sample in ten seconds makes, in nanoseconds for all tags
/// together.
const FIRST: i64 = 400_000_000_000_000;

/// A request to send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    /// Which tags, by their places.
    pub(crate) tags: Vec<usize>,
    /// From when to when; a tick wider than the window at its start, and up to and with its end.
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    /// How many samples of each at most.
    pub(crate) size: usize,
    pub(crate) continuation: Option<Continuation>,
}

/// Where each tag of a group stands.
#[derive(Debug)]
pub(crate) struct Pages {
    tags: Vec<Reading>,
    slices: Slices,
    window: Option<Window>,
    /// Samples of one tag in a page, at most.
    cap: usize,
    /// What the next page should ask for of a tag.
    size: usize,
    /// Whether the server has been seen to leave out tags that have no samples in a window.
    omits: bool,
}

/// A window under way.
#[derive(Clone, Debug)]
struct Window {
    slice: Slice,
    /// From when on its members are asked for: later than the slice begins where its beginning is proven.
    from: Instant,
    members: Vec<usize>,
    size: usize,
    /// Whether a shorter window or a larger page can be asked for.
    can_narrow: bool,
    next: Option<Continuation>,
    /// Pages in a row that brought nothing newer.
    still: usize,
    begun: bool,
    /// Whether the tags are asked for again because the server did not show them.
    again: bool,
    /// Members of which the last page was full, although the server says that it was the last.
    unfinished: Vec<usize>,
    /// Whether the last page of a member was full and in no order, so that less must be asked for.
    too_full: bool,
    /// All samples so far, and those of the fullest tag.
    samples: usize,
}

impl Pages {
    /// Begins to read these intervals.
    pub(crate) fn new(intervals: &[Interval], performance: Performance) -> Self {
        let count = intervals.len().max(1);
        let start = intervals.iter().map(|interval| interval.start).min().unwrap_or_default();
        let end = intervals.iter().map(|interval| interval.end).max().unwrap_or_default();
        let first = FIRST / i64::try_from(count).unwrap_or(i64::MAX);
        let cap = performance.max_count_per_request.min(MOST / count).max(TWO);
        Self {
            tags: intervals.iter().map(|interval| Reading::new(*interval)).collect(),
            slices: Slices::new(Interval::new(start, end), first, SAMPLES_PER_ANSWER),
            window: None,
            cap,
            size: even(count).min(cap),
            omits: false,
        }
    }

    /// The next request; none when all is read.
    pub(crate) fn next(&mut self) -> Option<Ask> {
        while self.window.is_none() {
            let slice = self.slices.next()?;
            let open =
                |tag: &Reading| tag.is_open() && tag.at() < slice.interval.end && tag.end() > slice.interval.start;
            let members: Vec<usize> =
                self.tags.iter().enumerate().filter(|(_, tag)| open(tag)).map(|(place, _)| place).collect();
            if members.is_empty() {
                self.slices.done(&slice, 0);
            } else {
                self.begin(slice, members);
            }
        }
        let window = self.window.as_ref()?;
        Some(Ask {
            tags: window.members.clone(),
            start: window.from.saturating_sub(TICK),
            end: window.slice.interval.end,
            size: window.size,
            continuation: window.next.clone(),
        })
    }

    fn begin(&mut self, slice: Slice, members: Vec<usize>) {
        for member in &members {
            if let Some(tag) = self.tags.get_mut(*member) {
                tag.begin(slice.interval.start);
            }
        }
        self.window = Some(Window {
            slice,
            from: slice.interval.start,
            members,
            size: self.size,
            can_narrow: self.slices.can_be_cut(&slice) || self.size < self.cap,
            next: None,
            still: 0,
            begun: false,
            again: false,
            unfinished: Vec::new(),
            too_full: false,
            samples: 0,
        });
    }

    /// Asks for the rest of a window, as far as it is not proven of these of its members.
    fn resume(&mut self, window: Window, members: Vec<usize>, again: bool) {
        let mut from = window.slice.interval.end;
        for member in &members {
            if let Some(tag) = self.tags.get_mut(*member) {
                tag.resume();
                from = from.min(tag.at());
            }
        }
        let from = from.max(window.slice.interval.start);
        let unfinished = Vec::new();
        self.window = Some(Window { from, members, next: None, still: 0, begun: false, again, unfinished, ..window });
    }

    /// The last answer took too long or was too large: asks for a shorter window with smaller pages; `false` when that has
    /// been tried often enough.
    pub(crate) fn ease(&mut self) -> bool {
        let Some(window) = self.window.take() else { return false };
        self.size = self.size.div_ceil(2).max(TWO);
        self.cap = self.cap.div_ceil(2).max(TWO);
        self.slices.cut_after_time_out(&window.slice)
    }

    /// Asks for half of the time, and where time cannot be cut, for as large a page as may be.
    fn narrow(&mut self, window: &Window) {
        match self.slices.can_be_cut(&window.slice) {
            true => self.slices.cut(&window.slice),
            false => self.size = self.cap,
        }
    }

    /// What is not read of each tag that was not given up.
    pub(crate) fn rest(&self) -> Vec<(usize, Interval)> {
        let open = self.tags.iter().enumerate().filter(|(_, tag)| tag.is_open());
        open.map(|(place, tag)| (place, Interval::new(tag.at(), tag.end()))).collect()
    }
}

/// What each of so many tags may bring for an answer of the usual size.
fn even(tags: usize) -> usize {
    (SAMPLES_PER_ANSWER / tags.max(1)).max(SMALLEST_PAGE)
}

/// The fault of a tag that the server says it does not have.
pub(crate) fn unknown_tag(path: &str) -> Fault {
    Fault::user(
        "tag-not-found",
        format!("{path}: the server knows no such tag; it was renamed, deleted, or hidden from this account"),
    )
}

#[cfg(test)]
mod tests;
