//! One answered batch → rows, proofs, gaps and rejects. No request, no host: everything here can be tested natively.

use tidegate_sdk::{Cover, Fault, Interval, events::TimeSeriesBuilder, http::Response};

use super::limit_in;
use crate::{
    api::{Content, Item, Recorded, Stamp},
    batch::{Batch, Refusal, Reply, judge, raw_contents},
    convert,
    pages::{Ask, Pages},
    tag::Tag,
};

/// What an answer brought.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) rows: TimeSeriesBuilder,
    pub(super) covers: Vec<Cover>,
    /// Tag by its place, what is missing, why.
    pub(super) gaps: Vec<(usize, Interval, Fault)>,
    pub(super) rejects: Vec<Reject>,
    /// A line for the operator.
    pub(super) note: Option<String>,
}

/// An event without a place in the table.
#[derive(Debug)]
pub(super) struct Reject {
    pub(super) tag: usize,
    /// Where it stands in the answer: which request, which item.
    place: (usize, usize),
    pub(super) raw: String,
    pub(super) reason: String,
}

/// Takes in the answer to `asks`.
///
/// # Errors
/// When the answer as a whole cannot be read; then nothing of it counts.
pub(super) fn digest(
    batch: &Batch,
    answer: &Response,
    asks: &[Ask],
    tags: &[Tag],
    pages: &mut Pages,
) -> Result<Round, Fault> {
    let replies = batch.read_each::<Content<Recorded<'_>>>(answer, asks.len(), "GET /streams/*/recorded")?;
    let rows = replies.iter().map(|reply| reply.as_ref().map_or(0, length)).sum();
    let mut round = Round {
        rows: TimeSeriesBuilder::with_capacity(rows),
        covers: Vec::with_capacity(asks.len()),
        gaps: Vec::new(),
        rejects: Vec::new(),
        note: None,
    };
    for (index, (ask, reply)) in asks.iter().zip(replies).enumerate() {
        let Some(tag) = tags.get(ask.tag) else { continue };
        let page = match reply {
            Ok(reply) => page(&tag.name, reply),
            Err(fault) => Err(Refusal { status: None, said: String::new(), fault }),
        };
        match page {
            Ok(items) => round.accept(index, ask, tag, items, pages),
            Err(refusal) => round.refuse(ask, refusal, pages),
        }
    }
    round.quote_rejects(batch, answer, asks.len())?;
    Ok(round)
}

fn length(reply: &Option<Reply<Content<Recorded<'_>>>>) -> usize {
    let items = reply.as_ref().and_then(|reply| reply.content.as_ref()?.body.as_ref()?.items.as_ref());
    items.map_or(0, Vec::len)
}

fn page<'a>(name: &str, reply: Option<Reply<Content<Recorded<'a>>>>) -> Result<Vec<Item<'a>>, Refusal> {
    let what = format!("recorded values of {name}");
    judge(&what, reply)?.items.ok_or_else(|| {
        let fault = Fault::external("items-missing", format!("{what}: an answer without Items proves nothing"));
        Refusal { status: Some(200), said: String::new(), fault }
    })
}

impl Round {
    fn accept(&mut self, index: usize, ask: &Ask, tag: &Tag, mut items: Vec<Item<'_>>, pages: &mut Pages) {
        let unreadable = place_unreadable(&mut items, ask.interval.start);
        let sick = items.iter().enumerate().find_map(|(at, item)| Some((at, item.errors.as_deref()?)));
        let settled = pages.settle(ask, &items, sick, instant);
        if !settled.keep.is_empty() {
            self.rows.series(&tag.id, &tag.name);
        }
        let units = Some(tag.detail.units.as_str()).filter(|units| !units.is_empty());
        let first = settled.keep.start;
        for (at, item) in items.get(settled.keep).unwrap_or_default().iter().enumerate() {
            let at = first + at;
            let mapped = match convert::map(&item.value, tag.detail.kind) {
                _ if unreadable.binary_search(&at).is_ok() => Err("the timestamp is not a time in UTC"),
                mapped => mapped,
            };
            match mapped {
                Ok(mapped) => self.rows.push(&convert::row(item, &mapped, units)),
                Err(reason) => self.rejects.push(Reject {
                    tag: ask.tag,
                    place: (index, at),
                    raw: String::new(),
                    reason: reason.to_owned(),
                }),
            }
        }
        if !settled.cover.is_empty() {
            self.covers.push(Cover::new(tag.id.as_str(), settled.cover));
        }
        if let Some((interval, fault)) = settled.gap {
            self.gaps.push((ask.tag, interval, fault));
        }
    }

    fn refuse(&mut self, ask: &Ask, refusal: Refusal, pages: &mut Pages) {
        if refusal.status == Some(400)
            && let Some(limit) = limit_in(&refusal.said)
            && let Some(limit) = pages.shrink(ask, limit)
        {
            let note =
                || format!("the server allows at most {limit} events in an answer; asking for no more from here on");
            self.note.get_or_insert_with(note);
            return;
        }
        let interval = pages.give_up(ask);
        self.gaps.push((ask.tag, interval, refusal.fault));
    }

    /// Rejects are rare: their text is looked up only where there are any.
    fn quote_rejects(&mut self, batch: &Batch, answer: &Response, count: usize) -> Result<(), Fault> {
        #[derive(serde::Deserialize)]
        struct Raw<'a> {
            #[serde(borrow, rename = "Items")]
            items: Vec<&'a serde_json::value::RawValue>,
        }
        if self.rejects.is_empty() {
            return Ok(());
        }
        let contents = raw_contents(batch.dialect(), answer.text()?, count)?;
        let mut parsed: Option<(usize, Vec<&serde_json::value::RawValue>)> = None;
        for reject in &mut self.rejects {
            let (sub, item) = reject.place;
            if parsed.as_ref().is_none_or(|(at, _)| *at != sub) {
                let content = contents.get(sub).and_then(|reply| reply.as_ref()?.content);
                let items = content.and_then(|content| serde_json::from_str::<Raw<'_>>(content.get()).ok());
                parsed = Some((sub, items.map(|raw| raw.items).unwrap_or_default()));
            }
            if let Some(raw) = parsed.as_ref().and_then(|(_, items)| items.get(item)) {
                raw.get().clone_into(&mut reject.raw);
            }
        }
        Ok(())
    }
}

fn instant(item: &Item<'_>) -> i64 {
    match item.timestamp {
        Stamp::At(instant) => instant,
        Stamp::Unreadable => i64::MIN,
    }
}

/// Gives events without a readable time the time of the one before them, so that the page keeps its order and they are
/// rejected once, with the stretch they stand in. Returns their places.
fn place_unreadable(items: &mut [Item<'_>], start: i64) -> Vec<usize> {
    let mut before = start;
    let mut places = Vec::new();
    for (at, item) in items.iter_mut().enumerate() {
        match item.timestamp {
            Stamp::At(instant) => before = instant,
            Stamp::Unreadable => {
                item.timestamp = Stamp::At(before);
                places.push(at);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests;
