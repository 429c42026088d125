//! ★ The whole job on one page: what a run does, in order.
//!
//! Nothing is written before the historian has answered; nothing moves a cursor but proof that a commit holds; what
//! could not be proven is in the gap ledger when the run ends.

mod intake;
mod job;
mod preview;
mod read;
mod report;
mod rows;
mod select;
mod windows;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use tidegate_model::{Fault, Interval, Series};
use tidegate_sandbox::{Shape, TableSpec};
use tidegate_sink::{Events, Lake, Observation, RunStamp, Written};
use tokio::sync::mpsc;

use self::intake::{Intake, Page};
use self::report::{Observed, Report};
use self::select::Selection;
use self::windows::Round;
use crate::exit::Failure;
use crate::progress::Progress;
use crate::summary::Summary;

pub use self::job::{Job, RunOptions, limits};

/// The one lane of incremental runs.
const LANE: &str = "live";
/// Pages that wait for the writer. Few: a page is megabytes, and a full queue is what slows the plugins down.
const PAGES_WAITING: usize = 2;
/// How long no page may come before the writer looks whether what it holds is due.
const IDLE: Duration = Duration::from_secs(5);

/// One incremental run to the end.
///
/// # Errors
/// When nothing could be read (the server does not answer, the credentials are wrong) or the lake cannot be written.
/// What could not be read of single series is no error: it is counted as gaps.
pub async fn run(job: &Job, options: &RunOptions, progress: Arc<dyn Progress>) -> Result<Summary> {
    let mut report = Report::begin();
    let stamp = report.stamp();
    let wanted = job.select_tables(&options.tables)?;
    let lake = job.lake()?;
    for table in job.events_tables() {
        // 1. What the configuration selects. The lake is not touched before the server has answered.
        let selection = select::series(job.connection(), &table.name).await?;
        replace_snapshots(job, &lake, &selection, &wanted, stamp).await?;
        if !wanted.contains(&table.name) {
            continue;
        }
        // 2. Open the table; coverage that a killed run left staged is merged or discarded here.
        let events = lake.events(job.events_spec(table), LANE, stamp, job.commit_policy()).await?;
        // 3. What to read of each series, from its cursor, the look-back and the gap ledger; cut by the plugin.
        let owed = windows::owed(job, &lake, table).await?;
        let policy = job.window_policy(stamp, options);
        let series = &selection.catalogue.series;
        let rounds = windows::rounds(job, table, series, events.watermarks(), &owed, &policy).await?;
        // 4. Read side by side; pages with their proof go to the writer, which commits both together.
        let stored = events.reader();
        let (pages, receiver) = mpsc::channel(PAGES_WAITING);
        let writer = tokio::spawn(write(events, receiver));
        for round in rounds {
            progress.planned(round.windows.len(), round.partitions.len(), round.seconds());
            let outlet =
                intake::Outputs { stored: stored.clone(), pages: pages.clone(), progress: Arc::clone(&progress) };
            let intake = Arc::new(Intake::new(table.clone(), job.good_only(), &round.windows, outlet));
            read::all(job.connection(), &intake, round.partitions, job.parallel()).await;
            report.read(&intake);
        }
        // 5. The last commit.
        drop(pages);
        let written = writer.await.context("the writer ended unexpectedly")??;
        // 6. What could not be proven.
        let open = record(job, &lake, table, stamp, report.observed(&selection), &selection).await?;
        report.written(series.len(), open, &written);
    }
    // 7. The run itself.
    progress.finished();
    let summary = report.end(job.egress_figures());
    lake.append_run(report.row(job, &summary)).await?;
    Ok(summary)
}

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
/// As for [`run`].
pub async fn plan(job: &Job, table: Option<&str>) -> Result<Plan> {
    let table = events_table(job, table)?;
    let (selection, rounds) = planned(job, table).await?;
    let windows = rounds.iter().flat_map(|round| &round.windows);
    let mut reads: HashMap<&str, Vec<Interval>> = HashMap::new();
    for (series, window) in windows {
        reads.entry(&series.id).or_default().push(window.read);
    }
    let series = selection.catalogue.series.iter();
    let partitions = || rounds.iter().flat_map(|round| &round.partitions);
    Ok(Plan {
        table: job.full_name(table),
        series: series
            .map(|series| (Arc::clone(series), reads.remove(series.id.as_str()).unwrap_or_default()))
            .collect(),
        partitions: partitions().count(),
        requests: partitions().map(|partition| u64::from(partition.requests)).sum(),
        unresolved: selection.catalogue.unresolved,
    })
}

