//! Answers of Stream Updates → what to read again. No request, no host: everything here can be tested natively.

use tidegate_sdk::{Instant, Interval, floor_micros};

use super::bookmark::Bookmark;
use crate::{
    api::{Announced, Content, Signup, Stamp, Update},
    batch::{Reply, judge},
};

const MICRO: i64 = 1_000;
const SECOND: i64 = 1_000_000_000;
/// The last whole microsecond that an instant holds.
const LAST: Instant = 9_223_372_036_854_775_000;
/// Changes closer than this are one interval.
const CLOSE: i64 = 60 * SECOND;
/// Intervals of one tag; more are joined until they are no more.
const MOST: usize = 64;

/// What a marker gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Retrieved {
    /// A new marker, where something changed, and whether that is all.
    News { bookmark: Bookmark, dirty: Vec<Interval>, complete: bool },
    /// Nothing for now; the marker stays good.
    Unanswered,
    /// The marker is worth nothing any more.
    Lost(String),
}

/// What a signup gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignedUp {
    /// What happens from here on is announced.
    At(Bookmark),
    /// This tag is not signed up.
    Refused(String),
    /// The server does not know the request.
    Unknown,
}

/// Reads the answer to a signup.
pub(super) fn signed_up(reply: Option<Reply<Content<Signup>>>) -> SignedUp {
    let signup = match judge("POST /streams/*/updates", reply) {
        Ok(signup) => signup,
        Err(refusal) if matches!(refusal.status, Some(404 | 405 | 501)) => return SignedUp::Unknown,
        Err(refusal) => return SignedUp::Refused(refusal.fault.message),
    };
    match signup.marker.filter(|marker| !marker.is_empty() && signup.exception.is_empty()) {
        Some(marker) => SignedUp::At(Bookmark { marker, newest: None }),
        None => SignedUp::Refused(signup.exception.join("; ")),
    }
}

/// Reads what happened since `old`.
pub(super) fn retrieved(old: &Bookmark, reply: Option<Reply<Content<Update<'_>>>>) -> Retrieved {
    let update = match judge("GET /streams/updates/*", reply) {
        Ok(update) => update,
        Err(refusal) => {
            let gone = matches!(refusal.status, Some(400 | 404 | 409 | 410));
            return if gone { Retrieved::Lost(refusal.fault.message) } else { Retrieved::Unanswered };
        }
    };
    let marker = match update.marker {
        Some(marker) if !marker.is_empty() && update.exception.is_empty() => marker,
        _ => return Retrieved::Lost(format!("signed up no more: {}", update.exception.join("; "))),
    };
    let Some(events) = update.events else { return Retrieved::Unanswered };
    // Fewer events than the markers count: some were forgotten, and nobody knows which.
    let whole = old.events_until(&marker).is_some_and(|count| events.len() >= count);
    let (dirty, all) = dirty(old, &events);
    let newest = events.iter().rev().find(|event| adds(event)).map_or(old.newest, |event| match event.timestamp {
        Stamp::At(at) => Some(at),
        Stamp::Unreadable => None,
    });
    Retrieved::News { bookmark: Bookmark { marker, newest }, dirty, complete: whole && all }
}

fn adds(event: &Announced<'_>) -> bool {
    event.action.as_deref() == Some("Add")
}

/// Where these events changed something, and whether that is all: not if one of them does not say when.
///
/// The first new value also decides what becomes of the snapshot before it, which may be stored already: unless it says
/// that it was archived, that one is to be read again too.
fn dirty(old: &Bookmark, events: &[Announced<'_>]) -> (Vec<Interval>, bool) {
    let mut dirty = Vec::with_capacity(events.len() + 1);
    let mut all = true;
    for event in events {
        let Stamp::At(at) = event.timestamp else {
            all = false;
            continue;
        };
        // `Refresh`, and what nobody has heard of: history may have changed from there on.
        let known = matches!(event.action.as_deref(), Some("Add" | "Update" | "Delete"));
        dirty.push(if known { moment(at) } else { Interval::new(moment(at).start, LAST) });
    }
    let first = events.iter().find(|event| adds(event)).map(|event| event.previous_event_action.as_deref());
    if first.is_some_and(|previous| !matches!(previous, Some("PreviousEventArchived" | "None"))) {
        all &= old.newest.is_some();
        dirty.extend(old.newest.map(moment));
    }
    (joined(dirty), all)
}

/// The microsecond of an instant.
fn moment(at: Instant) -> Interval {
    let start = floor_micros(at.clamp(-LAST, LAST - MICRO));
    Interval::new(start, start + MICRO)
}

/// Few intervals that hold all of these, in order.
fn joined(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_by_key(|interval| (interval.start, interval.end));
    let mut close = CLOSE;
    loop {
        let mut joined: Vec<Interval> = Vec::new();
        for next in &intervals {
            match joined.last_mut().filter(|last| next.start <= last.end.saturating_add(close)) {
                Some(last) => last.end = last.end.max(next.end),
                None => joined.push(*next),
            }
        }
        if joined.len() <= MOST {
            return joined;
        }
        (intervals, close) = (joined, close.saturating_mul(4));
    }
}

#[cfg(test)]
mod tests;
