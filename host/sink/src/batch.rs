//! Small helpers around record batches: whether one fits its declaration, and columns out of and into plain values for
//! the tables that the host keeps for itself.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use tidegate_model::Instant;

use crate::layout::timestamp;
use crate::{Error, Result};

/// The batch's columns in the types of `schema`, save that text may stay dictionary-encoded.
///
/// # Errors
/// Another number of columns, or a type that the declaration does not allow.
pub(crate) fn fitted(table: &str, schema: &SchemaRef, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    if batch.num_columns() != schema.fields().len() {
        let what = format!("a batch has {} columns, declared are {}", batch.num_columns(), schema.fields().len());
        return Err(Error::contract(table, what));
    }
    let fit = |(field, column): (&Arc<arrow::datatypes::Field>, &ArrayRef)| -> Result<ArrayRef> {
        let (declared, found) = (field.data_type(), column.data_type());
        if declared == found || is_text_dictionary(declared, found) {
            return Ok(Arc::clone(column));
        }
        // Nested types differ in the names of their inner fields, which mean nothing.
        if declared.is_nested() && std::mem::discriminant(declared) == std::mem::discriminant(found) {
            return nested(column, declared).map_err(|error| {
                Error::contract(table, format!("column {} does not fit its declaration: {error}", field.name()))
            });
        }
        Err(Error::contract(table, format!("column {} comes as {found}, declared is {declared}", field.name())))
    };
    schema.fields().iter().zip(batch.columns()).map(fit).collect()
}

/// A nested column in the declared type. Whether a map's keys are sorted means nothing either, but it bars the cast.
fn nested(column: &ArrayRef, declared: &DataType) -> Result<ArrayRef, ArrowError> {
    match (column.as_map_opt(), column.data_type()) {
        (Some(map), DataType::Map(field, true)) => {
            let (offsets, entries) = (map.offsets().clone(), map.entries().clone());
            let unsorted = MapArray::try_new(Arc::clone(field), offsets, entries, map.nulls().cloned(), false)?;
            cast(&unsorted, declared)
        }
        _ => cast(column, declared),
    }
}

/// The batch without dictionaries, so that batches from different pages share a schema.
pub(crate) fn plain(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let data_type = match field.data_type() {
            DataType::Dictionary(_, value) => value.as_ref().clone(),
            other => other.clone(),
        };
        columns.push(cast(column, &data_type)?);
        fields.push(Field::new(field.name(), data_type, true));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn is_text_dictionary(declared: &DataType, found: &DataType) -> bool {
    matches!((declared, found), (DataType::Utf8, DataType::Dictionary(key, value))
        if **key == DataType::Int32 && **value == DataType::Utf8)
}

/// The same instant `rows` times.
pub(crate) fn constant_instant(instant: Instant, rows: usize) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_value(instant.micros(), rows).with_timezone("UTC"))
}

/// A column of instants, some of them missing.
pub(crate) fn instants(values: impl Iterator<Item = Option<Instant>>) -> ArrayRef {
    let micros: TimestampMicrosecondArray = values.map(|value| value.map(Instant::micros)).collect();
    Arc::new(micros.with_timezone("UTC"))
}

/// A column of text.
pub(crate) fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Columns of a stored batch, by name.
pub(crate) struct Columns<'a> {
    table: &'a str,
    batch: &'a RecordBatch,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(table: &'a str, batch: &'a RecordBatch) -> Self {
        Self { table, batch }
    }

    fn typed(&self, column: &str, data_type: &DataType) -> Result<ArrayRef> {
        let damaged = |what: String| Error::Damaged { place: format!("table {}", self.table), what };
        let array = self.batch.column_by_name(column);
        let array = array.ok_or_else(|| damaged(format!("column {column} is missing; restore an older version")))?;
        cast(array, data_type).map_err(|error| damaged(format!("column {column} has another type: {error}")))
    }

    /// A text column.
    pub(crate) fn text(&self, column: &str) -> Result<Vec<Option<String>>> {
        let array = self.typed(column, &DataType::Utf8)?;
        Ok(array.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
    }

    /// A column of instants.
    pub(crate) fn instants(&self, column: &str) -> Result<Vec<Option<Instant>>> {
        let array = self.typed(column, &timestamp())?;
        Ok(array.as_primitive::<TimestampMicrosecondType>().iter().map(|us| us.map(Instant::from_micros)).collect())
    }

    /// A column of instants that older files lack: there it is NULL.
    pub(crate) fn later_instants(&self, column: &str) -> Result<Vec<Option<Instant>>> {
        match self.batch.column_by_name(column) {
            Some(_) => self.instants(column),
            None => Ok(vec![None; self.batch.num_rows()]),
        }
    }

    /// A column of integers.
    pub(crate) fn integers(&self, column: &str) -> Result<Vec<Option<i64>>> {
        let array = self.typed(column, &DataType::Int64)?;
        Ok(array.as_primitive::<arrow::datatypes::Int64Type>().iter().collect())
    }
}
