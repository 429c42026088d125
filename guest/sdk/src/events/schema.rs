//! Columns and their comments, in the order in which tables carry them.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::columns::{HOST, utc_micros};

/// Metadata key of a column comment.
const COMMENT: &str = "comment";

/// A column with its comment.
#[must_use]
pub fn field(name: &str, data_type: DataType, nullable: bool, comment: &str) -> Field {
    Field::new(name, data_type, nullable).with_metadata(HashMap::from([(COMMENT.to_owned(), comment.to_owned())]))
}

/// A column that the host fills with `what`: `ingested-at` (timestamp), `delay-seconds` (int) or `event-date` (date,
/// also the partition column). Declared, never emitted.
#[must_use]
pub fn host_field(name: &str, data_type: DataType, nullable: bool, what: &str, comment: &str) -> Field {
    let metadata = [(COMMENT.to_owned(), comment.to_owned()), (HOST.to_owned(), what.to_owned())];
    Field::new(name, data_type, nullable).with_metadata(HashMap::from(metadata))
}

/// All columns of a table of events.
#[must_use]
pub fn schema() -> Schema {
    Schema::new(vec![
        field("tag_webid", DataType::Utf8, false, "Identity of the tag, as the historian gives it"),
        field("tag_name", DataType::Utf8, true, "Name of the tag when the event was read"),
        field("timestamp", utc_micros(), false, "Event time, UTC"),
        field("value", DataType::Float64, true, "Number, boolean as 0 or 1, or code of a digital state"),
        field("quality_good", DataType::Boolean, true, "The historian calls the value good"),
        field("quality_questionable", DataType::Boolean, true, "The historian doubts the value"),
        field("quality_substituted", DataType::Boolean, true, "The value was entered or corrected by hand"),
        field("units", DataType::Utf8, true, "Unit of measure; NULL where the historian names none"),
        host_field("ingestion_timestamp", utc_micros(), false, "ingested-at", "When the event was read, UTC"),
        host_field("data_delay_seconds", DataType::Int32, true, "delay-seconds", "From event time to ingestion"),
        field("value_text", DataType::Utf8, true, "Text, state name, array as JSON, or an integer too long for value"),
        field(
            "value_type",
            DataType::Utf8,
            false,
            "float, int, bool, string, timestamp, digital, system, array or error",
        ),
        field("annotated", DataType::Boolean, true, "The event carries an annotation"),
        field("sequence", DataType::Int32, false, "Numbers the events of a tag that share one timestamp, from 0"),
        host_field("partition_date", DataType::Date32, false, "event-date", "Date of timestamp, UTC"),
    ])
}

/// The columns that a plugin emits, with the repeated strings dictionary-encoded: what a
/// [`super::TimeSeriesBuilder`] makes.
#[must_use]
pub fn emitted_schema() -> SchemaRef {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let encoded = ["tag_webid", "tag_name", "units", "value_type"];
    let fields = schema()
        .fields()
        .iter()
        .filter(|field| !field.metadata().contains_key(HOST))
        .map(|field| {
            let plain = Field::new(field.name(), field.data_type().clone(), field.is_nullable());
            if encoded.contains(&field.name().as_str()) { plain.with_data_type(dictionary.clone()) } else { plain }
        })
        .collect::<Vec<_>>();
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_the_order_that_readers_rely_on() {
        let schema = schema();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(
            names,
            [
                "tag_webid",
                "tag_name",
                "timestamp",
                "value",
                "quality_good",
                "quality_questionable",
                "quality_substituted",
                "units",
                "ingestion_timestamp",
                "data_delay_seconds",
                "value_text",
                "value_type",
                "annotated",
                "sequence",
                "partition_date"
            ]
        );
        assert!(schema.fields().iter().all(|field| field.metadata().contains_key(COMMENT)));
    }

    #[test]
    fn what_the_host_fills_is_declared_and_not_emitted() {
        let emitted = emitted_schema();
        assert_eq!(emitted.fields().len(), 12);
        for name in ["ingestion_timestamp", "data_delay_seconds", "partition_date"] {
            assert!(emitted.column_with_name(name).is_none(), "{name}");
        }
    }
}
