//! ★ The whole job on one page: what a run does, in order.
//!
//! Nothing is written before the historian has answered; nothing moves a cursor but proof that a commit holds; what
//! could not be proven is in the gap ledger when the run ends. Tables do not hold each other back: one that fails is
//! recorded, and the next one is read.

mod backfill;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hints;
mod intake;
mod job;
mod ledger;
mod look;
mod preview;
mod read;
mod reconcile;
mod report;
mod rows;
mod snapshots;
mod windows;
mod writer;

use std::sync::Arc;

use anyhow::Result;
use tidegate_sandbox::TableSpec;
use tidegate_sink::fault_point::{Point, reach};
use tidegate_sink::{Lake, RunStamp};

use self::intake::{Intake, Outputs};
use self::report::Report;
use self::snapshots::Snapshots;
use self::windows::Round;
use self::writer::Target;
use crate::progress::Progress;
use crate::summary::{Command, Summary};

pub use self::backfill::{BackfillOptions, backfill};
pub use self::job::{Job, RunOptions, limits};
pub use self::ledger::gaps;
pub use self::look::{Plan, plan, preview};
pub use self::reconcile::{Differing, Findings, Scope, Uncounted, reconcile};
pub(crate) use self::report::now;
pub(crate) use self::writer::LANE;

/// What all steps of one run share.
pub(crate) struct Run<'a> {
    pub(crate) job: &'a Job,
    pub(crate) options: &'a RunOptions,
    pub(crate) lake: Arc<Lake>,
    pub(crate) stamp: RunStamp,
    /// Declared names of the tables to work on.
    pub(crate) wanted: Vec<String>,
    pub(crate) progress: Arc<dyn Progress>,
}

/// One incremental run to the end.
///
/// # Errors
/// When nothing could be read (the server does not answer, the credentials are wrong), or a table cannot be written.
/// What could not be read of single series or tables is no error: it is counted as gaps.
pub async fn run(job: &Job, options: &RunOptions, progress: Arc<dyn Progress>) -> Result<Summary> {
    let mut report = Report::begin(Command::Run);
    // 1. The tables that the configuration and the command line ask for.
    let wanted = job.wanted(&options.tables).await?;
    let run = Run { job, options, lake: Arc::new(job.lake()?), stamp: report.stamp(), wanted, progress };
    reach(Point::RunBegun).await;
    // 2. Tables that grow: series by series, each from its own cursor.
    for table in job.series_tables().filter(|table| run.wants(&table.name)) {
        if report.is_locked_out() {
            report.failed(vec![table.name.clone()], snapshots::locked_out().into());
            continue;
        }
        if let Err(error) = series(&run, table, &mut report).await {
            report.failed(vec![table.name.clone()], error);
        }
    }
    reach(Point::RunSeriesDone).await;
    // 3. Tables that hold the state of now: replaced whole, or left as they are.
    if let Err(error) = snapshots::refresh(&run, &mut report).await {
        report.failed(run.lacking(&report), error);
    }
    reach(Point::RunSnapshotsDone).await;
    // 4. What became of whole tables, and the run itself.
    conclude(&run, report).await
}

/// The end of a run or backfill. One that read nothing leaves nothing.
async fn conclude(run: &Run<'_>, mut report: Report) -> Result<Summary> {
    let job = run.job;
    if let Some(error) = report.nothing_read() {
        return Err(error);
    }
    ledger::tables(run, report.failures(), report.whole()).await?;
    reach(Point::RunTablesRecorded).await;
    run.progress.finished();
    // Before the figures are taken: the end of a session is a request too.
    job.hang_up().await;
    let (summary, failure) = report.end(job.egress_figures());
    run.lake.append_run(report::row(job, run.stamp, &summary)).await?;
    reach(Point::RunRecorded).await;
    failure.map_or(Ok(summary), Err)
}

