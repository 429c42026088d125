//! The figures of a run, gathered while it goes, and the row that stays of it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Clock, SystemTime, UNIX_EPOCH};

use tidegate_model::{Cover, Gap, Instant};
use tidegate_sandbox::Figures;
use tidegate_sink::{RunRow, RunStamp, Written};

use super::intake::{Intake, Rejected};
use super::job::Job;
use super::select::Selection;
use crate::summary::{Outcome, Summary};

/// What reading a table left to be recorded.
pub(crate) struct Read {
    /// Intervals that were not proven, and configured names that were not found.
    pub(crate) gaps: Vec<Gap>,
    pub(crate) covered: Vec<Cover>,
    pub(crate) rejects: Vec<Rejected>,
}

/// Gathers the figures of one run.
pub(crate) struct Report {
    stamp: RunStamp,
    began: Clock,
    summary: Summary,
    /// The series of this run whose cursor is the oldest decides the lag.
    oldest: Option<Instant>,
}

/// The clock, on whole microseconds.
pub(crate) fn now() -> RunStamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    RunStamp { at: Instant(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)).floor_micros() }
}

/// Names a run in the tables: when it began, in microseconds.
pub(crate) fn run_id(stamp: RunStamp) -> String {
    stamp.at.micros().to_string()
}

impl Report {
    pub(crate) fn begin() -> Self {
        Self { stamp: now(), began: Clock::now(), summary: Summary::default(), oldest: None }
    }

    pub(crate) fn stamp(&self) -> RunStamp {
        self.stamp
    }

    /// Takes what reading a table brought, besides its rows.
    pub(crate) async fn read(&mut self, intake: &Intake, selection: &Selection) -> Read {
        self.summary.late += intake.counts.late.load(Ordering::Relaxed);
        self.summary.filtered += intake.counts.filtered.load(Ordering::Relaxed);
        self.summary.rejected += intake.counts.rejected.load(Ordering::Relaxed);
        let unresolved = selection.catalogue.unresolved.iter();
        let unresolved =
            unresolved.map(|(name, fault)| Gap { series: name.clone(), interval: None, fault: fault.clone() });
        let gaps: Vec<Gap> = intake.gaps().into_iter().chain(unresolved).collect();
        for gap in &gaps {
            tracing::warn!(series = gap.series, code = gap.fault.code, "not read: {}", gap.fault.message);
        }
        self.oldest = self.oldest.into_iter().chain(intake.oldest()).min();
        Read { gaps, covered: intake.covered(), rejects: intake.take_rejects().await }
    }

    /// Takes what the writer wrote of a table.
    pub(crate) fn written(&mut self, series: usize, gaps: usize, written: &Written) {
        self.summary.series += series as u64;
        self.summary.gaps += gaps as u64;
        self.summary.rows += written.rows;
        self.summary.commits += written.commits;
        self.summary.files += written.files;
    }

    /// The summary of a run that got to its end.
    pub(crate) fn end(&self, figures: Figures) -> Summary {
        let lag = self.oldest.map_or(0, |oldest| now().at.0.saturating_sub(oldest.0).max(0));
        Summary {
            outcome: if self.summary.gaps == 0 { Outcome::Done } else { Outcome::Gaps },
            requests: figures.requests,
            retries: figures.retries,
            bytes: figures.bytes_received,
            duration_seconds: self.began.elapsed().as_secs_f64(),
            lag_seconds: lag as f64 / 1e9,
            ..self.summary.clone()
        }
    }

    /// The run as the runs table keeps it.
    pub(crate) fn row(&self, job: &Job, summary: &Summary) -> RunRow {
        let count = |figure: u64| i64::try_from(figure).unwrap_or(i64::MAX);
        RunRow {
            pipeline: job.config().name.clone(),
            run_id: run_id(self.stamp),
            started_at: Some(self.stamp.at),
            ended_at: Some(now().at),
            outcome: summary.outcome.as_str().to_owned(),
            exit_code: i32::from(summary.exit().code()),
            rows: count(summary.rows),
            late: count(summary.late),
            edited: count(summary.edited),
            deleted: count(summary.deleted),
            rejected: count(summary.rejected),
            filtered: count(summary.filtered),
            gaps: count(summary.gaps),
            requests: count(summary.requests),
            retries: count(summary.retries),
            bytes: count(summary.bytes),
            commits: count(summary.commits),
            files: count(summary.files),
            series: count(summary.series),
            duration_seconds: summary.duration_seconds,
            lag_seconds: Some(summary.lag_seconds),
            plugin: job.description().name.clone(),
            plugin_version: job.description().version.clone(),
            tidegate_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
