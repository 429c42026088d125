//! The watermarks table: one row per series, whose covered range has no hole and ends at the cursor.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use tidegate_model::{Interval, Watermark};

use crate::batch::{Columns, instants, texts};
use crate::layout::{Layout, timestamp};
use crate::scan::read_all;
use crate::table::Table;
use crate::{Error, Result};

/// A changed watermark, with the one that it replaces; `None` when the series had none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restated {
    /// As it was shown.
    pub before: Option<Watermark>,
    /// As it shall be.
    pub after: Watermark,
}

pub(crate) fn column(name: &str, data_type: DataType, comment: &str) -> Field {
    Field::new(name, data_type, true).with_metadata(HashMap::from([("comment".to_owned(), comment.to_owned())]))
}

pub(crate) fn layout(table: String) -> Result<Layout> {
    let schema = Schema::new(vec![
        column("tag_webid", DataType::Utf8, "The historian's own identity of the series; one row each"),
        column("tag_name", DataType::Utf8, "Name of the series when it was last seen"),
        column("last_timestamp", timestamp(), "Every event before this instant has been read (UTC); the cursor"),
        column("last_ingestion_run", timestamp(), "Start of the run that last moved this row (UTC)"),
        column("record_count", DataType::Int64, "Rows ingested in total"),
        column("first_timestamp", timestamp(), "Low end of the covered range (UTC)"),
        column(
            "stored_until",
            timestamp(),
            "Where the cursor stood before it was put back (UTC); NULL once it is there",
        ),
    ]);
    Layout::new(table, &schema)
}

/// All watermarks of a table.
pub(crate) async fn read(table: &Table) -> Result<HashMap<String, Watermark>> {
    let mut marks = HashMap::new();
    for batch in read_all(table).await? {
        let columns = Columns::new(&table.name, &batch);
        let (ids, names) = (columns.text("tag_webid")?, columns.text("tag_name")?);
        let (first, last) = (columns.instants("first_timestamp")?, columns.instants("last_timestamp")?);
        let (runs, counts) = (columns.instants("last_ingestion_run")?, columns.integers("record_count")?);
        let stored = columns.later_instants("stored_until")?;
        let ends = first.into_iter().zip(last).zip(stored);
        let rest = names.into_iter().zip(ends).zip(runs.into_iter().zip(counts));
        for (series, ((name, (ends, stored_until)), (run, rows))) in ids.into_iter().zip(rest) {
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
                stored_until,
            };
            marks.insert(series, mark);
        }
    }
    Ok(marks)
}

/// One row per mark, by series.
pub(crate) fn rows(layout: &Layout, marks: &HashMap<String, Watermark>) -> Result<RecordBatch> {
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
        instants(marks().map(|mark| mark.stored_until)),
    ];
    RecordBatch::try_new(Arc::clone(&layout.file), columns)
        .map_err(|error| Error::contract(&layout.table, error.to_string()))
}
