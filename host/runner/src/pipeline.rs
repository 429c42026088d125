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

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use tidegate_model::{Fault, Instant, Interval, Series, Span, Watermark, Window, WindowPolicy};
use tidegate_sandbox::{Partition, Shape, TableSpec};
use tidegate_sink::{Events, Lake, Observation, RejectRow, RunStamp, Written};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::intake::{Intake, Page};
use self::report::{Read, Report};
use self::select::Selection;
use crate::exit::Failure;
use crate::progress::Progress;
use crate::summary::Summary;

pub use self::job::{Job, RunOptions, limits};

/// The one lane of incremental runs.
const LANE: &str = "live";
/// Pages that wait for the writer. Few: a page is megabytes, and a full queue is what slows the plugins down.
const PAGES_WAITING: usize = 2;

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
        // 3. What to read of each series, from its cursor and the look-back.
        let owed = owed(job, &lake, table).await?;
        let policy = job.window_policy(stamp, options);
        let windows = windows(&selection.catalogue.series, events.watermarks(), &owed, &policy);
        // 4. Units of work, as the plugin cuts them.
        let partitions = partitions(job, table, &windows).await?;
        progress.planned(windows.len(), partitions.len(), seconds(&windows));
        // 5. Read them side by side; pages with their proof go to the writer, which commits both together.
        let (intake, writer) = start(job, table, &windows, events, Arc::clone(&progress));
        read::all(job.connection(), &intake, partitions, job.parallel()).await;
        let read = report.read(&intake, &selection).await;
        // 6. The last commit. The intake holds the writer's queue open, so it goes first.
        drop(intake);
        let written = writer.await.context("the writer ended unexpectedly")??;
        // 7. What could not be proven or mapped.
        let gaps = read.gaps.len();
        record(job, &lake, table, stamp, read).await?;
        report.written(selection.catalogue.series.len(), gaps, &written);
    }
    // 8. The run itself.
    progress.finished();
    let summary = report.end(job.egress_figures());
    lake.append_run(report.row(job, &summary)).await?;
    Ok(summary)
}

