//! A way in for the fuzz targets of the runner: what a plugin says, in plain types, where the generated bindings hand it
//! over. Nothing is added and nothing is left out on the way to the checks.

use arrow::array::RecordBatch;
use tidegate_model::Cover;

use crate::bindings::{plugin as wit, types};
use crate::describe::{Shape, TableSpec};
use crate::{convert, ipc};

/// A table as `describe` declares it: name, shape, schema bytes, and the columns of series, time, sequence, key and end.
///
/// # Errors
/// Which statement cannot be, and why.
pub fn table(name: &str, shape: Shape, schema: Vec<u8>, columns: [&str; 5]) -> Result<TableSpec, String> {
    let shape = match shape {
        Shape::Events => wit::Shape::Events,
        Shape::Records => wit::Shape::Records,
        Shape::Snapshot => wit::Shape::Snapshot,
    };
    let [series_column, time_column, sequence_column, key_column, end_column] = columns.map(str::to_owned);
    TableSpec::check(wit::Table {
        name: name.to_owned(),
        shape,
        comment: String::new(),
        schema,
        series_column,
        time_column,
        sequence_column,
        key_column,
        end_column,
    })
}

/// The batch that `emit` hands over.
///
/// # Errors
/// What is wrong with the bytes, or where they differ from the declaration.
pub fn batch(bytes: Vec<u8>, table: &TableSpec) -> Result<RecordBatch, String> {
    ipc::decode_batch(bytes, &table.emitted_schema())
}

/// A cover as the guest writes it: the ends in nanoseconds since the Unix epoch.
///
/// # Errors
/// What is wrong with the interval.
pub fn cover(series: &str, start: i64, end: i64) -> Result<Cover, String> {
    let said = types::Cover { series: series.to_owned(), interval: types::Interval { start, end } };
    Ok(Cover { series: said.series, interval: convert::interval(said.interval)? })
}
