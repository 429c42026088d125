//! The gap ledger: every interval that could not be proven, with its reason, until a later run proves it. Gaps are never
//! deleted, only resolved. The table is replaced by each save; observations are kept and applied again when another
//! writer was faster.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_model::{Cover, Gap, Instant, Interval, Intervals};

use crate::checkpoint::SHORT_RETENTION;
use crate::encode::{FileSpec, write_files};
use crate::fault_point::{Point, reach};
use crate::lake::{Lake, RunStamp};
use crate::layout::Layout;
use crate::location::Root;
use crate::table::{ATTEMPTS, Attempt, Declaration, Table};
use crate::{Error, Result};

mod differing;
mod rows;

use rows::{batch, layout, read};

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapRow {
    /// The table, as the caller names it.
    pub table: String,
    /// `Series::id`, or the name as configured where nothing was found under it.
    pub series: String,
    /// What is missing; `None` where not even that is known.
    pub interval: Option<Interval>,
    /// `Fault::code` of the last attempt.
    pub reason: String,
    /// Runs that have tried.
    pub attempts: i32,
    /// Start of the first run that missed it.
    pub first_seen: Instant,
    /// Start of the last run that missed it.
    pub last_attempt: Instant,
    /// Start of the run that proved it; `None` while open.
    pub resolved_at: Option<Instant>,
}

/// What a run found out about gaps.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Intervals it could not prove, each with its table.
    pub open: Vec<(String, Gap)>,
    /// Intervals it proved, each with its table.
    pub covered: Vec<(String, Cover)>,
    /// Intervals that it has not read but found to differ from the historian, each with its table. What of them is open
    /// already stays as it is; the rest is a gap that no run has tried yet.
    pub differing: Vec<(String, Gap)>,
    /// Tables whose configured names it resolved: a gap of a name that is not reported open again is resolved.
    pub catalogued: Vec<String>,
    /// Open gaps that an operator gives up.
    pub closed: Vec<GapRow>,
    /// Gaps that an operator brings from elsewhere, as they were there; one that is open here already stays as it is.
    pub entered: Vec<GapRow>,
}

impl GapRow {
    /// Whether both are open and mean the same interval of the same series.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let open = self.resolved_at.is_none() && other.resolved_at.is_none();
        open && (&self.table, &self.series, self.interval) == (&other.table, &other.series, other.interval)
    }
}

/// The ledger, loaded.
pub struct GapLedger {
    root: Root,
    schema: String,
    name: String,
    layout: Layout,
    table: Option<Table>,
    rows: Vec<GapRow>,
    observed: Vec<(Instant, Observation)>,
}

impl std::fmt::Debug for GapLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GapLedger").field("table", &self.layout.table).field("rows", &self.rows).finish()
    }
}

impl Lake {
    /// Loads the gap ledger; empty when there is none yet. Writes nothing.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn gaps(&self) -> Result<GapLedger> {
        let (schema, name) = (self.config.checkpoint_schema.clone(), self.own_table("gaps"));
        let table = Table::open(&self.root, &schema, &name).await?;
        let rows = match &table {
            Some(table) => read(table).await?,
            None => Vec::new(),
        };
        let layout = layout(format!("{schema}.{name}"))?;
        Ok(GapLedger { root: self.root.clone(), schema, name, layout, table, rows, observed: Vec::new() })
    }
}

impl GapLedger {
    /// All gaps, open and resolved.
    #[must_use]
    pub fn rows(&self) -> &[GapRow] {
        &self.rows
    }

    /// Enters what a run found out. Proof closes a gap, or cuts off the end of it that it reaches; a gap that is open
    /// still is the same row with one attempt more, grown to what is missing now.
    pub fn observe(&mut self, run: RunStamp, observation: Observation) {
        apply(&mut self.rows, run.at, &observation);
        self.observed.push((run.at, observation));
    }

