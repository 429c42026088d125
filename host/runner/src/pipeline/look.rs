//! Runs that only look: what would be read, and what it looks like. Nothing is written.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::RecordBatch;
use tidegate_model::{Fault, Interval, Series};
use tidegate_sandbox::{Catalogue, Shape, TableSpec};

use super::job::{Job, RunOptions};
use super::preview::{self, Sample};
use super::report;
use super::windows::{self, Round};
use crate::exit::Failure;

/// What a run would read.
pub struct Plan {
    /// The table's full name.
    pub table: String,
    /// Each series with the intervals a run would read: what is new, then what earlier runs still owe.
    pub series: Vec<(Arc<Series>, Vec<Interval>)>,
    /// Units of work.
    pub partitions: usize,
    /// Requests that reading them will take, as the plugin estimates.
    pub requests: u64,
    /// What the configuration names and the historian does not show.
    pub unresolved: Vec<(String, Fault)>,
}

/// Plans a run of `table` and reads nothing but the catalogue.
///
/// # Errors
/// As for [`run`](super::run).
pub async fn plan(job: &Job, table: Option<&str>) -> Result<Plan> {
    let table = table.map_or_else(|| job.first_series_table(), |name| job.table(name))?;
    if table.shape == Shape::Snapshot {
        return Err(Failure::usage(format!(
            "table `{}` holds the state of now: each run reads all of it, there is nothing to plan",
            job.full_name(table)
        ))
        .into());
    }
    let (catalogue, rounds) = planned(job, table).await?;
    let windows = rounds.iter().flat_map(|round| &round.windows);
    let mut reads: HashMap<&str, Vec<Interval>> = HashMap::new();
    for (series, window) in windows {
        reads.entry(&series.id).or_default().push(window.read);
    }
    let series = catalogue.series.iter();
    let partitions = || rounds.iter().flat_map(|round| &round.partitions);
    Ok(Plan {
        table: job.full_name(table),
        series: series
            .map(|series| (Arc::clone(series), reads.remove(series.id.as_str()).unwrap_or_default()))
            .collect(),
        partitions: partitions().count(),
        requests: partitions().map(|partition| u64::from(partition.requests)).sum(),
        unresolved: catalogue.unresolved,
    })
}

/// The first `n` rows that a run of `table` would read.
///
/// # Errors
/// As for [`run`](super::run).
pub async fn preview(job: &Job, table: Option<&str>, n: usize) -> Result<Vec<RecordBatch>> {
    let table = table.map_or_else(|| job.first_series_table(), |name| job.table(name))?;
    if table.shape == Shape::Snapshot {
        return Ok(preview::snapshot(job.connection(), &table.name, n).await?);
    }
    let (_, rounds) = planned(job, table).await?;
    let partitions: Vec<_> = rounds.into_iter().flat_map(|round| round.partitions).collect();
    Ok(preview::rows(job.connection(), &table.name, &partitions, n).await?)
}

/// The catalogue and the rounds of a run.
async fn planned(job: &Job, table: &TableSpec) -> Result<(Catalogue, Vec<Round>)> {
    // The snapshots that come with the catalogue are not what was asked for.
    let catalogue = job.connection().series(&table.name, Arc::new(Sample::of(&table.name, usize::MAX))).await?;
    let lake = job.lake()?;
    let marks = match table.shape {
        Shape::Records => lake.watermarks_of(&job.full_name(table)).await?,
        _ => lake.watermarks().await?,
    };
    let marks = marks.into_iter().map(|mark| (mark.series.clone(), mark)).collect();
    let (now, options) = (report::now(), RunOptions::default());
    let gaps = windows::gaps(job, &lake, table, options.patience(now)).await?;
    // Without hints: to ask for them would use them up.
    let backfilled = lake.backfilled(&job.full_name(table)).await?;
    let again = windows::Again { gaps, backfilled, ..windows::Again::default() };
    let policy = job.window_policy(now, &options);
    let rounds = windows::rounds(job, table, &catalogue.series, &marks, &again, &policy).await?;
    Ok((catalogue, rounds))
}
