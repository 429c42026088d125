//! The table of backfills: what of each series has been read below and beside the cursor of runs. Any stretches, unlike a
//! watermark, and few of them, because those that touch are one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use tidegate_model::{Instant, Interval, Intervals};

use crate::batch::{Columns, instants, texts};
use crate::coverage::Coverage;
use crate::lake::Lake;
use crate::layout::{Layout, timestamp};
use crate::scan::read_all;
use crate::table::Table;
use crate::watermarks::column;
use crate::{Error, Result};

/// The lane that is merged into this table.
pub(crate) const LANE: &str = "backfill";

/// One stretch of a series that backfills have read without a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backfilled {
    /// The data table, without its schema.
    pub table: String,
    /// `Series::id`
    pub series: String,
    /// `Series::name` when last seen.
    pub name: String,
    /// The stretch; it neither overlaps nor touches another one of the series.
    pub covered: Interval,
    /// Rows that backfills added with it.
    pub rows: i64,
    /// When a backfill last moved it.
    pub last_run: Instant,
}

/// All stretches, those of one table to be moved.
#[derive(Clone)]
pub(crate) struct Backfills {
    table: String,
    /// Its stretches by series, in order.
    series: BTreeMap<String, Vec<Backfilled>>,
    /// Those of other tables.
    others: Vec<Backfilled>,
}

impl Lake {
    /// What backfills have covered, of all tables; empty when there was none. Writes nothing.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn backfills(&self) -> Result<Vec<Backfilled>> {
        let name = self.own_table("backfills");
        match Table::open(&self.root, &self.config.checkpoint_schema, &name).await? {
            Some(table) => read(&table).await,
            None => Ok(Vec::new()),
        }
    }

    /// What backfills have covered of one table, by series.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn backfilled(&self, table: &str) -> Result<HashMap<String, Intervals>> {
        let mut covered: HashMap<String, Intervals> = HashMap::new();
        for row in self.backfills().await?.into_iter().filter(|row| row.table == table) {
            covered.entry(row.series).or_default().insert(row.covered);
        }
        Ok(covered)
    }
}

impl Backfills {
    /// `rows` as they concern a backfill of `table`.
    pub(crate) fn new(table: &str, rows: Vec<Backfilled>) -> Self {
        let (own, others) = rows.into_iter().partition::<Vec<_>, _>(|row| row.table == table);
        let mut series: BTreeMap<String, Vec<Backfilled>> = BTreeMap::new();
        for row in own {
            series.entry(row.series.clone()).or_default().push(row);
        }
        series.values_mut().for_each(|rows| rows.sort_by_key(|row| row.covered));
        Self { table: table.to_owned(), series, others }
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// What is covered of the table, by series.
    pub(crate) fn covered(&self) -> HashMap<String, Intervals> {
        let covered = |rows: &Vec<Backfilled>| rows.iter().map(|row| row.covered).collect();
        self.series.iter().map(|(id, rows)| (id.clone(), covered(rows))).collect()
    }

    pub(crate) fn apply(&mut self, coverage: &Coverage, run: Instant) {
        for (id, proof) in coverage.proofs() {
            let rows = self.series.entry(id.clone()).or_default();
            for part in proof.covered.as_slice() {
                join(rows, &self.table, id, (*part, &proof.name), run);
            }
            // Rows come without proof where it has to wait; they are counted with what is proven before them.
            let first = proof.covered.hull().map(|hull| hull.start);
            let with = rows.iter_mut().find(|row| first.is_none_or(|first| row.covered.contains(first)));
            if let Some(row) = with {
                row.rows = row.rows.saturating_add(proof.rows);
            }
        }
        self.series.retain(|_, rows| !rows.is_empty());
    }

    /// One row per stretch, by table and series.
    pub(crate) fn rows(&self, layout: &Layout) -> Result<RecordBatch> {
        let mut sorted: Vec<&Backfilled> = self.series.values().flatten().chain(&self.others).collect();
        sorted.sort_by(|a, b| (&a.table, &a.series, a.covered).cmp(&(&b.table, &b.series, b.covered)));
        let rows = || sorted.iter();
        let columns = vec![
            texts(rows().map(|row| row.table.as_str())),
            texts(rows().map(|row| row.series.as_str())),
            texts(rows().map(|row| row.name.as_str())),
            instants(rows().map(|row| Some(row.covered.start))),
            instants(rows().map(|row| Some(row.covered.end))),
            Arc::new(Int64Array::from_iter_values(rows().map(|row| row.rows))),
            instants(rows().map(|row| Some(row.last_run))),
        ];
        RecordBatch::try_new(Arc::clone(&layout.file), columns)
            .map_err(|error| Error::contract(&layout.table, error.to_string()))
    }
}

/// Adds a stretch to the rows of its series, in place of those that it joins.
fn join(rows: &mut Vec<Backfilled>, table: &str, series: &str, (part, name): (Interval, &str), run: Instant) {
    let from = rows.partition_point(|row| row.covered.end < part.start);
    let to = rows.partition_point(|row| row.covered.start <= part.end);
    let new = Backfilled {
        table: table.to_owned(),
        series: series.to_owned(),
        name: name.to_owned(),
        covered: part,
        rows: 0,
        last_run: run,
    };
    let joined = rows.drain(from..to).fold(new, |joined, row| Backfilled {
        covered: joined.covered.hull(row.covered),
        rows: joined.rows.saturating_add(row.rows),
        ..joined
    });
    rows.insert(from, joined);
}

pub(crate) fn layout(table: String) -> Result<Layout> {
    let schema = Schema::new(vec![
        column("table_name", DataType::Utf8, "The table that was filled"),
        column("tag_webid", DataType::Utf8, "The historian's own identity of the series"),
        column("tag_name", DataType::Utf8, "Name of the series when it was last seen"),
        column("range_start", timestamp(), "First instant of a stretch that has been read without a hole (UTC)"),
        column("range_end", timestamp(), "First instant after it (UTC)"),
        column("record_count", DataType::Int64, "Rows that backfills added with it"),
        column("last_ingestion_run", timestamp(), "Start of the backfill that last moved this row (UTC)"),
    ]);
    Layout::new(table, &schema)
}

/// All stretches of all tables.
pub(crate) async fn read(table: &Table) -> Result<Vec<Backfilled>> {
    let mut rows = Vec::new();
    for batch in read_all(table).await? {
        let columns = Columns::new(&table.name, &batch);
        let (tables, ids, names) = (columns.text("table_name")?, columns.text("tag_webid")?, columns.text("tag_name")?);
        let (starts, ends) = (columns.instants("range_start")?, columns.instants("range_end")?);
        let (runs, counts) = (columns.instants("last_ingestion_run")?, columns.integers("record_count")?);
        let what = tables.into_iter().zip(ids).zip(starts.into_iter().zip(ends));
        let rest = names.into_iter().zip(runs.into_iter().zip(counts));
        for (((table_name, series), (start, end)), (name, (run, count))) in what.zip(rest) {
            let (Some(table_name), Some(series), Some(start), Some(end)) = (table_name, series, start, end) else {
                let what = "a row has NULL as its table, series or range; delete that row".to_owned();
                return Err(Error::Damaged { place: format!("table {}", table.name), what });
            };
            rows.push(Backfilled {
                table: table_name,
                series,
                name: name.unwrap_or_default(),
                covered: Interval::new(start, end),
                rows: count.unwrap_or_default(),
                last_run: run.unwrap_or(end),
            });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