    /// Writes the ledger, if anything was observed that concerns it.
    ///
    /// # Errors
    /// A store that refuses, or others that win every race.
    pub async fn save(&mut self) -> Result<()> {
        if self.observed.is_empty() || (self.table.is_none() && self.rows.is_empty()) {
            return Ok(());
        }
        let comment = "Intervals that could not be read, until a later run proves them";
        let declared = Declaration {
            schema: &self.schema,
            table: &self.name,
            comment,
            layout: &self.layout,
            properties: &SHORT_RETENTION,
        };
        let mut table = Table::open_or_create(&self.root, &declared).await?;
        for _ in 0..ATTEMPTS {
            let before = read(&table).await?;
            let mut rows = before.clone();
            for (run, observation) in &self.observed {
                apply(&mut rows, *run, observation);
            }
            if rows != before {
                let batch = batch(&self.layout, &rows)?;
                let spec = FileSpec::plain(Arc::clone(&self.layout.file));
                let adds = write_files(table.store(), &table.name, spec, std::iter::once(Ok(batch))).await?;
                reach(Point::GapsWritten).await;
                if table.overwrite(adds, None).await? == Attempt::Lost {
                    table.reload().await?;
                    continue;
                }
            }
            reach(Point::GapsSaved).await;
            self.rows = rows;
            self.observed.clear();
            self.table = Some(table);
            return Ok(());
        }
        Err(Error::Contended { table: table.name, attempts: ATTEMPTS })
    }
}

fn apply(rows: &mut Vec<GapRow>, run: Instant, observation: &Observation) {
    let mut covered: HashMap<(&str, &str), Intervals> = HashMap::new();
    for (table, cover) in &observation.covered {
        covered.entry((table, &cover.series)).or_default().insert(cover.interval);
    }
    // What a later run missed is not proven by one that began before it.
    for row in rows.iter_mut().filter(|row| row.resolved_at.is_none() && row.last_attempt <= run) {
        let proofs = covered.get(&(row.table.as_str(), row.series.as_str()));
        match &mut row.interval {
            Some(gap) => {
                for proof in proofs.map(Intervals::as_slice).unwrap_or_default() {
                    if proof.encloses(*gap) {
                        row.resolved_at = Some(run);
                    } else if proof.contains(gap.start) {
                        gap.start = proof.end;
                    } else if proof.start < gap.end && gap.end <= proof.end {
                        gap.end = proof.start;
                    }
                }
            }
            None => {
                let again = |(table, gap): &(String, Gap)| {
                    *table == row.table && gap.series == row.series && gap.interval.is_none()
                };
                if observation.catalogued.contains(&row.table) && !observation.open.iter().any(again) {
                    row.resolved_at = Some(run);
                }
            }
        }
    }
    for (table, gap) in &observation.open {
        open(rows, run, table, gap);
    }
    for (table, gap) in &observation.differing {
        differing::enter(rows, run, table, gap);
    }
    for row in rows.iter_mut().filter(|row| observation.closed.iter().any(|gap| gap.is_same(row))) {
        row.resolved_at = Some(run);
    }
    for gap in &observation.entered {
        if !rows.iter().any(|row| row.is_same(gap)) {
            rows.push(gap.clone());
        }
    }
}

fn open(rows: &mut Vec<GapRow>, run: Instant, table: &str, gap: &Gap) {
    let touches = |known: Option<Interval>| match (known, gap.interval) {
        (Some(known), Some(new)) => known.start <= new.end && new.start <= known.end,
        (None, None) => true,
        _ => false,
    };
    let known = rows.iter_mut().find(|row| {
        row.resolved_at.is_none() && row.table == table && row.series == gap.series && touches(row.interval)
    });
    match known {
        Some(row) => {
            if let (Some(old), Some(new)) = (&mut row.interval, gap.interval) {
                *old = Interval::new(old.start.min(new.start), old.end.max(new.end));
            }
            // Two pieces of one gap in one run are one attempt.
            if row.last_attempt != run {
                row.attempts = row.attempts.saturating_add(1);
            }
            row.last_attempt = run;
            row.reason.clone_from(&gap.fault.code);
        }
        None => rows.push(GapRow {
            table: table.to_owned(),
            series: gap.series.clone(),
            interval: gap.interval,
            reason: gap.fault.code.clone(),
            attempts: 1,
            first_seen: run,
            last_attempt: run,
            resolved_at: None,
        }),
    }
}

#[cfg(test)]
mod tests;
