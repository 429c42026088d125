//! A way in for the fuzz targets of the runner: what becomes of rows as far as it needs no lake. The intake has checked
//! them by then, so whatever fails here ends the run of a table instead of one call of a plugin.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Schema, TimestampMicrosecondType};

use crate::batch::{fitted, plain};
use crate::buffer::Buffer;
use crate::events::now;
use crate::fill::file_batch;
use crate::fingerprint::fingerprints;
use crate::layout::{Layout, timestamp};
use crate::records::rows_of;
use crate::slices::Keys;
use crate::{Error, EventsSpec, RecordsSpec, Result, SnapshotSpec};

/// Where an event stands: series, microseconds since the Unix epoch, sequence.
pub type Place = (String, i64, i32);

/// Rows of events on their way into a data file, in its order, with a fingerprint for each as they came.
///
/// # Errors
/// Rows that do not fit the declaration, or are not in order.
pub fn events(spec: &EventsSpec, rows: &RecordBatch) -> Result<(Vec<Place>, Vec<u64>)> {
    let layout = Layout::new(spec.table.clone(), &spec.schema)?;
    let roles = [
        ("series", &spec.series_column, DataType::Utf8),
        ("time", &spec.time_column, timestamp()),
        ("sequence", &spec.sequence_column, DataType::Int32),
    ];
    let columns = fitted(&layout.table, &layout.emitted, rows)?;
    let [series, times, sequences] = roles.map(|(role, name, kind)| layout.emitted_index(role, name, &kind));
    let missing = || Error::contract(&layout.table, "a key column is missing");
    let column = |at: usize| columns.get(at).ok_or_else(missing);
    let keys = Keys::new(&layout.table, [column(series?)?, column(times?)?, column(sequences?)?])?;
    let prints = fingerprints(&layout.table, rows.num_rows(), &columns)?;
    let mut buffer = Buffer::default();
    let slices = keys.slices(&layout.table, buffer.next_page())?;
    let times = keys.times.clone();
    buffer.take(file_batch(&layout, columns, Some(&times), now())?, slices);
    let order = [layout.file_index(&spec.time_column)?, layout.file_index(&spec.sequence_column)?];
    let mut places = Vec::with_capacity(rows.num_rows());
    for (_, sorted) in buffer.into_dates(&layout, order) {
        for part in sorted {
            let part = plain(&part?).map_err(|error| Error::contract(&layout.table, error.to_string()))?;
            let column = |name: &str| part.column_by_name(name).cloned().ok_or_else(missing);
            let (series, times) = (column(&spec.series_column)?, column(&spec.time_column)?);
            places.extend(places_of(&series, &times, &column(&spec.sequence_column)?));
        }
    }
    Ok((places, prints))
}

fn places_of(series: &ArrayRef, times: &ArrayRef, sequences: &ArrayRef) -> Vec<Place> {
    let names = series.as_string::<i32>().iter().map(|name| name.unwrap_or_default().to_owned());
    let times = times.as_primitive::<TimestampMicrosecondType>().values().iter().copied();
    let sequences = sequences.as_primitive::<Int32Type>().values().iter().copied();
    names.zip(times).zip(sequences).map(|((name, time), sequence)| (name, time, sequence)).collect()
}

/// How many records the rows make.
///
/// # Errors
/// Rows that do not fit the declaration.
pub fn records(spec: &RecordsSpec, rows: &RecordBatch) -> Result<usize> {
    rows_of(spec, rows)
}

/// How many rows of a snapshot the rows make.
///
/// # Errors
/// Rows that do not fit the declaration.
pub fn snapshot(spec: &SnapshotSpec, rows: &RecordBatch) -> Result<usize> {
    let layout = Layout::new(spec.table.clone(), &spec.schema)?;
    let columns = fitted(&layout.table, &layout.emitted, rows)?;
    Ok(file_batch(&layout, columns, None, now())?.num_rows())
}

/// How many columns a declaration makes in the lake; `compared` as events and records are.
///
/// # Errors
/// A declaration that no table can have.
pub fn declared(schema: &Schema, compared: bool) -> Result<usize> {
    let layout = Layout::new("bronze.x".to_owned(), schema)?;
    if compared {
        layout.comparable()?;
    }
    Ok(layout.delta_fields()?.len())
}
