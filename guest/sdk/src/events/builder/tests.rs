//! The builder against what a reader of the stream sees.

use std::io::Cursor;

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{Float64Type, Int32Type, TimestampMicrosecondType},
    ipc::reader::StreamReader,
};

use super::{Row, TimeSeriesBuilder, ValueType};

const ROW: Row<'_> = Row {
    micros: 0,
    value: Some(1.5),
    text: None,
    value_type: ValueType::Float,
    units: None,
    good: Some(true),
    questionable: Some(false),
    substituted: None,
    annotated: Some(false),
};

fn read(stream: Vec<u8>) -> RecordBatch {
    let mut batches = StreamReader::try_new(Cursor::new(stream), None).unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    batch
}

fn strings(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let plain = arrow::compute::cast(batch.column_by_name(column).unwrap(), &arrow::datatypes::DataType::Utf8).unwrap();
    plain.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn events_that_share_a_microsecond_are_numbered_within_their_series() {
    let mut builder = TimeSeriesBuilder::with_capacity(8);
    builder.series("a", "A");
    for micros in [5, 5, 6, 6, 6, 7] {
        builder.push(&Row { micros, ..ROW });
    }
    builder.series("b", "B");
    builder.push(&Row { micros: 7, ..ROW });
    let batch = read(builder.encode().unwrap());
    let sequence = batch.column_by_name("sequence").unwrap().as_primitive::<Int32Type>();
    assert_eq!(sequence.values(), &[0, 1, 0, 1, 2, 0, 0]);
    let micros = batch.column_by_name("timestamp").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!(micros.values(), &[5, 5, 6, 6, 6, 7, 7]);
    let ids = strings(&batch, "tag_webid");
    assert_eq!((ids[5].as_deref(), ids[6].as_deref()), (Some("a"), Some("b")));
    assert_eq!(strings(&batch, "tag_name")[6].as_deref(), Some("B"));
}

#[test]
fn nulls_units_and_texts_come_back_as_they_went_in() {
    let mut builder = TimeSeriesBuilder::with_capacity(8);
    builder.series("a", "A");
    builder.push(&Row { units: Some("bar"), ..ROW });
    builder.push(&Row { micros: 1, value: None, text: Some("Öl"), value_type: ValueType::Digital, ..ROW });
    builder.push(&Row { micros: 2, units: Some("°C"), value_type: ValueType::Error, good: None, ..ROW });
    builder.push(&Row { micros: 3, units: Some("bar"), ..ROW });
    let batch = read(builder.encode().unwrap());
    assert_eq!(strings(&batch, "units"), [Some("bar".into()), None, Some("°C".into()), Some("bar".into())]);
    assert_eq!(strings(&batch, "value_text"), [None, Some("Öl".into()), None, None]);
    assert_eq!(strings(&batch, "value_type")[1..3], [Some("digital".into()), Some("error".into())]);
    let value = batch.column_by_name("value").unwrap().as_primitive::<Float64Type>();
    assert_eq!(value.iter().collect::<Vec<_>>(), [Some(1.5), None, Some(1.5), Some(1.5)]);
    let good = batch.column_by_name("quality_good").unwrap().as_boolean();
    assert_eq!(good.iter().collect::<Vec<_>>(), [Some(true), Some(true), None, Some(true)]);
}

#[test]
fn every_type_has_the_key_of_its_position() {
    for (key, value_type) in ValueType::ALL.into_iter().enumerate() {
        assert_eq!(value_type as usize, key);
    }
}

#[test]
fn a_row_without_a_series_is_a_fault_not_a_panic() {
    let mut builder = TimeSeriesBuilder::with_capacity(1);
    builder.push(&ROW);
    assert_eq!(builder.finish().unwrap_err().code, "ipc");
}
