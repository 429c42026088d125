//! The task between the intake and a table that grows: takes pages, and commits each with its proof.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use tidegate_model::{Instant, Interval, Intervals, Watermark};
use tidegate_sandbox::{Shape, TableSpec};
use tidegate_sink::{Events, Records, RunStamp, StoredReader, Written};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Run;
use super::intake::{Absentees, Page};
use super::windows::Owed;

/// The one lane of incremental runs.
pub(crate) const LANE: &str = "live";
/// The one lane of backfills.
pub(crate) const BACKFILL_LANE: &str = "backfill";
/// Pages that wait for the writer. Few: a page is megabytes, and a full queue is what slows the plugins down.
const PAGES_WAITING: usize = 2;
/// How long no page may come before the writer looks whether what it holds is due.
const IDLE: Duration = Duration::from_secs(5);

/// An open table.
pub(crate) enum Writer {
    Events(Box<Events>),
    Records(Box<Records>),
}

/// What rounds are compared with, and where their pages go. The writer ends when this is dropped.
pub(crate) struct Target {
    /// What is stored of events; `None` for records, which the table itself compares.
    pub(crate) stored: Option<StoredReader>,
    /// Looks for stored records that do not come again.
    pub(crate) absentees: Option<Absentees>,
    pub(crate) pages: mpsc::Sender<Page>,
}

/// A writer at work.
pub(crate) struct Writing(JoinHandle<Result<Written, tidegate_sink::Error>>);

/// Opens `table`; coverage that a killed run left staged is merged or discarded here.
///
/// # Errors
/// A table that cannot be written, or a lane that another run holds.
pub(crate) async fn open(run: &Run<'_>, table: &TableSpec) -> Result<Writer, tidegate_sink::Error> {
    let (job, policy) = (run.job, run.job.commit_policy());
    Ok(match table.shape {
        Shape::Records => {
            Writer::Records(Box::new(run.lake.records(job.records_spec(table), LANE, run.stamp, policy).await?))
        }
        _ => Writer::Events(Box::new(run.lake.events(job.events_spec(table), LANE, run.stamp, policy).await?)),
    })
}

/// Opens `table` for a backfill, as [`open`] does for a run.
///
/// # Errors
/// As for [`open`].
pub(crate) async fn open_backfill(run: &Run<'_>, table: &TableSpec) -> Result<Writer, tidegate_sink::Error> {
    let (job, policy) = (run.job, run.job.commit_policy());
    Ok(match table.shape {
        Shape::Records => {
            Writer::Records(Box::new(run.lake.backfill_records(job.records_spec(table), run.stamp, policy).await?))
        }
        _ => Writer::Events(Box::new(run.lake.backfill_events(job.events_spec(table), run.stamp, policy).await?)),
    })
}

impl Writer {
    /// How far each series is covered.
    pub(crate) fn watermarks(&self) -> &HashMap<String, Watermark> {
        match self {
            Self::Events(events) => events.watermarks(),
            Self::Records(records) => records.watermarks(),
        }
    }

    /// What backfills have covered of each series.
    pub(crate) fn backfilled(&self) -> HashMap<String, Intervals> {
        match self {
            Self::Events(events) => events.backfilled(),
            Self::Records(records) => records.backfilled(),
        }
    }

    /// Moments at which records that are stored without an end were alive: to read them again tells whether they have ended
    /// since, however long ago.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub(crate) async fn unfinished(&self) -> Result<Owed, tidegate_sink::Error> {
        let Self::Records(records) = self else { return Ok(Owed::new()) };
        let moment = |start: Instant| Interval::new(start, start.plus_nanos(1_000));
        let starts = records.unfinished().await?;
        Ok(starts.into_iter().map(|(series, starts)| (series, starts.into_iter().map(moment).collect())).collect())
    }

    /// Starts to take pages, for a run.
    pub(crate) fn start(self, run: RunStamp) -> (Target, Writing) {
        let (pages, receiver) = mpsc::channel(PAGES_WAITING);
        let (stored, absentees) = match &self {
            Self::Events(events) => (Some(events.reader()), None),
            Self::Records(records) => (None, Some(Absentees::new(records.reader(), run))),
        };
        (Target { stored, absentees, pages }, Writing(tokio::spawn(self.write(receiver))))
    }

    async fn write(mut self, mut pages: mpsc::Receiver<Page>) -> Result<Written, tidegate_sink::Error> {
        loop {
            match tokio::time::timeout(IDLE, pages.recv()).await {
                Ok(Some(page)) => self.push(page).await?,
                Ok(None) => return self.finish().await,
                // While no page comes, what is there must not wait for ever.
                Err(_idle) => self.commit_if_due().await?,
            }
        }
    }

    async fn push(&mut self, page: Page) -> Result<(), tidegate_sink::Error> {
        match self {
            Self::Events(events) => {
                events.reject(page.rejects);
                events.amend(page.rows, &page.gone, page.advances).await
            }
            Self::Records(records) => {
                records.reject(page.rejects);
                records.amend(page.rows, page.records, page.advances).await
            }
        }
    }

    async fn commit_if_due(&mut self) -> Result<(), tidegate_sink::Error> {
        match self {
            Self::Events(events) => events.commit_if_due().await,
            Self::Records(records) => records.commit_if_due().await,
        }
    }

    async fn finish(self) -> Result<Written, tidegate_sink::Error> {
        match self {
            Self::Events(events) => events.finish().await,
            Self::Records(records) => records.finish().await,
        }
    }
}

impl Writing {
    /// What was written.
    ///
    /// # Errors
    /// A commit that failed; what was committed before it stands.
    pub(crate) async fn end(self) -> Result<Written> {
        Ok(self.0.await.context("the writer ended unexpectedly")??)
    }
}
