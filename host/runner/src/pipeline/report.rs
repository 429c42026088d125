//! The figures of a run, gathered while it goes, and the row that stays of it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Clock, SystemTime, UNIX_EPOCH};

use anyhow::Error;
use tidegate_model::{Cover, Fault, Gap, Instant, Interval, Intervals};
use tidegate_sandbox::Figures;
use tidegate_sink::{RunRow, RunStamp, Written};

use super::intake::{Intake, locks_out};
use super::job::Job;
use super::snapshots::{Ended, SINK};
use crate::summary::{Command, Outcome, Summary};

/// What reading a table found out about gaps. Neighbours are joined as they come: a backfill has thousands of rounds.
#[derive(Default)]
pub(crate) struct Observed {
    /// Intervals that were not proven, by series.
    gaps: HashMap<String, Vec<Gap>>,
    covered: HashMap<String, Intervals>,
}

impl Observed {
    fn read(&mut self, intake: &Intake) {
        for Cover { series, interval } in intake.covered() {
            self.covered.entry(series).or_default().insert(interval);
        }
        for gap in intake.gaps() {
            let gaps = self.gaps.entry(gap.series.clone()).or_default();
            let last = gaps.last_mut().filter(|last| last.fault.code == gap.fault.code);
            let hull = last.as_ref().and_then(|last| touching(last.interval?, gap.interval?));
            match last.zip(hull) {
                Some((last, hull)) => last.interval = Some(hull),
                None => gaps.push(gap),
            }
        }
    }

    /// The series with such an interval.
    pub(crate) fn broken(&self) -> HashSet<String> {
        self.gaps.keys().cloned().collect()
    }

    /// Intervals that were not proven.
    pub(crate) fn gaps(&mut self) -> impl Iterator<Item = Gap> {
        std::mem::take(&mut self.gaps).into_values().flatten()
    }

    /// Intervals that were.
    pub(crate) fn covered(&self) -> impl Iterator<Item = Cover> {
        let cover = |series: &String, interval: &Interval| Cover { series: series.clone(), interval: *interval };
        self.covered.iter().flat_map(move |(series, all)| all.as_slice().iter().map(move |part| cover(series, part)))
    }
}

/// Both as one, if there is nothing between them.
fn touching(a: Interval, b: Interval) -> Option<Interval> {
    (a.start <= b.end && b.start <= a.end).then(|| a.hull(b))
}

/// Gathers the figures of one run.
pub(crate) struct Report {
    stamp: RunStamp,
    began: Clock,
    summary: Summary,
    /// The series of this run whose cursor is the oldest decides the lag.
    oldest: Option<Instant>,
    observed: Observed,
    /// Declared names of the snapshot tables that were replaced.
    whole: Vec<String>,
    /// Tables that came to their end.
    read: usize,
    /// Tables that did not, and why.
    failures: Vec<(Vec<String>, Error)>,
    locked_out: bool,
}

/// The clock, on whole microseconds.
pub(crate) fn now() -> RunStamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    RunStamp { at: Instant(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)).floor_micros() }
}

