//! The state of a pipeline: how far each series is read, and what is owed of it. What an operator sees of it, writes to a
//! file, brings back and puts back. What would change is worked out first and shown; only that is then changed.

mod change;
mod difference;
mod document;

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use tidegate_model::Watermark;
use tidegate_sandbox::{Shape, TableSpec};
use tidegate_sink::{GapRow, Lake, SeriesTable};

use crate::exit::Failure;
use crate::glob::Glob;
use crate::pipeline::{Job, LANE};

pub(crate) use self::change::{Wish, apply, look, take};
pub(crate) use self::difference::{Change, Difference};
pub(crate) use self::document::{Document, parse};

/// The state of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableState {
    /// Its full name.
    pub(crate) table: String,
    /// One for each series, by identity.
    pub(crate) marks: Vec<Watermark>,
    /// Those that are open, by series and time.
    pub(crate) gaps: Vec<GapRow>,
}

/// Which tables and which of their series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// By name, with or without the plugin's prefix; all when empty.
    pub(crate) tables: Vec<String>,
    /// A pattern of names and identities; all when `None`.
    pub(crate) tag: Option<Glob>,
}

impl Selection {
    /// The tables that are meant.
    ///
    /// # Errors
    /// A name that the plugin does not have, or of a table without cursors.
    pub(crate) fn specs<'a>(&self, job: &'a Job) -> Result<Vec<&'a TableSpec>, Failure> {
        if self.tables.is_empty() {
            return Ok(job.series_tables().collect());
        }
        let mut specs: Vec<&TableSpec> =
            self.tables.iter().map(|name| series_table(job, name)).collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        specs.retain(|spec| seen.insert(spec.name.as_str()));
        Ok(specs)
    }

    /// Whether a series is meant.
    fn holds(&self, id: &str, name: &str) -> bool {
        self.tag.as_ref().is_none_or(|tag| tag.matches(name) || tag.matches(id))
    }

    /// What is meant of a state.
    pub(crate) fn of(&self, mut state: TableState) -> TableState {
        let names: HashMap<String, String> =
            state.marks.iter().map(|mark| (mark.series.clone(), mark.name.clone())).collect();
        state.marks.retain(|mark| self.holds(&mark.series, &mark.name));
        state.gaps.retain(|gap| self.holds(&gap.series, names.get(&gap.series).unwrap_or(&gap.series)));
        state
    }
}

/// The table that `name` means.
///
/// # Errors
/// The plugin has none of that name, or it is one of the state of now.
pub(crate) fn series_table<'a>(job: &'a Job, name: &str) -> Result<&'a TableSpec, Failure> {
    let spec = job.table(name)?;
    if spec.shape == Shape::Snapshot {
        let name = job.full_name(spec);
        return Err(Failure::usage(format!("table `{name}` is replaced whole by each run: it has no cursors")));
    }
    Ok(spec)
}

/// The table as the lake knows it.
pub(crate) fn declared(job: &Job, spec: &TableSpec) -> SeriesTable {
    match spec.shape {
        Shape::Records => SeriesTable::Records(job.records_spec(spec)),
        _ => SeriesTable::Events(job.events_spec(spec)),
    }
}

/// The state of the selected tables and series, as their next run will find it. Writes nothing.
///
/// # Errors
/// A table that cannot be read, or a selection that means nothing.
pub(crate) async fn read(job: &Job, lake: &Lake, selection: &Selection) -> Result<Vec<TableState>> {
    let ledger = lake.gaps().await?;
    let mut states = Vec::new();
    for spec in selection.specs(job)? {
        let table = job.full_name(spec);
        let mut marks: Vec<Watermark> = lake.state(&declared(job, spec), LANE).await?.into_values().collect();
        marks.sort_by(|a, b| a.series.cmp(&b.series));
        let open = ledger.rows().iter().filter(|row| row.resolved_at.is_none() && row.table == table);
        let mut gaps: Vec<GapRow> = open.cloned().collect();
        gaps.sort_by(|a, b| (&a.series, a.interval, &a.reason).cmp(&(&b.series, b.interval, &b.reason)));
        states.push(selection.of(TableState { table, marks, gaps }));
    }
    Ok(states)
}
