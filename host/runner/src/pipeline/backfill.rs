//! A backfill on one page: a range of time that the cursors know nothing of, read in slices, in a lane of its own beside
//! the runs.
//!
//! What it has covered is kept apart from the cursors, so that the same command again, or one that overlaps, reads only what
//! is missing. Everything is compared with what is stored, because runs may have been there before. Memory holds one slice's
//! plan at a time, however long the range is.

mod missing;
mod slices;
mod spread;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Result;
use tidegate_model::{Interval, Intervals, Series, Window};
use tidegate_sandbox::{Catalogue, Shape, TableSpec};

use self::missing::Missing;
use self::slices::Slices;
use self::spread::spread;
use super::job::{Job, RunOptions};
use super::ledger::Asked;
use super::report::Report;
use super::snapshots::{self, Snapshots};
use super::windows::{self, Round};
use super::writer::Target;
use super::{Run, conclude, ledger, read_round, writer};
use crate::exit::Failure;
use crate::glob::Glob;
use crate::output;
use crate::progress::Progress;
use crate::summary::{Command, Summary};

/// Slices in a row that prove nothing although asking again might help: then the server is down, and to go on would only
/// write gaps.
const IN_VAIN: u32 = 3;

/// What a backfill is asked to do.
#[derive(Clone, Debug)]
pub struct BackfillOptions {
    /// Which stretch of event time.
    pub range: Interval,
    /// Tables by name, with or without the plugin's prefix; all that grow when empty.
    pub tables: Vec<String>,
    /// Only series with such a name.
    pub tags: Option<Glob>,
    /// From the end of the range to its start.
    pub newest_first: bool,
    /// What is covered already as well.
    pub again: bool,
}

/// One backfill to the end.
///
/// # Errors
/// As for [`run`](super::run); also when no series has a name as asked for.
pub async fn backfill(job: &Job, options: &BackfillOptions, progress: Arc<dyn Progress>) -> Result<Summary> {
    let mut report = Report::begin(Command::Backfill);
    // 1. The tables that grow, of those that the configuration and the command line ask for.
    let wanted = wanted(job, options).await?;
    let plain = RunOptions { tables: options.tables.clone(), ..RunOptions::default() };
    let run = Run { job, options: &plain, lake: Arc::new(job.lake()?), stamp: report.stamp(), wanted, progress };
    // 2. Table by table, each from its newest or oldest slice on.
    let mut found = false;
    for table in job.series_tables().filter(|table| run.wants(&table.name)) {
        if report.is_locked_out() {
            report.failed(vec![table.name.clone()], snapshots::locked_out().into());
            continue;
        }
        match series(&run, options, table, &mut report).await {
            Ok(some) => found |= some,
            Err(error) => report.failed(vec![table.name.clone()], error),
        }
    }
    // 3. What became of whole tables, and the backfill itself.
    if let Some(tags) = options.tags.as_ref().filter(|_| !found && report.failures().is_empty()) {
        return Err(tags.stands_for_nothing().into());
    }
    conclude(&run, report).await
}

/// Reads what is missing of one table. Returns whether any series was asked for.
async fn series(run: &Run<'_>, options: &BackfillOptions, table: &TableSpec, report: &mut Report) -> Result<bool> {
    let (job, name) = (run.job, run.job.full_name(table));
    // 1. What the configuration selects, narrowed by name.
    let catalogue = catalogue(run, table).await?;
    let selected = selected(&catalogue, options.tags.as_ref());
    if selected.is_empty() && options.tags.is_some() {
        return Ok(false);
    }
    // 2. Hold the lane and open the table; coverage that a killed backfill left staged is merged or discarded here.
    let _held = run.lake.lock(&name, writer::BACKFILL_LANE)?;
    let writer = writer::open_backfill(run, table).await?;
    // 3. What is missing: the range without what is covered, and what the gap ledger says of it.
    let covered = if options.again { HashMap::new() } else { covered(run, &name, writer.backfilled()).await? };
    let missing = Missing::of(&selected, options.range, run.stamp.at, &covered);
    let mut slices = Slices::new(missing.union(), options.newest_first, job.commit_policy().rows);
    // 4. Slice by slice; pages with their proof go to the writer, which commits both together.
    let (mut target, written) = writer.start(run.stamp);
    run.progress.planned(missing.series(), 0, missing.seconds());
    let ended = read_slices(run, table, &missing, &mut slices, &mut target, report).await;
    // 5. The last commit.
    drop(target);
    let written = written.end().await?;
    report.committed();
    // 6. What could not be proven.
    let ids = selected.iter().map(|series| series.id.as_str()).collect();
    let asked = Asked { range: options.range, series: ids, tags: options.tags.as_ref() };
    let open = ledger::record_backfill(run, table, report.observed(), &catalogue, &asked).await?;
    report.written(&name, selected.len(), open, &written);
    ended.map(|()| true)
}

