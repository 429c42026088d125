//! Counting: the server counts its own events, and the host compares them with the table.
//!
//! Whether a count holds values that are not good is nowhere documented, so it is left to the host to find out. Everything
//! else must be exact: a figure that is no plain number, that stands elsewhere than it should, or that is missing, is a
//! fault of its tag.

mod answer;
mod ask;

use tidegate_sdk::{
    Counting, Counts, Fault, Span, Tally,
    buckets::{Buckets, buckets, join},
};

use self::{answer::numbers, ask::request};
use crate::{batch::Batch, server::Server, settings::Settings, tag::Tag};

const SECOND: i64 = 1_000_000_000;

/// Figures in one answer: some megabytes.
const FIGURES: usize = 20_000;

/// Has the server count each bucket of `spans`; as many tags share a request as in reading.
pub(crate) async fn counts(settings: &Settings, spans: &[Span], width: u64) -> Result<Counts, Fault> {
    let whole = i64::try_from(width).ok().filter(|width| *width > 0 && width % SECOND == 0);
    let Some(width) = whole else {
        return Ok(Counts::Unsupported(format!("PI Web API counts in whole seconds, not in {width} ns")));
    };
    let size = settings.performance.batch_size.max(1);
    let tags: Vec<Tag> = spans.iter().map(|span| Tag::of(&span.series)).collect();
    let longest = (FIGURES / size).max(1);
    let asks: Vec<Buckets> =
        spans.iter().enumerate().flat_map(|(at, span)| buckets(at, span.interval, width, longest)).collect();
    let mut tallies: Vec<Result<Vec<u64>, Fault>> = spans.iter().map(|_| Ok(Vec::new())).collect();
    let known = tags.first().and_then(|tag| tag.detail.dialect);
    let mut batch = Batch::new(&Server::new(settings), known);
    for asks in asks.chunks(size) {
        let subs: Vec<_> = asks.iter().filter_map(|ask| Some(request(ask, tags.get(ask.span)?))).collect();
        let answer = batch.ask(&subs).await?;
        for (ask, counted) in asks.iter().zip(numbers(&batch, &answer, asks, &tags)?) {
            if let Some(tally) = tallies.get_mut(ask.span) {
                join(tally, counted);
            }
        }
    }
    let tally = |buckets| Tally { counting: Counting::Unknown, buckets };
    Ok(Counts::Counted(tallies.into_iter().map(|buckets| buckets.map(tally)).collect()))
}
