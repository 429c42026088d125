//! Reading a partition: ask, take in what was answered, hand it over, until every tag is read or given up.

mod digest;
mod doubt;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod request;

pub(crate) use request::Samples;

use tidegate_sdk::{
    Fault, Partition, Retry, Span,
    host::{self, Level},
};

use self::{
    digest::{Batch, digest, rows},
    doubt::Doubts,
};
use crate::{
    batches::{Batches, Verdict},
    pages::{Ask, Pages},
    plan::groups,
    server::{Server, isolates},
    settings::Settings,
    tag::Tag,
};

/// Reads all spans of a partition. What is returned as a fault concerns the spans not covered yet; a tag that fails alone
/// is reported as a gap, and the others go on.
pub(crate) async fn partition(table: &str, settings: &Settings, partition: Partition) -> Result<(), Fault> {
    let server = Server::new(settings);
    // As planned, there is one group; what is left of it after a failure may be several.
    for group in groups(partition.spans) {
        let mut batches = Batches::new(group, settings.performance.batch_size);
        while let Some(spans) = batches.next() {
            let mut reading = Reading::new(&server, table, settings, &spans);
            match reading.read_through().await {
                Ok(()) => batches.answered(),
                // The host knows better when to come back to a server that says nothing.
                Err(fault) if fault.code == "timeout" => return Err(fault),
                Err(fault) => {
                    let left = reading.left(spans);
                    if left.is_empty() {
                        continue;
                    }
                    match batches.failed(left, fault) {
                        Verdict::Again => {}
                        Verdict::Alone(span, fault) => host::gap(table, &span.series.id, span.interval, &fault),
                        Verdict::All(fault) => return Err(fault),
                    }
                }
            }
        }
    }
    Ok(())
}

/// Tags that are read with one request at a time.
struct Reading<'a> {
    server: &'a Server,
    table: &'a str,
    tags: Vec<Tag>,
    pages: Pages,
    doubts: Doubts,
}

impl<'a> Reading<'a> {
    fn new(server: &'a Server, table: &'a str, settings: &Settings, spans: &[Span]) -> Self {
        let intervals: Vec<_> = spans.iter().map(|span| span.interval).collect();
        Self {
            server,
            table,
            tags: spans.iter().map(|span| Tag::of(&span.series)).collect(),
            pages: Pages::new(&intervals, settings.performance),
            doubts: Doubts::default(),
        }
    }

    async fn read_through(&mut self) -> Result<(), Fault> {
        while let Some(ask) = self.pages.next() {
            let answer = match self.server.post("getTagData2", &Samples::new(&ask, &self.tags)).await {
                Err(fault) if fault.asked_too_much() && self.pages.ease() => {
                    host::log(Level::Warn, &format!("{}; asking for a shorter time", fault.message));
                    continue;
                }
                answer => answer?,
            };
            let batch = match digest(&answer, &ask, &self.tags, &mut self.pages) {
                Err(fault) if fault.asked_too_much() && self.pages.ease() => continue,
                batch => batch.map_err(|fault| of_page(&ask, fault))?,
            };
            deliver(self.table, &self.tags, batch)?;
            if let Some((doubtful, window)) = self.pages.doubtful() {
                let doubts = self.doubts.about(self.server, &self.tags, doubtful, window).await?;
                deliver(self.table, &self.tags, rows(self.pages.confirm(doubts), &self.tags))?;
            }
        }
        Ok(())
    }

    /// What of `spans` is not read, of those tags that were not given up.
    fn left(&self, spans: Vec<Span>) -> Vec<Span> {
        let mut rest = self.pages.rest().into_iter().peekable();
        let left = |(place, span): (usize, Span)| {
            let (_, interval) = rest.next_if(|(open, _)| *open == place)?;
            Some(Span { interval, ..span })
        };
        spans.into_iter().enumerate().filter_map(left).collect()
    }
}

/// How long a continuation is good for is not told (§6.3): an error in the middle of a window may be about that alone, and
/// what is left of the window, asked for anew, may well be answered.
fn of_page(ask: &Ask, fault: Fault) -> Fault {
    match ask.continuation {
        Some(_) if isolates(&fault) => Fault { retry: Retry::Later, ..fault },
        _ => fault,
    }
}

/// Rejects go first: if the run ends in between, a reject noted twice is better than one never noted.
fn deliver(table: &str, tags: &[Tag], batch: Batch) -> Result<(), Fault> {
    for reject in &batch.rejects {
        if let Some(tag) = tags.get(reject.tag) {
            host::reject(table, &tag.id, &reject.raw, reject.reason);
        }
    }
    if !batch.rows.is_empty() {
        host::emit(table, &batch.rows.encode()?, &batch.covers);
    } else if !batch.covers.is_empty() {
        host::covered(table, &batch.covers);
    }
    for (tag, interval, fault) in &batch.gaps {
        if let Some(tag) = tags.get(*tag) {
            host::gap(table, &tag.id, *interval, fault);
        }
    }
    Ok(())
}
