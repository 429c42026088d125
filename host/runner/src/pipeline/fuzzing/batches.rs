//! `emit` with any bytes: from the decoder through the intake down to what the lake would store.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};
use tidegate_model::{Cover, Instant, Interval, Series, Span, Window};
use tidegate_sandbox::{Outlet, TableSpec, fuzzing};
use tidegate_sink::fuzzing::{self as lake, Place};
use tokio::sync::mpsc;

use super::tables;
use crate::pipeline::intake::{Intake, MirrorPolicy, Outputs, Page, PageOutlet};
use crate::progress::Silent;

/// A byte for the table, and the bytes that the plugin hands over.
pub fn batches(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 3 {
        0 => events(bytes),
        1 => records(bytes),
        _ => snapshot(bytes),
    }
}

/// What the decoder lets through is valid in itself and against the declaration, and no larger than its bytes allow.
fn decoded(bytes: &[u8], table: &TableSpec) -> Option<RecordBatch> {
    let batch = fuzzing::batch(bytes.to_vec(), table).ok()?;
    let declared = table.emitted_schema();
    assert_eq!(batch.num_columns(), declared.fields().len());
    assert!(batch.num_rows() <= bytes.len() * 8, "{} rows in {} bytes", batch.num_rows(), bytes.len());
    for (column, field) in batch.columns().iter().zip(declared.fields()) {
        column.to_data().validate_full().unwrap();
        assert_eq!(column.len(), batch.num_rows());
        assert!(field.is_nullable() || column.logical_null_count() == 0, "NULL in {}", field.name());
        let kind = column.data_type();
        assert!(kind.equals_datatype(field.data_type()) || matches!(kind, DataType::Dictionary(..)), "{kind}");
    }
    Some(batch)
}

fn events(bytes: &[u8]) {
    let table = &*tables::EVENTS;
    let Some(batch) = decoded(bytes, table) else { return };
    let before = places(table, &batch);
    let Some(pages) = taken(table, batch, hulls(&before)) else { return };
    let mut after = Vec::new();
    for page in pages {
        let Some(rows) = page.rows else { continue };
        let (stored, prints) = lake::events(&tables::events_spec(table), &rows).unwrap();
        assert_eq!((stored.len(), prints.len()), (rows.num_rows(), rows.num_rows()));
        after.extend(stored);
    }
    // Nothing lost, nothing doubled, nothing moved.
    let mut sorted = before;
    sorted.sort();
    after.sort();
    assert_eq!(after, sorted);
    assert!(after.windows(2).all(|two| two[0] != two[1]), "one event twice");
}

fn records(bytes: &[u8]) {
    let table = &*tables::RECORDS;
    let Some(batch) = decoded(bytes, table) else { return };
    let rows = batch.num_rows();
    let series = texts(&batch, &table.series_column);
    let covers = series.iter().flatten().map(|series| (series.to_owned(), Interval::new(Instant(0), Instant(1_000))));
    let Some(pages) = taken(table, batch, covers.collect()) else { return };
    for page in pages {
        let page = page.rows.unwrap();
        assert_eq!(lake::records(&tables::records_spec(table), &page).unwrap(), rows);
    }
}

fn snapshot(bytes: &[u8]) {
    let table = &*tables::SNAPSHOT;
    let Some(batch) = decoded(bytes, table) else { return };
    assert_eq!(lake::snapshot(&tables::snapshot_spec(table), &batch).unwrap(), batch.num_rows());
}

/// Emits a page with covers that hold all of its rows. The pages that leave for the writer, or `None` where the intake
/// refuses.
fn taken(table: &TableSpec, batch: RecordBatch, covers: HashMap<String, Interval>) -> Option<Vec<Page>> {
    let series =
        |id: &String| Arc::new(Series { id: id.clone(), name: id.clone(), ahead: false, detail: String::new() });
    let spans: Vec<Span> =
        covers.iter().map(|(id, interval)| Span { series: series(id), interval: *interval }).collect();
    let window = |span: &Span| {
        let read = span.interval;
        (Arc::clone(&span.series), Window { read, settled: read.start, advance: read, changed: None })
    };
    let (sender, mut receiver) = mpsc::channel(16);
    let outputs = Outputs { stored: None, pages: sender, progress: Arc::new(Silent) };
    let windows: Vec<_> = spans.iter().map(window).collect();
    let intake = Arc::new(Intake::new(table.clone(), false, MirrorPolicy::default(), &windows, outputs));
    let outlet = PageOutlet::new(Arc::clone(&intake), &spans);
    let covers: Vec<Cover> =
        spans.iter().map(|span| Cover { series: span.series.id.clone(), interval: span.interval }).collect();
    let ended = futures::executor::block_on(outlet.emit(&table.name, batch, covers));
    let open = intake.settle(&spans, ended.as_ref().err());
    drop((outlet, intake));
    let mut pages = Vec::new();
    while let Ok(page) = receiver.try_recv() {
        pages.push(page);
    }
    match ended {
        Ok(()) => {
            assert!(open.is_empty(), "a cover that was taken and is open");
            Some(pages)
        }
        Err(fault) => {
            assert_eq!(fault.code, "contract", "{fault}");
            let asked = spans.iter().filter(|span| !span.interval.is_empty()).count();
            assert!(pages.is_empty() && open.len() == asked, "half of a page was taken");
            None
        }
    }
}

/// The shortest cover of each series that holds its rows.
fn hulls(places: &[Place]) -> HashMap<String, Interval> {
    let mut hulls: HashMap<String, Interval> = HashMap::new();
    for (series, micros, _) in places {
        let row = Interval::new(Instant::from_micros(*micros), Instant::from_micros(micros.saturating_add(1)));
        hulls.entry(series.clone()).and_modify(|hull| *hull = hull.hull(row)).or_insert(row);
    }
    hulls
}

/// Where the rows stand, read the slow and simple way.
fn places(table: &TableSpec, batch: &RecordBatch) -> Vec<Place> {
    let times = batch.column_by_name(&table.time_column).unwrap().as_primitive::<TimestampMicrosecondType>();
    let sequences = batch.column_by_name(&table.sequence_column).unwrap().as_primitive::<Int32Type>();
    let series = texts(batch, &table.series_column);
    let places = series.iter().zip(times.values()).zip(sequences.values());
    places.map(|((series, time), sequence)| (series.unwrap_or_default().to_owned(), *time, *sequence)).collect()
}

fn texts(batch: &RecordBatch, column: &str) -> StringArray {
    cast(batch.column_by_name(column).unwrap(), &DataType::Utf8).unwrap().as_string::<i32>().clone()
}