/// What a run would read.
pub struct Plan {
    /// The table's full name.
    pub table: String,
    /// Each series with the interval a run would read; `None` when there is nothing to read.
    pub series: Vec<(Arc<Series>, Option<Interval>)>,
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
    let (selection, windows, partitions) = planned(job, table).await?;
    let windows: HashMap<&str, Interval> =
        windows.iter().map(|(series, window)| (series.id.as_str(), window.read)).collect();
    let series = selection.catalogue.series.iter();
    Ok(Plan {
        table: job.full_name(table),
        series: series.map(|series| (Arc::clone(series), windows.get(series.id.as_str()).copied())).collect(),
        partitions: partitions.len(),
        requests: partitions.iter().map(|partition| u64::from(partition.requests)).sum(),
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
    let (_, _, partitions) = planned(job, table).await?;
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

/// The catalogue, windows and partitions of a run that writes nothing.
async fn planned(job: &Job, table: &TableSpec) -> Result<(Selection, Vec<(Arc<Series>, Window)>, Vec<Partition>)> {
    let selection = select::series(job.connection(), &table.name).await?;
    let lake = job.lake()?;
    let marks = lake.watermarks().await?;
    let marks = marks.into_iter().map(|mark| (mark.series.clone(), mark)).collect();
    let policy = job.window_policy(report::now(), &RunOptions::default());
    let windows = windows(&selection.catalogue.series, &marks, &owed(job, &lake, table).await?, &policy);
    let partitions = partitions(job, table, &windows).await?;
    Ok((selection, windows, partitions))
}

async fn replace_snapshots(
    job: &Job,
    lake: &Lake,
    selection: &Selection,
    wanted: &[String],
    stamp: RunStamp,
) -> Result<()> {
    for table in job.snapshot_tables().filter(|table| wanted.contains(&table.name)) {
        let mut snapshot = lake.snapshot(job.snapshot_spec(table), stamp).await?;
        for batch in selection.snapshots.get(&table.name).into_iter().flatten() {
            snapshot.push(batch.clone()).await?;
        }
        snapshot.commit().await?;
    }
    Ok(())
}

/// Since when intervals are missing, by series. A relative start moves with the clock: without the ledger, what the
/// first run of a series missed at the low end would never be asked for again.
async fn owed(job: &Job, lake: &Lake, table: &TableSpec) -> Result<HashMap<String, Instant>> {
    let name = job.full_name(table);
    let ledger = lake.gaps().await?;
    let open = ledger.rows().iter().filter(|row| row.resolved_at.is_none() && row.table == name);
    let mut owed = HashMap::new();
    for (series, gap) in open.filter_map(|row| Some((&row.series, row.interval?))) {
        let since = owed.entry(series.clone()).or_insert(gap.start);
        *since = gap.start.min(*since);
    }
    Ok(owed)
}

fn windows(
    series: &[Arc<Series>],
    marks: &HashMap<String, Watermark>,
    owed: &HashMap<String, Instant>,
    policy: &WindowPolicy,
) -> Vec<(Arc<Series>, Window)> {
    let window = |series: &Arc<Series>| {
        let start = owed.get(&series.id).map_or(policy.start, |since| policy.start.min(*since));
        let policy = WindowPolicy { start, ..*policy };
        Some((Arc::clone(series), policy.window(series, marks.get(&series.id))?))
    };
    series.iter().filter_map(window).collect()
}

async fn partitions(job: &Job, table: &TableSpec, windows: &[(Arc<Series>, Window)]) -> Result<Vec<Partition>, Fault> {
    let span = |(series, window): &(Arc<Series>, Window)| Span { series: Arc::clone(series), interval: window.read };
    job.connection().plan(&table.name, windows.iter().map(span).collect()).await
}

/// Starts the writer and opens the intake in front of it.
fn start(
    job: &Job,
    table: &TableSpec,
    windows: &[(Arc<Series>, Window)],
    events: Events,
    progress: Arc<dyn Progress>,
) -> (Arc<Intake>, JoinHandle<Result<Written, tidegate_sink::Error>>) {
    let (sender, receiver) = mpsc::channel(PAGES_WAITING);
    let intake = Intake::new(table.clone(), job.good_only(), windows, events.reader(), sender, progress);
    (Arc::new(intake), tokio::spawn(write(events, receiver)))
}

async fn write(mut events: Events, mut pages: mpsc::Receiver<Page>) -> Result<Written, tidegate_sink::Error> {
    while let Some(page) = pages.recv().await {
        events.push(page.rows, page.advances).await?;
    }
    events.finish().await
}

/// Enters what was not proven in the gap ledger, and what was not mapped among the rejects.
async fn record(job: &Job, lake: &Lake, table: &TableSpec, stamp: RunStamp, read: Read) -> Result<()> {
    let name = job.full_name(table);
    let with_table = |gap| (name.clone(), gap);
    let observation = Observation {
        open: read.gaps.into_iter().map(with_table).collect(),
        covered: read.covered.into_iter().map(|cover| (name.clone(), cover)).collect(),
        catalogued: vec![name.clone()],
    };
    let mut ledger = lake.gaps().await?;
    ledger.observe(stamp, observation);
    ledger.save().await?;
    let reject = |rejected: intake::Rejected| RejectRow {
        table: name.clone(),
        series: rejected.series,
        raw: rejected.raw,
        reason: rejected.reason,
        pipeline: job.config().name.clone(),
        run_id: report::run_id(stamp),
        rejected_at: stamp.at,
    };
    Ok(lake.append_rejects(read.rejects.into_iter().map(reject).collect()).await?)
}

fn seconds(windows: &[(Arc<Series>, Window)]) -> i64 {
    windows.iter().map(|(_, window)| intake::past(*window, window.read)).sum()
}
