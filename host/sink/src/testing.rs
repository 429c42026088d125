//! Fixtures of this crate's tests: a lake in a temporary folder, a table of events, rows for it, and the stored rows read
//! back through the SQL engine, which shares no code with the writer.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Schema, TimestampMicrosecondType};
use tempfile::TempDir;
use tidegate_model::{Instant, Interval, Series};

use crate::batch::instants;
use crate::fill::DAY_MICROS;
use crate::layout::timestamp;
use crate::{Advance, CommitPolicy, EventsSpec, Lake, LakeConfig, RunStamp};

mod counting;

pub(crate) use counting::{Reads, count_reads};

pub(crate) const RUN: RunStamp = RunStamp { at: Instant(1_700_000_000_000_000_000) };
pub(crate) const HUGE: CommitPolicy =
    CommitPolicy { rows: usize::MAX, bytes: usize::MAX, age: Duration::from_secs(1 << 30) };

/// A stored or expected row: series, microseconds, sequence, value, text.
pub(crate) type Row = (String, i64, i32, Option<f64>, Option<String>);

pub(crate) fn config(folder: &TempDir) -> LakeConfig {
    LakeConfig {
        location: folder.path().display().to_string(),
        storage_options: HashMap::new(),
        schema: "bronze".into(),
        checkpoint_schema: "checkpoints".into(),
        watermarks_table: "x_watermarks".into(),
        prefix: "x".into(),
        pipeline: "plant a".into(),
    }
}

pub(crate) fn lake(folder: &TempDir) -> Lake {
    Lake::open(config(folder)).unwrap()
}

pub(crate) fn field(name: &str, data_type: DataType, host: Option<&str>) -> Field {
    let mut metadata = HashMap::from([("comment".to_owned(), format!("about {name}"))]);
    metadata.extend(host.map(|host| ("host".to_owned(), host.to_owned())));
    Field::new(name, data_type, host.is_none() && name != "value" && name != "note").with_metadata(metadata)
}

pub(crate) fn spec() -> EventsSpec {
    let schema = Schema::new(vec![
        field("id", DataType::Utf8, None),
        field("at", timestamp(), None),
        field("value", DataType::Float64, None),
        field("received", timestamp(), Some("ingested-at")),
        field("delay", DataType::Int32, Some("delay-seconds")),
        field("note", DataType::Utf8, None),
        field("seq", DataType::Int32, None),
        field("day", DataType::Date32, Some("event-date")),
    ]);
    EventsSpec {
        table: "x_events".into(),
        comment: "events of x".into(),
        schema: Arc::new(schema),
        series_column: "id".into(),
        time_column: "at".into(),
        sequence_column: "seq".into(),
    }
}

pub(crate) fn row(series: &str, micros: i64, sequence: i32) -> Row {
    let value = (micros % 7 != 0).then_some(micros as f64 / 3.0);
    (series.into(), micros, sequence, value, (micros % 3 == 0).then(|| format!("note {}", micros % 5)))
}

/// The emitted columns of rows; text as dictionaries or plain.
pub(crate) fn batch(rows: &[Row], dictionary: bool) -> RecordBatch {
    let ids: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    let notes: Vec<Option<&str>> = rows.iter().map(|row| row.4.as_deref()).collect();
    let (ids, notes): (ArrayRef, ArrayRef) = if dictionary {
        let notes: DictionaryArray<Int32Type> = notes.into_iter().collect();
        (Arc::new(ids.into_iter().collect::<DictionaryArray<Int32Type>>()), Arc::new(notes))
    } else {
        (Arc::new(StringArray::from(ids)), Arc::new(StringArray::from(notes)))
    };
    RecordBatch::try_from_iter_with_nullable([
        ("id", ids, false),
        ("at", instants(rows.iter().map(|row| Some(Instant::from_micros(row.1)))), false),
        ("value", Arc::new(rows.iter().map(|row| row.3).collect::<Float64Array>()), true),
        ("note", notes, true),
        ("seq", Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.2))), false),
    ])
    .unwrap()
}

pub(crate) fn series(id: &str) -> Arc<Series> {
    Arc::new(Series { id: id.into(), name: format!("{id} name"), ahead: false, detail: String::new() })
}

/// An interval in microseconds.
pub(crate) fn micros(start: i64, end: i64) -> Interval {
    Interval::new(Instant::from_micros(start), Instant::from_micros(end))
}

pub(crate) fn advance(id: &str, start: i64, end: i64, rows: usize) -> Advance {
    Advance { series: series(id), covered: Some(micros(start, end)), rows: rows as i64 }
}

/// All stored rows, sorted by key.
pub(crate) async fn stored(lake: &Lake) -> Vec<Row> {
    let sql = "SELECT id, at, seq, value, note FROM bronze.x_events ORDER BY id, at, seq";
    let mut rows = Vec::new();
    for batch in lake.query(sql).await.unwrap() {
        let ids = cast(batch.column(0), &DataType::Utf8).unwrap();
        let notes = cast(batch.column(4), &DataType::Utf8).unwrap();
        let values = batch.column(3).as_primitive::<Float64Type>();
        for index in 0..batch.num_rows() {
            let note = notes.as_string::<i32>().iter().nth(index).unwrap().map(str::to_owned);
            rows.push((
                ids.as_string::<i32>().value(index).to_owned(),
                batch.column(1).as_primitive::<TimestampMicrosecondType>().value(index),
                batch.column(2).as_primitive::<Int32Type>().value(index),
                values.iter().nth(index).unwrap(),
                note,
            ));
        }
    }
    rows
}

/// A number from a query with one cell.
pub(crate) async fn number(lake: &Lake, sql: &str) -> i64 {
    let answer = lake.query(sql).await.unwrap();
    let cell = cast(answer[0].column(0), &DataType::Int64).unwrap();
    cell.as_primitive::<arrow::datatypes::Int64Type>().value(0)
}

/// Data files on disk that no version of a table names.
pub(crate) fn orphans(folder: &TempDir, table: &str) -> usize {
    let table = folder.path().join("bronze").join(table);
    let entries = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut named = HashSet::new();
    for log in entries(&table.join("_delta_log")).filter(|log| log.extension().is_some_and(|kind| kind == "json")) {
        for line in std::fs::read_to_string(log).unwrap().lines() {
            let action: serde_json::Value = serde_json::from_str(line).unwrap();
            named.extend(action["add"]["path"].as_str().map(|path| table.join(path)));
        }
    }
    let days = entries(&table).filter(|day| day.to_string_lossy().contains("day="));
    days.flat_map(|day| entries(&day).collect::<Vec<_>>()).filter(|file| !named.contains(file)).count()
}

/// Noon of a day, in microseconds.
pub(crate) fn noon(day: i64) -> i64 {
    day * DAY_MICROS + DAY_MICROS / 2
}

/// Pseudo-random numbers, the same on every run.
pub(crate) struct Dice(pub u64);

impl Dice {
    /// Below `limit`.
    pub(crate) fn roll(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