/// Reads slice after slice, as long as there is sense in it.
async fn read_slices(
    run: &Run<'_>,
    table: &TableSpec,
    missing: &Missing,
    slices: &mut Slices,
    target: &mut Target,
    report: &mut Report,
) -> Result<()> {
    let mut in_vain = 0;
    while let Some(slice) = slices.next() {
        let work = Work { windows: missing.rounds(slice), rows: slices.expected() };
        let done = read_slice(run, table, work, target, report).await?;
        in_vain = if done.in_vain { in_vain + 1 } else { 0 };
        if done.stopped || in_vain == IN_VAIN {
            let (table, from, to) = (run.job.full_name(table), output::time(slice.start), output::time(slice.end));
            let note =
                format!("{table}: stopped at {from} to {to}, which could not be read; the same command goes on there");
            run.progress.note(&note);
            break;
        }
        slices.measured(done.rows);
    }
    Ok(())
}

/// What is to be read of a slice.
struct Work {
    /// Round by round.
    windows: Vec<Vec<(Arc<Series>, Window)>>,
    /// About so many.
    rows: u64,
}

/// What became of a slice.
struct Done {
    /// Rows that the plugin delivered.
    rows: u64,
    /// There is no sense in going on.
    stopped: bool,
    /// Nothing of it was proven, and asking again might help.
    in_vain: bool,
}

/// Reads one slice: each series ascending, the n-th missing stretch of each in the n-th round.
async fn read_slice(
    run: &Run<'_>,
    table: &TableSpec,
    work: Work,
    target: &mut Target,
    report: &mut Report,
) -> Result<Done> {
    let mut done = Done { rows: 0, stopped: false, in_vain: true };
    for windows in work.windows {
        let partitions = windows::partitions(run.job, table, &windows).await?;
        let partitions = spread(partitions, run.job.parallel(), work.rows);
        let intake = read_round(run, table, Round { windows, partitions }, target).await;
        report.read(&intake);
        done.rows += intake.counts.read.load(Ordering::Relaxed);
        done.in_vain &= intake.in_vain();
        done.stopped = intake.broken() || intake.locked_out();
        if done.stopped {
            break;
        }
    }
    Ok(done)
}

/// The tables to work on.
async fn wanted(job: &Job, options: &BackfillOptions) -> Result<Vec<String>> {
    for name in &options.tables {
        let table = job.table(name)?;
        if table.shape == Shape::Snapshot {
            let name = job.full_name(table);
            return Err(Failure::usage(format!(
                "--table {name}: it holds the state of now, which has no past to read"
            ))
            .into());
        }
    }
    let grows = |name: &String| job.series_tables().any(|table| table.name == *name);
    Ok(job.wanted(&options.tables).await?.into_iter().filter(grows).collect())
}

/// What the configuration selects. Snapshots that come with it are the business of runs.
async fn catalogue(run: &Run<'_>, table: &TableSpec) -> Result<Catalogue> {
    let snapshots = Arc::new(Snapshots::new(run));
    let catalogue = run.job.connection().series(&table.name, Arc::clone(&snapshots) as _).await;
    snapshots.finish().await;
    Ok(catalogue?)
}

/// Sorted as the files are: then the series of one partition lie close together in them, and the comparison reads little.
fn selected(catalogue: &Catalogue, tags: Option<&Glob>) -> Vec<Arc<Series>> {
    let wanted = |series: &&Arc<Series>| tags.is_none_or(|tags| tags.matches(&series.name));
    let mut selected: Vec<Arc<Series>> = catalogue.series.iter().filter(wanted).cloned().collect();
    selected.sort_by(|a, b| a.id.cmp(&b.id));
    selected
}

/// What need not be read again: what backfills have covered, save what the gap ledger knows better.
async fn covered(
    run: &Run<'_>,
    table: &str,
    mut covered: HashMap<String, Intervals>,
) -> Result<HashMap<String, Intervals>> {
    let ledger = run.lake.gaps().await?;
    for row in ledger.rows().iter().filter(|row| row.resolved_at.is_none() && row.table == table) {
        if let Some((covered, gap)) = covered.get_mut(&row.series).zip(row.interval) {
            covered.remove(gap);
        }
    }
    Ok(covered)
}
