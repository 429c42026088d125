//! What a run leaves in the gap ledger.

use std::collections::{HashMap, HashSet};

use anyhow::{Error, Result};
use tidegate_model::{Fault, Gap, Instant, Interval, next_attempt};
use tidegate_sandbox::{Catalogue, Shape, TableSpec};
use tidegate_sink::{GapLedger, GapRow, Lake, Observation, RunStamp};

use super::Run;
use super::job::{Job, RunOptions};
use super::report::{self, Observed};
use super::snapshots::SINK;
use crate::glob::Glob;
use crate::secret::redact;

/// Stands for all series of a table, where the table as a whole could not be read.
const ALL: &str = "*";

/// Enters what was and what was not proven of a table. Returns how many intervals of the selected series are missing,
/// those of earlier runs included.
///
/// # Errors
/// A ledger that cannot be written.
pub(crate) async fn record(
    run: &Run<'_>,
    table: &TableSpec,
    observed: Observed,
    catalogue: &Catalogue,
) -> Result<usize> {
    let ledger = enter(run, table, observed, catalogue).await?;
    let selected: HashSet<&str> = catalogue.series.iter().map(|series| series.id.as_str()).collect();
    let open = open(run, table, &ledger);
    Ok(open.filter(|row| row.interval.is_none() || selected.contains(row.series.as_str())).count())
}

/// The same for a backfill. Returns how many intervals of the range and the series that it was asked for are missing.
///
/// # Errors
/// A ledger that cannot be written.
pub(crate) async fn record_backfill(
    run: &Run<'_>,
    table: &TableSpec,
    observed: Observed,
    catalogue: &Catalogue,
    asked: &Asked<'_>,
) -> Result<usize> {
    let ledger = enter(run, table, observed, catalogue).await?;
    let missing = |row: &&GapRow| match row.interval {
        Some(gap) => !gap.intersection(asked.range).is_empty() && asked.series.contains(row.series.as_str()),
        None => asked.tags.is_none_or(|tags| tags.matches(&row.series)),
    };
    Ok(open(run, table, &ledger).filter(missing).count())
}

/// What a backfill was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) range: Interval,
    pub(crate) series: HashSet<&'a str>,
    pub(crate) tags: Option<&'a Glob>,
}

async fn enter(run: &Run<'_>, table: &TableSpec, mut observed: Observed, catalogue: &Catalogue) -> Result<GapLedger> {
    let unresolved = catalogue.unresolved.iter();
    let unresolved = unresolved.map(|(name, fault)| Gap { series: name.clone(), interval: None, fault: fault.clone() });
    let mut gaps: Vec<Gap> = observed.gaps().chain(unresolved).collect();
    for gap in &mut gaps {
        // A plugin's own word, on its way into the lake.
        gap.fault.code = redact(&gap.fault.code).into_owned();
        tracing::warn!(series = gap.series, code = gap.fault.code, "not read: {}", gap.fault.message);
    }
    let name = run.job.full_name(table);
    let mut ledger = run.lake.gaps().await?;
    ledger.observe(
        run.stamp,
        Observation {
            open: gaps.into_iter().map(|gap| (name.clone(), gap)).collect(),
            covered: observed.covered().map(|cover| (name.clone(), cover)).collect(),
            catalogued: vec![name],
            ..Observation::default()
        },
    );
    ledger.save().await?;
    Ok(ledger)
}

/// The gaps of a table that are open.
fn open<'a>(run: &Run<'_>, table: &TableSpec, ledger: &'a GapLedger) -> impl Iterator<Item = &'a GapRow> {
    let name = run.job.full_name(table);
    ledger.rows().iter().filter(move |row| row.resolved_at.is_none() && row.table == name)
}

/// Enters tables that could not be read at all, and closes the gaps of those that were replaced as a whole.
///
/// # Errors
/// A ledger that cannot be written.
pub(crate) async fn tables(run: &Run<'_>, failures: &[(Vec<String>, Error)], whole: &[String]) -> Result<()> {
    let mut observation = Observation { catalogued: full_names(run, whole)?, ..Observation::default() };
    for (tables, error) in failures {
        // What is wrong with the lake is no gap of the historian's.
        let Some(fault) = error.downcast_ref::<Fault>().filter(|fault| fault.code != SINK) else { continue };
        let gap = |name| (name, Gap { series: ALL.to_owned(), interval: None, fault: fault.clone() });
        observation.open.extend(full_names(run, tables)?.into_iter().map(gap));
    }
    let mut ledger = run.lake.gaps().await?;
    ledger.observe(run.stamp, observation);
    Ok(ledger.save().await?)
}

/// Enters the days of which the lake and the historian hold different numbers of events.
///
/// # Errors
/// A ledger that cannot be written.
pub(crate) async fn differing(lake: &Lake, stamp: RunStamp, table: &str, gaps: Vec<Gap>) -> Result<()> {
    let mut ledger = lake.gaps().await?;
    let differing = gaps.into_iter().map(|gap| (table.to_owned(), gap)).collect();
    ledger.observe(stamp, Observation { differing, ..Observation::default() });
    Ok(ledger.save().await?)
}

/// All gaps, each with the instant before which no run tries it again: in the past where the next run does, `None` once it
/// is resolved.
///
/// # Errors
/// A ledger or watermarks that cannot be read.
pub async fn gaps(job: &Job) -> Result<Vec<(GapRow, Option<Instant>)>> {
    let lake = job.lake()?;
    let rows = lake.gaps().await?.rows().to_vec();
    let tables: HashSet<&str> = rows.iter().map(|row| row.table.as_str()).collect();
    let mut settled = HashMap::new();
    for table in tables {
        settled.insert(table.to_owned(), settled_below(job, &lake, table).await?);
    }
    let next = |row: &GapRow| {
        let below = settled.get(&row.table).and_then(|below| below.get(&row.series));
        row.resolved_at.is_none().then(|| match (row.interval, below) {
            (Some(Interval { start, .. }), Some(below)) if start < *below => {
                next_attempt(row.attempts, row.last_attempt)
            }
            // Nothing waits that a run reads anyway.
            _ => row.last_attempt,
        })
    };
    Ok(rows.iter().map(|row| (row.clone(), next(row))).collect())
}

/// Where the look-back of the next run begins, series by series.
async fn settled_below(job: &Job, lake: &Lake, table: &str) -> Result<HashMap<String, Instant>> {
    let marks = match job.table(table) {
        Ok(spec) if spec.shape == Shape::Records => lake.watermarks_of(table).await?,
        Ok(_) => lake.watermarks().await?,
        // Of a plugin that had it once.
        Err(_) => Vec::new(),
    };
    let policy = job.window_policy(report::now(), &RunOptions::default());
    Ok(marks.into_iter().map(|mark| (mark.series.clone(), policy.reads_from(Some(&mark)))).collect())
}

fn full_names(run: &Run<'_>, tables: &[String]) -> Result<Vec<String>> {
    tables.iter().map(|table| Ok(run.job.full_name(run.job.table(table)?))).collect()
}