/// Reads what is new, late and owed of one table.
async fn series(run: &Run<'_>, table: &TableSpec, report: &mut Report) -> Result<()> {
    let job = run.job;
    // 1. What the configuration selects, and the snapshots that describe it. The lake is not touched before the server
    //    has answered.
    let snapshots = Arc::new(Snapshots::new(run));
    let catalogue = job.connection().series(&table.name, Arc::clone(&snapshots) as _).await;
    report.refreshed(job, snapshots.finish().await);
    let catalogue = catalogue?;
    reach(Point::SeriesResolved).await;
    // 2. Hold the lane and open the table; coverage that a killed run left staged is merged or discarded here.
    let _held = run.lake.lock(&job.full_name(table), writer::LANE)?;
    let writer = writer::open(run, table).await?;
    reach(Point::SeriesOpened).await;
    // 3. What to read of each series, from its cursor, the look-back, the gap ledger and what the historian says it changed;
    //    cut by the plugin.
    let mut hints = hints::fetch(run, table, &catalogue.series).await?;
    let again = windows::Again {
        gaps: windows::gaps(job, &run.lake, table, run.options.patience(run.stamp)).await?,
        open: writer.unfinished().await?,
        hints: std::mem::take(&mut hints.hints),
        backfilled: run.lake.backfilled(&job.full_name(table)).await?,
    };
    let policy = windows::begin(run, table, &catalogue.series, writer.watermarks()).await?;
    let rounds = windows::rounds(job, table, &catalogue.series, writer.watermarks(), &again, &policy).await?;
    hints.planned(&rounds);
    reach(Point::SeriesPlanned).await;
    // 4. Read side by side; pages with their proof go to the writer, which commits both together.
    let (mut target, written) = writer.start(run.stamp);
    let mut ended = true;
    for round in rounds {
        run.progress.planned(round.windows.len(), round.partitions.len(), round.seconds());
        let intake = read_round(run, table, round, &mut target).await;
        report.read(&intake);
        reach(Point::SeriesRead).await;
        if intake.broken() || intake.locked_out() {
            ended = false;
            break;
        }
    }
    // 5. The last commit.
    drop(target);
    let written = written.end().await?;
    reach(Point::SeriesCommitted).await;
    report.committed();
    // 6. What could not be proven; and up to where changes are known, now that nothing of them is unread or unrecorded.
    let observed = report.observed();
    hints.missed(&observed.broken());
    let missing = ledger::record(run, table, observed, &catalogue).await?;
    reach(Point::SeriesRecorded).await;
    run.lake.ended(&job.full_name(table), writer::LANE).await?;
    report.hinted(hints.figures());
    if ended {
        hints.keep(run, table).await?;
    }
    report.written(&job.full_name(table), catalogue.series.len(), missing, &written);
    Ok(())
}

/// Reads one round: several instances of the plugin side by side, each page compared with what is stored and sent on.
async fn read_round(run: &Run<'_>, table: &TableSpec, round: Round, target: &mut Target) -> Arc<Intake> {
    let job = run.job;
    let (stored, pages) = (target.stored.clone(), target.pages.clone());
    let outputs = Outputs { stored, pages, progress: Arc::clone(&run.progress) };
    let mirror = job.mirror(run.options);
    let intake = Arc::new(Intake::new(table.clone(), job.good_only(), mirror, &round.windows, outputs));
    read::all(job.connection(), &intake, round.partitions, job.parallel()).await;
    if let Some(absentees) = &mut target.absentees {
        absentees.settle(job.connection(), &intake).await;
    }
    intake
}

impl Run<'_> {
    fn wants(&self, table: &str) -> bool {
        self.wanted.iter().any(|wanted| wanted == table)
    }

    /// The snapshot tables that are wanted and not replaced yet.
    fn lacking(&self, report: &Report) -> Vec<String> {
        let names = self.job.snapshot_tables().map(|table| table.name.clone());
        names.filter(|table| self.wants(table) && report.lacks(table)).collect()
    }
}
