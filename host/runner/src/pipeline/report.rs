//! The figures of a run, gathered while it goes, and the row that stays of it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Clock, SystemTime, UNIX_EPOCH};

use tidegate_model::{Cover, Fault, Gap, Instant};
use tidegate_sandbox::Figures;
use tidegate_sink::{RunRow, RunStamp, Written};

use super::intake::Intake;
use super::job::Job;
use super::select::Selection;
use crate::summary::{Outcome, Summary};

/// What reading a table found out about gaps.
#[derive(Default)]
pub(crate) struct Observed {
    /// Intervals that were not proven, and configured names that were not found.
    pub(crate) gaps: Vec<Gap>,
    pub(crate) covered: Vec<Cover>,
}

/// Gathers the figures of one run.
pub(crate) struct Report {
    stamp: RunStamp,
    began: Clock,
    summary: Summary,
    /// The series of this run whose cursor is the oldest decides the lag.
    oldest: Option<Instant>,
    observed: Observed,
}

/// The clock, on whole microseconds.
pub(crate) fn now() -> RunStamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    RunStamp { at: Instant(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)).floor_micros() }
}

impl Report {
    pub(crate) fn begin() -> Self {
        Self {
            stamp: now(),
            began: Clock::now(),
            summary: Summary::default(),
            oldest: None,
            observed: Observed::default(),
        }
    }

    pub(crate) fn stamp(&self) -> RunStamp {
        self.stamp
    }

    /// Takes what one round of reading brought, besides its rows.
    pub(crate) fn read(&mut self, intake: &Intake) {
        self.summary.late += intake.counts.late.load(Ordering::Relaxed);
        self.summary.filtered += intake.counts.filtered.load(Ordering::Relaxed);
        self.summary.rejected += intake.counts.rejected.load(Ordering::Relaxed);
        self.oldest = self.oldest.into_iter().chain(intake.oldest()).min();
        self.observed.gaps.extend(intake.gaps());
        self.observed.covered.extend(intake.covered());
    }

    /// What the rounds of a table found out about gaps; the next table starts anew.
    pub(crate) fn observed(&mut self, selection: &Selection) -> Observed {
        let mut observed = std::mem::take(&mut self.observed);
        let unresolved = selection.catalogue.unresolved.iter();
        let gap = |(name, fault): &(String, Fault)| Gap { series: name.clone(), interval: None, fault: fault.clone() };
        observed.gaps.extend(unresolved.map(gap));
        for gap in &observed.gaps {
            tracing::warn!(series = gap.series, code = gap.fault.code, "not read: {}", gap.fault.message);
        }
        observed
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
            run_id: self.stamp.id(),
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