/// The first `n` rows that a run of `table` would read.
///
/// # Errors
/// As for [`run`].
pub async fn preview(job: &Job, table: Option<&str>, n: usize) -> Result<Vec<RecordBatch>> {
    let table = table.map_or_else(|| job.first_events_table(), |name| job.table(name))?;
    if table.shape == Shape::Snapshot {
        let events = job.first_events_table()?;
        let mut selection = select::series(job.connection(), &events.name).await?;
        return Ok(preview::head(selection.snapshots.remove(&table.name).unwrap_or_default(), n));
    }
    let (_, rounds) = planned(job, table).await?;
    let partitions: Vec<_> = rounds.into_iter().flat_map(|round| round.partitions).collect();
    Ok(preview::rows(job.connection(), &table.name, &partitions, n).await?)
}

/// The events table that `name` means; the first one without a name.
fn events_table<'a>(job: &'a Job, name: Option<&str>) -> Result<&'a TableSpec, Failure> {
    let table = name.map_or_else(|| job.first_events_table(), |name| job.table(name))?;
    match table.shape {
        Shape::Events => Ok(table),
        Shape::Snapshot => Err(Failure::usage(format!(
            "table `{}` holds the state of now: each run reads all of it, there is nothing to plan",
            job.full_name(table)
        ))),
    }
}

/// The catalogue and the rounds of a run that writes nothing.
async fn planned(job: &Job, table: &TableSpec) -> Result<(Selection, Vec<Round>)> {
    let selection = select::series(job.connection(), &table.name).await?;
    let lake = job.lake()?;
    let marks = lake.watermarks().await?;
    let marks = marks.into_iter().map(|mark| (mark.series.clone(), mark)).collect();
    let policy = job.window_policy(report::now(), &RunOptions::default());
    let owed = windows::owed(job, &lake, table).await?;
    let rounds = windows::rounds(job, table, &selection.catalogue.series, &marks, &owed, &policy).await?;
    Ok((selection, rounds))
}

async fn replace_snapshots(
    job: &Job,
    lake: &Lake,
    selection: &Selection,
    wanted: &[String],
    stamp: RunStamp,
) -> Result<()> {
    for table in job.snapshot_tables().filter(|table| wanted.contains(&table.name)) {
        let batches = selection.snapshots.get(&table.name).cloned().unwrap_or_default();
        lake.replace_snapshot(job.snapshot_spec(table), batches, stamp).await?;
    }
    Ok(())
}

/// Hands pages to the table until no more come. While none come, what is there must not wait for ever.
async fn write(mut events: Events, mut pages: mpsc::Receiver<Page>) -> Result<Written, tidegate_sink::Error> {
    loop {
        match tokio::time::timeout(IDLE, pages.recv()).await {
            Ok(Some(page)) => {
                events.reject(page.rejects);
                events.push(page.rows, page.advances).await?;
            }
            Ok(None) => return events.finish().await,
            Err(_idle) => events.commit_if_due().await?,
        }
    }
}

/// Enters what was not proven in the gap ledger. Returns how many intervals of the selected series are missing, those of
/// earlier runs included.
async fn record(
    job: &Job,
    lake: &Lake,
    table: &TableSpec,
    stamp: RunStamp,
    observed: Observed,
    selection: &Selection,
) -> Result<usize> {
    let name = job.full_name(table);
    let observation = Observation {
        open: observed.gaps.into_iter().map(|gap| (name.clone(), gap)).collect(),
        covered: observed.covered.into_iter().map(|cover| (name.clone(), cover)).collect(),
        catalogued: vec![name.clone()],
    };
    let mut ledger = lake.gaps().await?;
    ledger.observe(stamp, observation);
    ledger.save().await?;
    let selected: HashSet<&str> = selection.catalogue.series.iter().map(|series| series.id.as_str()).collect();
    let open = ledger.rows().iter().filter(|row| row.resolved_at.is_none() && row.table == name);
    Ok(open.filter(|row| row.interval.is_none() || selected.contains(row.series.as_str())).count())
}