impl Report {
    pub(crate) fn begin(command: Command) -> Self {
        Self {
            stamp: now(),
            began: Clock::now(),
            summary: Summary { command, ..Summary::default() },
            oldest: None,
            observed: Observed::default(),
            whole: Vec::new(),
            read: 0,
            failures: Vec::new(),
            locked_out: false,
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
        self.summary.edited += intake.counts.edited.load(Ordering::Relaxed);
        self.summary.deleted += intake.counts.deleted.load(Ordering::Relaxed);
        // The cursor of a backfill is nobody's lag.
        let oldest = intake.oldest().filter(|_| self.summary.command == Command::Run);
        self.oldest = self.oldest.into_iter().chain(oldest).min();
        self.observed.read(intake);
        self.locked_out |= intake.locked_out();
    }

    /// What the rounds of a table found out about gaps; the next table starts anew.
    pub(crate) fn observed(&mut self) -> Observed {
        std::mem::take(&mut self.observed)
    }

    /// Takes of how many series the historian told what changed, and of how many it should have.
    pub(crate) fn hinted(&mut self, (hinted, fell_back): (u64, u64)) {
        self.summary.hinted += hinted;
        self.summary.fell_back += fell_back;
    }

    /// The rows of a table are committed, whatever becomes of the rest.
    pub(crate) fn committed(&mut self) {
        self.read += 1;
    }

    /// Takes what was written of a table that came to its end, and how many of its intervals are missing.
    pub(crate) fn written(&mut self, table: &str, series: usize, missing: usize, written: &Written) {
        self.summary.series += series as u64;
        self.summary.gaps += missing as u64;
        self.summary.rows += written.rows;
        self.summary.edited += written.edited;
        self.summary.deleted += written.deleted;
        self.summary.commits += written.commits;
        self.summary.files += written.files;
        self.summary.files_rewritten += written.files_rewritten;
        self.summary.files_compared += written.files_compared;
        self.summary.bytes_compared += written.bytes_compared;
        self.summary.tables.insert(table.to_owned(), written.rows);
    }

    /// Takes the snapshot tables that were replaced, with their rows, and those that could not be written.
    pub(crate) fn refreshed(&mut self, job: &Job, ended: Ended) {
        for (table, fault) in ended.failed {
            self.failed(vec![table], fault.into());
        }
        for (table, rows) in ended.replaced {
            if let Ok(spec) = job.table(&table) {
                self.summary.tables.insert(job.full_name(spec), rows);
            }
            self.read += 1;
            self.whole.push(table);
        }
    }

    /// Whether it is open what becomes of this snapshot table.
    pub(crate) fn lacks(&self, table: &str) -> bool {
        let failed = self.failures.iter().flat_map(|(tables, _)| tables);
        !self.whole.iter().chain(failed).any(|known| known == table)
    }

    /// The snapshot tables that were replaced.
    pub(crate) fn whole(&self) -> &[String] {
        &self.whole
    }

    /// Tables could not be read, or not be written. The run goes on with the others.
    pub(crate) fn failed(&mut self, tables: Vec<String>, error: Error) {
        tracing::warn!(?tables, "not read: {error:#}");
        self.locked_out |= error.downcast_ref::<Fault>().is_some_and(locks_out);
        self.observed = Observed::default();
        self.summary.gaps += tables.len() as u64;
        self.failures.push((tables, error));
    }

    /// Tables that failed, and why.
    pub(crate) fn failures(&self) -> &[(Vec<String>, Error)] {
        &self.failures
    }

    /// Whether the server does not know who we are. To ask again and again locks accounts.
    pub(crate) fn is_locked_out(&self) -> bool {
        self.locked_out
    }

    /// Why, when there are failures and no table came to its end.
    pub(crate) fn nothing_read(&mut self) -> Option<Error> {
        (self.read == 0 && !self.failures.is_empty()).then(|| self.failures.swap_remove(0).1)
    }

    /// The summary, and an error when a table could not be written: then the run has failed, whatever else it did.
    pub(crate) fn end(mut self, figures: Figures) -> (Summary, Option<Error>) {
        let own = |error: &Error| error.downcast_ref::<Fault>().is_none_or(|fault| fault.code == SINK);
        let failure = self.failures.into_iter().map(|(_, error)| error).find(own);
        let lag = self.oldest.map_or(0, |oldest| now().at.0.saturating_sub(oldest.0).max(0));
        self.summary.outcome = match (&failure, self.summary.gaps) {
            (Some(_), _) => Outcome::Failed,
            (None, 0) => Outcome::Done,
            (None, _) => Outcome::Gaps,
        };
        let summary = Summary {
            requests: figures.requests,
            retries: figures.retries,
            bytes: figures.bytes_received,
            duration_seconds: self.began.elapsed().as_secs_f64(),
            lag_seconds: lag as f64 / 1e9,
            ..self.summary
        };
        (summary, failure)
    }
}

/// The run as the runs table keeps it.
pub(crate) fn row(job: &Job, stamp: RunStamp, summary: &Summary) -> RunRow {
    let count = |figure: u64| i64::try_from(figure).unwrap_or(i64::MAX);
    RunRow {
        pipeline: job.config().name.clone(),
        run_id: stamp.id(),
        command: summary.command.as_str().to_owned(),
        started_at: Some(stamp.at),
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
        files_rewritten: count(summary.files_rewritten),
        files_compared: count(summary.files_compared),
        bytes_compared: count(summary.bytes_compared),
        series: count(summary.series),
        hinted: count(summary.hinted),
        fell_back: count(summary.fell_back),
        duration_seconds: summary.duration_seconds,
        lag_seconds: (summary.command == Command::Run).then_some(summary.lag_seconds),
        plugin: job.description().name.clone(),
        plugin_version: job.description().version.clone(),
        tidegate_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
