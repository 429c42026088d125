//! The columns that place a row, and how a stored batch is walked by them.

use std::ops::Range;

use arrow::array::{Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};

use crate::layout::timestamp;
use crate::scan::stored_column;
use crate::{Error, Result};

/// The names of the columns that identify an event.
#[derive(Clone, Debug)]
pub(crate) struct KeyColumns {
    pub series: String,
    pub time: String,
    pub sequence: String,
}

impl KeyColumns {
    /// All three.
    pub(crate) fn names(&self) -> [&str; 3] {
        [&self.series, &self.time, &self.sequence]
    }
}

/// The key columns of stored rows.
pub(crate) struct StoredBatch {
    series: StringArray,
    times: TimestampMicrosecondArray,
    sequences: Int32Array,
}

impl StoredBatch {
    /// # Errors
    /// A key column that is missing or holds something else.
    pub(crate) fn new(table: &str, columns: &KeyColumns, batch: &RecordBatch) -> Result<Self> {
        let column = |name: &str, data_type: &DataType| -> Result<ArrayRef> {
            let column = stored_column(table, batch, name, data_type)?;
            if column.null_count() > 0 {
                let what = format!("column {name} has rows without a value; delete those rows");
                return Err(Error::Damaged { place: format!("a data file of table {table}"), what });
            }
            Ok(column)
        };
        Ok(Self {
            series: column(&columns.series, &DataType::Utf8)?.as_string::<i32>().clone(),
            times: column(&columns.time, &timestamp())?.as_primitive::<TimestampMicrosecondType>().clone(),
            sequences: column(&columns.sequence, &DataType::Int32)?.as_primitive::<Int32Type>().clone(),
        })
    }

    /// Runs of rows of one series. Rows of a series stand together, so whatever is looked up by series is looked up once
    /// per run.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        let mut row = 0;
        std::iter::from_fn(move || {
            let start = row;
            let id = (start < self.series.len()).then(|| self.series.value(start))?;
            row += (start..self.series.len()).take_while(|next| self.series.value(*next) == id).count();
            Some((id, start..row))
        })
    }

    /// Microseconds since the Unix epoch, and sequence.
    pub(crate) fn place(&self, row: usize) -> (i64, i32) {
        (self.times.value(row), self.sequences.value(row))
    }
}
