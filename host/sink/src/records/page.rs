//! Records as they arrive: checked, filled up by the host, and with the columns at hand that place them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};

use super::RecordsSpec;
use crate::batch::{fitted, plain};
use crate::encode::FileSpec;
use crate::events::now;
use crate::fill::file_batch;
use crate::fingerprint::fingerprints;
use crate::layout::{Layout, timestamp};
use crate::{Error, Result};

/// What the table looks like; fixed while it is open.
pub(super) struct Shape {
    pub layout: Layout,
    pub series: String,
    pub key: String,
    pub time: String,
    pub end: String,
    pub file: FileSpec,
}

/// Records that came together.
pub(super) struct Page {
    /// As a data file holds them, without dictionaries.
    pub rows: RecordBatch,
    /// Of the emitted columns, a row each.
    pub fingerprints: Vec<u64>,
    pub series: StringArray,
    pub keys: StringArray,
    pub starts: TimestampMicrosecondArray,
    pub ends: TimestampMicrosecondArray,
}

impl Shape {
    /// Reads a declaration.
    ///
    /// # Errors
    /// A column with a role that is missing, filled by the host, or of another type than the contract says; one that cannot
    /// be compared.
    pub(super) fn new(table: String, spec: &RecordsSpec) -> Result<Self> {
        let layout = Layout::new(table, &spec.schema)?;
        layout.comparable()?;
        layout.emitted_index("series", &spec.series_column, &DataType::Utf8)?;
        layout.emitted_index("key", &spec.key_column, &DataType::Utf8)?;
        layout.emitted_index("time", &spec.time_column, &timestamp())?;
        layout.emitted_index("end", &spec.end_column, &timestamp())?;
        let file = FileSpec::sorted(Arc::clone(&layout.file), [&spec.series_column, &spec.time_column]);
        let [series, key] = [spec.series_column.clone(), spec.key_column.clone()];
        let [time, end] = [spec.time_column.clone(), spec.end_column.clone()];
        Ok(Self { layout, series, key, time, end, file })
    }

    /// # Errors
    /// Rows that do not fit the declaration, or have NULL as their series, key or start.
    pub(super) fn page(&self, rows: &RecordBatch) -> Result<Page> {
        let layout = &self.layout;
        let refuse = |error: arrow::error::ArrowError| Error::contract(&layout.table, error.to_string());
        let emitted = fitted(&layout.table, &layout.emitted, rows)?;
        let fingerprints = fingerprints(&layout.table, rows.num_rows(), &emitted)?;
        let at = layout.emitted_index("time", &self.time, &timestamp())?;
        let times = emitted.get(at).and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>()).cloned();
        let rows = plain(&file_batch(layout, emitted, times.as_ref(), now())?).map_err(refuse)?;
        Ok(Page {
            fingerprints,
            series: self.text(&rows, &self.series)?,
            keys: self.text(&rows, &self.key)?,
            starts: self.instants(&rows, &self.time, false)?,
            ends: self.instants(&rows, &self.end, true)?,
            rows,
        })
    }

    fn text(&self, rows: &RecordBatch, column: &str) -> Result<StringArray> {
        let array = self.column(rows, column, false)?;
        let text = array.as_string_opt::<i32>().cloned();
        text.ok_or_else(|| Error::contract(&self.layout.table, format!("column {column} holds no text")))
    }

    fn instants(&self, rows: &RecordBatch, column: &str, open: bool) -> Result<TimestampMicrosecondArray> {
        let array = self.column(rows, column, open)?;
        let instants = array.as_primitive_opt::<TimestampMicrosecondType>().cloned();
        instants.ok_or_else(|| Error::contract(&self.layout.table, format!("column {column} holds no instants")))
    }

    fn column(&self, rows: &RecordBatch, column: &str, nulls: bool) -> Result<ArrayRef> {
        let array = rows.column_by_name(column);
        let array = array.ok_or_else(|| Error::contract(&self.layout.table, format!("column {column} is missing")))?;
        if !nulls && array.null_count() > 0 {
            return Err(Error::contract(&self.layout.table, format!("a record has NULL as its {column}")));
        }
        Ok(Arc::clone(array))
    }
}
