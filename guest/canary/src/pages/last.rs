//! What a page proves of a tag when the server says that it is the last, although it is full.

use tidegate_sdk::{Fault, Instant};

use super::{
    Window,
    tag::{Reading, Taken},
};
use crate::api::Sample;

/// What of a tag is left to ask for after the last page of a window.
pub(super) enum Left {
    Nothing,
    /// What follows on what is proven.
    Rest,
    /// All that the page should have shown, in a window that holds less.
    All,
}

/// Takes in what a page shows of a tag. Of a full one that is said to be the `last`, only as much as if it were not: what
/// follows is asked for once more, unless that would be the same question as the one that this page answers. Where the page
/// shows no order either, what was cut off may lie anywhere in the window: less is asked for, if that is possible.
pub(super) fn taken<'a>(
    tag: &mut Reading,
    samples: Vec<Sample<'a>>,
    last: Option<Instant>,
    window: &Window,
) -> (Taken<'a>, Left) {
    let Some(end) = last.filter(|_| tag.is_full()) else { return (tag.take(samples, last), Left::Nothing) };
    let taken = tag.take(samples, None);
    if taken.fault.is_some() || tag.at() >= end.min(tag.end()) {
        return (taken, Left::Nothing);
    }
    match taken.cover.is_empty() && tag.at() <= window.from {
        false => (taken, Left::Rest),
        true if tag.shows_order() => (tag.take(Vec::new(), last), Left::Nothing),
        true if window.can_narrow => (taken, Left::All),
        true => (Taken { fault: Some(cut_off(window.size)), ..taken }, Left::Nothing),
    }
}

/// Why a window that cannot be narrowed proves nothing.
fn cut_off(size: usize) -> Fault {
    let text = format!(
        "getTagData2: the server ends a window with a full page of {size} in no order of time; nothing tells whether that \
         is all; raise `performance.max_count_per_request`, or lower `performance.batch_size`"
    );
    Fault::external("page-limit", text)
}
