//! The table `event_frames`: one row for each event of the view (§7).
//!
//! A view is a series: the one that is configured, or else every one that is shown, because assets and their events are
//! mostly those of virtual views. All events are listed and those of other views left out here: the documents do not tell
//! whether the parameter `source` means a view or an asset, and a filter that matches nothing would pass for a plant where
//! nothing happens.
//!
//! Events shorter than the least duration of their definition are not asked for (`includeMinDurationEvents`): the historian
//! itself counts them for no event. One that is still active comes once it is long enough, with its true start.
//!
//! `read` cuts its interval into slices of time and lists each slice to its end, so that a long history
//! is never held at once and nothing depends on the order in which the server lists. The first slice takes every event that
//! was active in it, however old, the others those that began in them: together they are all events that were active at any
//! time.

mod found;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod list;
mod scope;
mod time;

use tidegate_sdk::{
    Catalogue, Cover, Fault, Interval, Partition, Span,
    host::{self, Level},
    ipc,
    slices::{Slice, Slices},
    tables::event_frames::batch,
};

use self::{found::Found, list::Listing, scope::Scope};
use crate::{server::Server, settings::Settings, view};

const DAY: i64 = 86_400_000_000_000;

/// Events that a slice should hold: some pages.
const TARGET: usize = 2_000;

/// Events beginning in one slice that are too many to hold at once.
const MOST: usize = 8_000;

/// Events a day that an estimate assumes.
const USUAL_DENSITY: i64 = 50;

/// The view that the configuration names, or all views.
pub(crate) async fn series(settings: &Settings) -> Result<Catalogue, Fault> {
    let server = Server::new(settings);
    let views = view::views(&server).await?;
    let own = view::chosen(&server, settings, &views).await?;
    let read: Vec<&String> = match settings.source.view {
        Some(_) => vec![&own],
        None => views.iter().collect(),
    };
    let series = read.into_iter().map(|view| Scope::new(view, *view == own, &views).series());
    Ok(Catalogue { series: series.collect(), unresolved: Vec::new() })
}

/// One partition for each view.
pub(crate) fn partitions(spans: Vec<Span>) -> Vec<Partition> {
    let requests = |interval: Interval| {
        let events = (interval.nanos() / DAY).saturating_add(1).saturating_mul(USUAL_DENSITY);
        let pages = usize::try_from(events).unwrap_or(usize::MAX).div_ceil(list::LIMIT);
        u32::try_from(pages).unwrap_or(u32::MAX)
    };
    let partition = |span: Span| Partition { requests: requests(span.interval), spans: vec![span] };
    spans.into_iter().filter(|span| !span.interval.is_empty()).map(partition).collect()
}

/// Reads all spans of a partition; what cannot be read of one is a gap, and the others go on.
pub(crate) async fn partition(table: &str, settings: &Settings, partition: &Partition) -> Result<(), Fault> {
    let server = Server::new(settings);
    let types = settings.ingestion.event_frame_templates.as_deref().unwrap_or_default();
    for span in &partition.spans {
        let mut slices = Slices::new(span.interval, DAY, TARGET);
        let scope = Scope::of(&span.series);
        let reading = Reading { server: &server, table, scope: &scope, types };
        if let Err(fault) = reading.read_through(&mut slices).await {
            host::gap(table, &span.series.id, slices.rest(), &fault);
        }
    }
    Ok(())
}

/// What is being read.
#[derive(Clone, Copy, Debug)]
struct Reading<'a> {
    server: &'a Server,
    table: &'a str,
    scope: &'a Scope,
    /// Only events of these types; of all, if there are none.
    types: &'a [String],
}

impl Reading<'_> {
    /// Slice after slice. Covers follow each other without a hole, so the first slice that cannot be read ends it.
    async fn read_through(&self, slices: &mut Slices) -> Result<(), Fault> {
        while let Some(slice) = slices.next() {
            match self.slice(&slice, slices.can_be_cut(&slice)).await {
                Ok(Some(found)) => {
                    let began = found.began_in(&slice);
                    self.deliver(&slice, &found)?;
                    slices.done(&slice, began);
                }
                Ok(None) => slices.cut(&slice),
                Err(fault) if fault.asked_too_much() && slices.cut_after_time_out(&slice) => {
                    host::log(Level::Warn, &format!("{}; asking for a shorter time", fault.message));
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Lists a slice to its end, one listing for each type; `None` where it holds too much, or may hold more than was shown,
    /// if it `can_be_cut`.
    async fn slice(&self, slice: &Slice, can_be_cut: bool) -> Result<Option<Found>, Fault> {
        let mut found = Found::default();
        let any = self.types.is_empty().then_some(None);
        for event_type in self.types.iter().map(|name| Some(name.as_str())).chain(any) {
            let mut listing = Listing::new(slice, event_type);
            while let Some(page) = listing.page(self.server).await? {
                let fresh = found.take(page, slice, self.scope);
                listing.turned(fresh)?;
                let too_much = listing.may_be_cut_off() || found.began_in(slice) > MOST;
                match (too_much, can_be_cut) {
                    (true, true) => return Ok(None),
                    (true, false) if listing.may_be_cut_off() => return Err(Listing::cut_off()),
                    _ => {}
                }
            }
        }
        Ok(Some(found))
    }

    /// Hands over the events of a slice and covers it, as one. Rejects go first: if the run ends in between, a reject noted
    /// twice is better than one never noted.
    fn deliver(&self, slice: &Slice, found: &Found) -> Result<(), Fault> {
        for (raw, reason) in &found.rejects {
            host::reject(self.table, self.scope.view(), raw, reason);
        }
        let proof = [Cover::new(self.scope.view(), slice.interval)];
        if found.rows.is_empty() {
            host::covered(self.table, &proof);
        } else {
            host::emit(self.table, &ipc::batch(&batch(&found.rows)?)?, &proof);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Series;

    #[test]
    fn a_view_is_a_partition_whose_requests_grow_with_its_time() {
        let span = |nanos| Span {
            series: Series { id: "V".into(), name: "V".into(), ahead: false, detail: String::new() },
            interval: Interval::new(0, nanos),
        };
        let partitions = partitions(vec![span(DAY), span(0), span(365 * DAY)]);
        let requests: Vec<u32> = partitions.iter().map(|partition| partition.requests).collect();
        assert_eq!(requests, [1, 74]);
    }
}
