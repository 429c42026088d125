//! The ledger's rows, as columns and back.

use std::sync::Arc;

use arrow::array::{Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use tidegate_model::{Instant, Interval};

use super::GapRow;
use crate::batch::{Columns, instants, texts};
use crate::layout::{Layout, timestamp};
use crate::scan::read_all;
use crate::table::Table;
use crate::watermarks::column;
use crate::{Error, Result};

/// The columns of the ledger.
pub(super) fn layout(table: String) -> Result<Layout> {
    let schema = Schema::new(vec![
        column("table_name", DataType::Utf8, "The table that lacks the interval"),
        column("tag_webid", DataType::Utf8, "The series, or the configured name where nothing was found under it"),
        column("gap_start", timestamp(), "First instant that is not proven (UTC); NULL where it is not known"),
        column("gap_end", timestamp(), "First instant after the gap (UTC); NULL where it is not known"),
        column("reason", DataType::Utf8, "Why the last attempt failed"),
        column("attempts", DataType::Int32, "Runs that have tried"),
        column("first_seen", timestamp(), "Start of the first run that missed it (UTC)"),
        column("last_attempt", timestamp(), "Start of the last run that missed it (UTC)"),
        column("resolved_at", timestamp(), "Start of the run that proved the interval (UTC); NULL while it is open"),
    ]);
    Layout::new(table, &schema)
}

/// All rows of the ledger.
pub(super) async fn read(table: &Table) -> Result<Vec<GapRow>> {
    let mut rows = Vec::new();
    for batch in read_all(table).await? {
        let columns = Columns::new(&table.name, &batch);
        let (tables, series) = (columns.text("table_name")?, columns.text("tag_webid")?);
        let (starts, ends) = (columns.instants("gap_start")?, columns.instants("gap_end")?);
        let (reasons, attempts) = (columns.text("reason")?, columns.integers("attempts")?);
        let (first, last) = (columns.instants("first_seen")?, columns.instants("last_attempt")?);
        let resolved = columns.instants("resolved_at")?;
        let what = tables.into_iter().zip(series).zip(starts.into_iter().zip(ends));
        let how = reasons.into_iter().zip(attempts).zip(first.into_iter().zip(last)).zip(resolved);
        for (((table, series), (start, end)), (((reason, attempts), (first, last)), resolved_at)) in what.zip(how) {
            rows.push(GapRow {
                table: table.unwrap_or_default(),
                series: series.unwrap_or_default(),
                interval: start.zip(end).map(|(start, end)| Interval::new(start, end)),
                reason: reason.unwrap_or_default(),
                attempts: attempts.and_then(|n| i32::try_from(n).ok()).unwrap_or_default(),
                first_seen: first.unwrap_or(Instant(0)),
                last_attempt: last.unwrap_or(Instant(0)),
                resolved_at,
            });
        }
    }
    Ok(rows)
}

/// The rows as they are stored.
pub(super) fn batch(layout: &Layout, rows: &[GapRow]) -> Result<RecordBatch> {
    let columns = vec![
        texts(rows.iter().map(|row| row.table.as_str())),
        texts(rows.iter().map(|row| row.series.as_str())),
        instants(rows.iter().map(|row| row.interval.map(|interval| interval.start))),
        instants(rows.iter().map(|row| row.interval.map(|interval| interval.end))),
        texts(rows.iter().map(|row| row.reason.as_str())),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.attempts))),
        instants(rows.iter().map(|row| Some(row.first_seen))),
        instants(rows.iter().map(|row| Some(row.last_attempt))),
        instants(rows.iter().map(|row| row.resolved_at)),
    ];
    RecordBatch::try_new(Arc::clone(&layout.file), columns)
        .map_err(|error| Error::contract(&layout.table, error.to_string()))
}
