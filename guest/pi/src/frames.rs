//! The table `event_frames`: one row for each event frame, with the values of its attributes.
//!
//! Each AF database is a series. `read` cuts its interval into slices of time and lists each slice to its end: offset
//! paging is sound only inside a fixed, closed window, and a long history must not be held at once. The first slice takes
//! every frame that was alive in it, however old, the others those that began in them: together they are all frames that
//! were alive at any time. What the first slice leaves behind a later one cannot change, because frames are told apart by
//! their start. Values come in batches, one request for as many frames as a batch holds.

mod attempt;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod gone;
mod life;
mod list;
mod rows;
mod text;
mod values;

pub(crate) use gone::gone;

use tidegate_sdk::{
    Catalogue, Cover, Fault, Interval, Partition, Series, Span, Unresolved,
    host::{self, Level},
    slices::Slices,
};

use self::{
    attempt::Attempt,
    list::Outcome,
    values::{Attributes, Values},
};
use crate::{af, batch::Batch, server::Server, settings::Settings};

const DAY: i64 = 86_400_000_000_000;

/// Frames that a slice should hold: at about two kilobytes each with their values, a few megabytes.
const TARGET: usize = 2_000;

/// Frames a day that an estimate assumes of a database.
const USUAL_DENSITY: i64 = 50;

/// The databases that the configuration names.
pub(crate) async fn series(settings: &Settings) -> Result<Catalogue, Fault> {
    let server = Server::new(settings);
    let selection = af::select(&settings.ingestion, af::databases(&server).await?)?;
    let series = selection.databases.into_iter().map(|database| Series {
        id: database.web_id,
        name: database.path,
        ahead: false,
        detail: String::new(),
    });
    let unresolved = selection.missing.into_iter().map(|(name, fault)| Unresolved { name, fault });
    Ok(Catalogue { series: series.collect(), unresolved: unresolved.collect() })
}

/// One partition for each database.
pub(crate) fn partitions(spans: Vec<Span>, batch_size: usize) -> Vec<Partition> {
    let requests = |interval: Interval| {
        let frames = (interval.nanos() / DAY).saturating_add(1).saturating_mul(USUAL_DENSITY);
        let frames = usize::try_from(frames).unwrap_or(usize::MAX);
        let requests = frames.div_ceil(batch_size).saturating_add(frames.div_ceil(TARGET));
        u32::try_from(requests).unwrap_or(u32::MAX)
    };
    let partition = |span: Span| Partition { requests: requests(span.interval), spans: vec![span] };
    spans.into_iter().filter(|span| !span.interval.is_empty()).map(partition).collect()
}

/// Reads all spans of a partition; what cannot be read of one is a gap, and the others go on.
pub(crate) async fn partition(table: &str, settings: &Settings, partition: &Partition) -> Result<(), Fault> {
    let server = Server::new(settings);
    let templates = settings.ingestion.event_frame_templates.as_deref().unwrap_or_default();
    let mut values = Values::new(Batch::new(&server, None), settings.performance.batch_size);
    for span in &partition.spans {
        let mut slices = Slices::new(span.interval, DAY, TARGET);
        let reading = Attempt { server: &server, table, database: &span.series.id, templates };
        if let Err(fault) = database(&reading, &mut values, &mut slices).await {
            host::gap(table, &span.series.id, slices.rest(), &fault);
        }
    }
    Ok(())
}

/// Slice after slice. Covers follow each other without a hole, so the first slice that cannot be read ends it.
async fn database(reading: &Attempt<'_>, values: &mut Values, slices: &mut Slices) -> Result<(), Fault> {
    while let Some(slice) = slices.next() {
        match reading.frames(&slice, slices.can_be_cut(&slice)).await {
            Ok(Outcome::Whole(found)) => {
                let began = found.began_in(&slice);
                reading.deliver(&slice, found, values).await?;
                slices.done(&slice, began);
            }
            Ok(Outcome::TooMany) => {
                slices.cut(&slice);
            }
            Err(fault) if fault.asked_too_much() && slices.cut_after_time_out(&slice) => {
                host::log(Level::Warn, &format!("{}; asking for a shorter time", fault.message));
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// How many attributes of a frame can be read; for `check`.
pub(crate) async fn readable_values(batch: Batch, frame: &str) -> Result<usize, Fault> {
    match Values::new(batch, 1).of(&[frame]).await?.pop() {
        Some(Attributes::Read(attributes)) => Ok(attributes.len()),
        Some(Attributes::Partly(_, fault) | Attributes::Unreadable(fault)) => Err(fault),
        Some(Attributes::Gone) | None => Ok(0),
    }
}

/// The proof of a slice.
fn proof(database: &str, interval: Interval) -> [Cover; 1] {
    [Cover::new(database, interval)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_is_a_partition_whose_requests_grow_with_its_time() {
        let span = |nanos| Span {
            series: Series { id: "I1RD".into(), name: r"\\AF1\P".into(), ahead: false, detail: String::new() },
            interval: Interval::new(0, nanos),
        };
        let partitions = partitions(vec![span(DAY), span(0), span(365 * DAY)], 100);
        let requests: Vec<u32> = partitions.iter().map(|partition| partition.requests).collect();
        assert_eq!(requests, [2, 193]);
    }
}
