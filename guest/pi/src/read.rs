//! Reading a partition: ask, take in what was answered, hand it over, until every tag is read or given up.

mod digest;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod recorded;

pub(crate) use recorded::{limit_in, recorded};

use tidegate_sdk::{
    Fault, Partition,
    host::{self, Level},
};

use self::digest::{Round, digest};
use crate::{batch::Batch, pages::Pages, server::Server, settings::Settings, tag::Tag};

/// Reads all spans of a partition. What is returned as a fault concerns the spans not covered yet; a tag that fails
/// alone is reported as a gap, and the others go on.
pub(crate) async fn partition(table: &str, settings: &Settings, partition: &Partition) -> Result<(), Fault> {
    let performance = settings.performance;
    let tags: Vec<Tag> = partition.spans.iter().map(|span| Tag::of(&span.series)).collect();
    let intervals: Vec<_> = partition.spans.iter().map(|span| span.interval).collect();
    let known = tags.first().map(|tag| tag.detail.clone()).unwrap_or_default();
    let mut batch = Batch::new(&Server::new(settings), known.dialect);
    let mut pages = Pages::new(&intervals, performance.batch_size, performance.max_count_per_request, known.limit);
    loop {
        let asks = pages.round();
        if asks.is_empty() {
            return Ok(());
        }
        let subs: Vec<_> = asks.iter().filter_map(|ask| Some(recorded(tags.get(ask.tag)?, ask))).collect();
        let answer = match batch.ask(&subs).await {
            Ok(answer) => answer,
            Err(fault) if fault.asked_too_much() && pages.ease() => {
                host::log(Level::Warn, &format!("{}; asking for half as much from here on", fault.message));
                continue;
            }
            Err(fault) => return Err(fault),
        };
        let round = digest(&batch, &answer, &asks, &tags, &mut pages)?;
        deliver(table, &tags, round)?;
    }
}

/// Rejects go first: if the run ends in between, a reject noted twice is better than one never noted.
fn deliver(table: &str, tags: &[Tag], round: Round) -> Result<(), Fault> {
    for reject in &round.rejects {
        if let Some(tag) = tags.get(reject.tag) {
            host::reject(table, &tag.id, &reject.raw, &reject.reason);
        }
    }
    if !round.rows.is_empty() {
        host::emit(table, &round.rows.encode()?, &round.covers);
    } else if !round.covers.is_empty() {
        host::covered(table, &round.covers);
    }
    for (tag, interval, fault) in &round.gaps {
        if let Some(tag) = tags.get(*tag) {
            host::gap(table, &tag.id, *interval, fault);
        }
    }
    if let Some(note) = &round.note {
        host::log(Level::Warn, note);
    }
    Ok(())
}
