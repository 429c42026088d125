//! The tables that the fuzz targets deliver to: the columns that a plugin of a full historian declares, as far as types go.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use arrow::ipc::writer::StreamWriter;
use tidegate_sandbox::{Shape, TableSpec, fuzzing};
use tidegate_sink::{EventsSpec, RecordsSpec, SnapshotSpec};

pub(super) fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn field(name: &str, kind: DataType, nullable: bool) -> Field {
    Field::new(name, kind, nullable)
}

fn host(name: &str, kind: DataType, what: &str) -> Field {
    Field::new(name, kind, true).with_metadata(HashMap::from([("host".to_owned(), what.to_owned())]))
}

fn texts() -> DataType {
    DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))
}

fn map() -> DataType {
    let fields: Fields =
        vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)].into();
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(fields), false)), false)
}

/// The bytes of a stream that holds this schema alone.
pub(super) fn stream(schema: &Schema) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// `timeseries`.
pub(crate) static EVENTS: LazyLock<TableSpec> = LazyLock::new(|| {
    let schema = Schema::new(vec![
        field("tag_webid", DataType::Utf8, false),
        field("tag_name", DataType::Utf8, true),
        field("timestamp", instant(), false),
        field("value", DataType::Float64, true),
        field("quality_good", DataType::Boolean, true),
        field("quality_questionable", DataType::Boolean, true),
        field("quality_substituted", DataType::Boolean, true),
        field("units", DataType::Utf8, true),
        host("ingestion_timestamp", instant(), "ingested-at"),
        host("data_delay_seconds", DataType::Int32, "delay-seconds"),
        field("value_text", DataType::Utf8, true),
        field("value_type", DataType::Utf8, false),
        field("annotated", DataType::Boolean, true),
        field("sequence", DataType::Int32, false),
        host("partition_date", DataType::Date32, "event-date"),
    ]);
    let columns = ["tag_webid", "timestamp", "sequence", "", ""];
    fuzzing::table("timeseries", Shape::Events, stream(&schema), columns).unwrap()
});

/// A table of events that are nothing but their keys.
pub(super) static KEYS: LazyLock<TableSpec> = LazyLock::new(|| {
    let schema = Schema::new(vec![
        field("tag_webid", DataType::Utf8, false),
        field("timestamp", instant(), false),
        field("sequence", DataType::Int32, false),
    ]);
    fuzzing::table("keys", Shape::Events, stream(&schema), ["tag_webid", "timestamp", "sequence", "", ""]).unwrap()
});

/// `event_frames`.
pub(super) static RECORDS: LazyLock<TableSpec> = LazyLock::new(|| {
    let schema = Schema::new(vec![
        field("event_frame_id", DataType::Utf8, false),
        field("event_name", DataType::Utf8, true),
        field("template_name", DataType::Utf8, true),
        field("start_time", instant(), false),
        field("end_time", instant(), true),
        field("duration_minutes", DataType::Float64, true),
        field("primary_element_id", DataType::Utf8, true),
        field("event_attributes", map(), true),
        field("referenced_elements", texts(), true),
        field("category", texts(), true),
        field("description", DataType::Utf8, true),
        field("severity", DataType::Utf8, true),
        field("acknowledged", DataType::Boolean, true),
        field("parent_event_id", DataType::Utf8, true),
        host("last_updated", instant(), "ingested-at"),
        field("database_id", DataType::Utf8, false),
        host("event_date", DataType::Date32, "event-date"),
    ]);
    let columns = ["database_id", "start_time", "", "event_frame_id", "end_time"];
    fuzzing::table("event_frames", Shape::Records, stream(&schema), columns).unwrap()
});

/// `asset_hierarchy`.
pub(super) static SNAPSHOT: LazyLock<TableSpec> = LazyLock::new(|| {
    let schema = Schema::new(vec![
        field("element_id", DataType::Utf8, false),
        field("element_name", DataType::Utf8, true),
        field("element_path", DataType::Utf8, true),
        field("parent_id", DataType::Utf8, true),
        field("template_name", DataType::Utf8, true),
        field("element_type", DataType::Utf8, true),
        field("description", DataType::Utf8, true),
        field("categories", texts(), true),
        field("depth", DataType::Int32, true),
        host("last_updated", instant(), "ingested-at"),
        field("element_guid", DataType::Utf8, true),
        field("paths", texts(), true),
    ]);
    fuzzing::table("asset_hierarchy", Shape::Snapshot, stream(&schema), [""; 5]).unwrap()
});

/// As the sink knows a table of events.
pub(super) fn events_spec(table: &TableSpec) -> EventsSpec {
    EventsSpec {
        table: table.name.clone(),
        comment: String::new(),
        schema: Arc::clone(&table.schema),
        series_column: table.series_column.clone(),
        time_column: table.time_column.clone(),
        sequence_column: table.sequence_column.clone(),
    }
}

/// As the sink knows a table of records.
pub(super) fn records_spec(table: &TableSpec) -> RecordsSpec {
    RecordsSpec {
        table: table.name.clone(),
        comment: String::new(),
        schema: Arc::clone(&table.schema),
        series_column: table.series_column.clone(),
        key_column: table.key_column.clone(),
        time_column: table.time_column.clone(),
        end_column: table.end_column.clone(),
    }
}

/// As the sink knows a table of the state of now.
pub(super) fn snapshot_spec(table: &TableSpec) -> SnapshotSpec {
    SnapshotSpec { table: table.name.clone(), comment: String::new(), schema: Arc::clone(&table.schema) }
}
