//! The watermarks table: one row per series, replaced as one small file. Several lanes and pipelines share it, so every
//! change is merged into the newest state and tried again when another writer was faster.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use deltalake::kernel::Transaction;
use tidegate_model::{Instant, Interval, Watermark};

use crate::batch::{Columns, instants, texts};
use crate::coverage::Coverage;
use crate::encode::{FileSpec, write_files};
use crate::fault_point::{Point, reach};
use crate::layout::{Layout, timestamp};
use crate::location::Root;
use crate::scan::read_all;
use crate::table::{ATTEMPTS, Attempt, Declaration, Table};
use crate::{Error, Result};

/// Replaced files of the host's own tables are kept this long for readers that still hold an older version.
pub(crate) const SHORT_RETENTION: [(&str, &str); 1] = [("delta.deletedFileRetentionDuration", "interval 1 hours")];

/// The table and what it holds.
pub(crate) struct Watermarks {
    table: Table,
    layout: Layout,
    marks: HashMap<String, Watermark>,
    read_at: u64,
}

pub(crate) fn column(name: &str, data_type: DataType, comment: &str) -> Field {
    Field::new(name, data_type, true).with_metadata(HashMap::from([("comment".to_owned(), comment.to_owned())]))
}

fn layout(table: String) -> Result<Layout> {
    let schema = Schema::new(vec![
        column("tag_webid", DataType::Utf8, "The historian's own identity of the series; one row each"),
        column("tag_name", DataType::Utf8, "Name of the series when it was last seen"),
        column("last_timestamp", timestamp(), "Every event before this instant has been read (UTC); the cursor"),
        column("last_ingestion_run", timestamp(), "Start of the run that last moved this row (UTC)"),
        column("record_count", DataType::Int64, "Rows ingested in total"),
        column("first_timestamp", timestamp(), "Low end of the covered range (UTC)"),
    ]);
    Layout::new(table, &schema)
}

impl Watermarks {
    /// Opens the table, creating it when missing.
    pub(crate) async fn open(root: &Root, schema: &str, table: &str) -> Result<Self> {
        let layout = layout(format!("{schema}.{table}"))?;
        let comment = "How far each series has been read without a hole, one row per series";
        let declared = Declaration { schema, table, comment, layout: &layout, properties: &SHORT_RETENTION };
        let table = Table::open_or_create(root, &declared).await?;
        let marks = read(&table).await?;
        Ok(Self { read_at: table.version(), table, layout, marks })
    }

    /// What the newest state that we know holds.
    pub(crate) fn marks(&self) -> &HashMap<String, Watermark> {
        &self.marks
    }

    /// The last batch of a lane that was merged here.
    pub(crate) async fn txn(&self, app_id: &str) -> Result<i64> {
        self.table.txn(app_id).await
    }

    /// Merges what a lane proved, marked with the batch up to which it reaches. Changes nothing when that batch, or a
    /// later one, is merged already.
    ///
    /// # Errors
    /// A store that refuses, or others that win every race.
    pub(crate) async fn merge(
        &mut self,
        app_id: &str,
        batch: Option<i64>,
        run: Instant,
        coverage: &Coverage,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if let Some(batch) = batch
                && self.txn(app_id).await? >= batch
            {
                return Ok(());
            }
            if self.read_at != self.table.version() {
                self.marks = read(&self.table).await?;
                self.read_at = self.table.version();
            }
            let mut marks = self.marks.clone();
            coverage.apply(&mut marks, run);
            let rows = rows(&self.layout, &marks)?;
            let spec = FileSpec::plain(Arc::clone(&self.layout.file));
            let adds = write_files(self.table.store(), &self.table.name, spec, std::iter::once(Ok(rows))).await?;
            reach(Point::WatermarksWritten).await;
            let txn = batch.map(|batch| Transaction::new(app_id, batch));
            match self.table.overwrite(adds, txn).await? {
                Attempt::Done => {
                    self.marks = marks;
                    self.read_at = self.table.version();
                    return Ok(());
                }
                Attempt::Lost => self.table.reload().await?,
            }
        }
        Err(Error::Contended { table: self.table.name.clone(), attempts: ATTEMPTS })
    }
}

/// All watermarks of a table.
pub(crate) async fn read(table: &Table) -> Result<HashMap<String, Watermark>> {
    let mut marks = HashMap::new();
    for batch in read_all(table).await? {
        let columns = Columns::new(&table.name, &batch);
        let (ids, names) = (columns.text("tag_webid")?, columns.text("tag_name")?);
        let (first, last) = (columns.instants("first_timestamp")?, columns.instants("last_timestamp")?);
        let (runs, counts) = (columns.instants("last_ingestion_run")?, columns.integers("record_count")?);
        let ends = first.into_iter().zip(last);
        let rest = names.into_iter().zip(ends).zip(runs.into_iter().zip(counts));
        for (series, ((name, ends), (run, rows))) in ids.into_iter().zip(rest) {
            let (Some(series), (Some(start), Some(end))) = (series, ends) else {
                let what = "a row has NULL as its series or range; delete that row".to_owned();
                return Err(Error::Damaged { place: format!("table {}", table.name), what });
            };
            let mark = Watermark {
                series: series.clone(),
                name: name.unwrap_or_default(),
                covered: Interval::new(start, end),
                rows: rows.unwrap_or_default(),
                last_run: run.unwrap_or(end),
            };
            marks.insert(series, mark);
        }
    }
    Ok(marks)
}

/// One row per mark, by series.
fn rows(layout: &Layout, marks: &HashMap<String, Watermark>) -> Result<RecordBatch> {
    let mut sorted: Vec<&Watermark> = marks.values().collect();
    sorted.sort_by(|a, b| a.series.cmp(&b.series));
    let marks = || sorted.iter();
    let columns = vec![
        texts(marks().map(|mark| mark.series.as_str())),
        texts(marks().map(|mark| mark.name.as_str())),
        instants(marks().map(|mark| Some(mark.covered.end))),
        instants(marks().map(|mark| Some(mark.last_run))),
        Arc::new(Int64Array::from_iter_values(marks().map(|mark| mark.rows))),
        instants(marks().map(|mark| Some(mark.covered.start))),
    ];
    RecordBatch::try_new(Arc::clone(&layout.file), columns)
        .map_err(|error| Error::contract(&layout.table, error.to_string()))
}
