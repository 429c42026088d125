//! The tag catalogue: one row a point.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, TimeUnit},
};
use tidegate_sdk::{
    Fault,
    events::{field, host_field},
    host, ipc,
};

use crate::{api::Point, manifest::POINTS};

/// Rows in a batch: a catalogue of a million points goes over in pieces.
const ROWS: usize = 10_000;

/// All columns of the catalogue.
pub(crate) fn schema() -> Schema {
    let text = |name: &str, comment: &str| field(name, DataType::Utf8, true, comment);
    let number = |name: &str, comment: &str| field(name, DataType::Float64, true, comment);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Schema::new(vec![
        field("tag_webid", DataType::Utf8, false, "WebId of the point, as the server gives it"),
        text("tag_name", "Name of the point"),
        text("path", r"Path of the point: \\SERVER\NAME"),
        text("descriptor", "What the point measures, in the words of the site"),
        text("point_type", "Float32, Int32, Digital, String, Timestamp…"),
        text("units", "Engineering units"),
        text("digital_set", "Digital state set of a digital point"),
        field("step", DataType::Boolean, true, "Values hold until the next one instead of being interpolated"),
        field("future", DataType::Boolean, true, "The point holds events ahead of now"),
        number("zero", "Low end of the expected range"),
        number("span", "Width of the expected range"),
        host_field("last_updated", instant, true, "ingested-at", "When the catalogue was refreshed, UTC"),
    ])
}

/// Replaces the catalogue by these points; an empty one too.
pub(crate) fn emit(points: &[Point]) -> Result<(), Fault> {
    if points.is_empty() {
        host::emit(POINTS, &ipc::batch(&rows(points)?)?, &[]);
    }
    for chunk in points.chunks(ROWS) {
        host::emit(POINTS, &ipc::batch(&rows(chunk)?)?, &[]);
    }
    Ok(())
}

fn rows(points: &[Point]) -> Result<RecordBatch, Fault> {
    let texts = |of: fn(&Point) -> Option<&str>| -> ArrayRef {
        let texts = points.iter().map(|point| of(point).filter(|text| !text.is_empty()));
        Arc::new(texts.collect::<StringArray>())
    };
    let flags =
        |of: fn(&Point) -> Option<bool>| -> ArrayRef { Arc::new(points.iter().map(of).collect::<BooleanArray>()) };
    let numbers =
        |of: fn(&Point) -> Option<f64>| -> ArrayRef { Arc::new(points.iter().map(of).collect::<Float64Array>()) };
    let columns = vec![
        texts(|point| Some(&point.web_id)),
        texts(|point| Some(&point.name)),
        texts(|point| Some(&point.path)),
        texts(|point| point.descriptor.as_deref()),
        texts(|point| point.point_type.as_deref()),
        texts(|point| point.engineering_units.as_deref()),
        texts(|point| point.digital_set_name.as_deref()),
        flags(|point| point.step),
        flags(|point| point.future),
        numbers(|point| point.zero),
        numbers(|point| point.span),
    ];
    let emitted: Vec<Field> = schema()
        .fields()
        .iter()
        .filter(|field| !field.metadata().contains_key("host"))
        .map(|field| Field::new(field.name(), field.data_type().clone(), field.is_nullable()))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(emitted)), columns)
        .map_err(|error| Fault::internal("ipc", format!("the tag catalogue does not fit its columns: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;

    #[test]
    fn a_point_fills_its_row_and_what_it_lacks_is_null() {
        let json = r#"{"WebId":"F1DP","Id":7,"Name":"Öl","Path":"\\\\S\\Öl","PointType":"Float32","DigitalSetName":"",
            "Span":200.0,"Zero":50.0,"Step":false}"#;
        let point: Point = serde_json::from_str(json).unwrap();
        let rows = rows(&[point]).unwrap();
        let text = |name: &str| {
            rows.column_by_name(name).unwrap().as_string::<i32>().iter().next().unwrap().map(str::to_owned)
        };
        assert_eq!((text("tag_name"), text("digital_set"), text("units")), (Some("Öl".into()), None, None));
        assert_eq!(text("path").as_deref(), Some(r"\\S\Öl"));
        assert!(!rows.column_by_name("step").unwrap().as_boolean().value(0));
        assert_eq!(rows.column_by_name("future").unwrap().null_count(), 1);
        assert_eq!(rows.num_columns() + 1, schema().fields().len());
    }

    #[test]
    fn no_point_is_a_batch_without_rows() {
        assert_eq!(rows(&[]).unwrap().num_rows(), 0);
    }
}
