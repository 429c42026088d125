//! The tag catalogue: one row a point.

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};
use tidegate_sdk::{
    Fault,
    columns::{Columns, flags, numbers, texts, utc_micros},
    events::{field, host_field},
    ipc,
};

use crate::{api::Point, manifest::POINTS, snapshot::Snapshot};

/// All columns of the catalogue.
pub(crate) fn schema() -> Schema {
    let text = |name: &str, comment: &str| field(name, DataType::Utf8, true, comment);
    let number = |name: &str, comment: &str| field(name, DataType::Float64, true, comment);
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
        host_field("last_updated", utc_micros(), true, "ingested-at", "When the catalogue was refreshed, UTC"),
    ])
}

/// Replaces the catalogue by these points.
pub(crate) fn emit(points: &[Point]) -> Result<(), Fault> {
    let mut snapshot = Snapshot::new(POINTS, |points: &[&Point]| ipc::batch(&rows(points)?));
    snapshot.push(points)?;
    snapshot.complete()
}

fn rows(points: &[&Point]) -> Result<RecordBatch, Fault> {
    let text =
        |of: fn(&Point) -> Option<&str>| texts(points.iter().map(|point| of(point).filter(|text| !text.is_empty())));
    let flag = |of: fn(&Point) -> Option<bool>| flags(points.iter().map(|point| of(point)));
    let number = |of: fn(&Point) -> Option<f64>| numbers(points.iter().map(|point| of(point)));
    Columns::new(&schema())
        .push(text(|point| Some(&point.web_id)))
        .push(text(|point| Some(&point.name)))
        .push(text(|point| Some(&point.path)))
        .push(text(|point| point.descriptor.as_deref()))
        .push(text(|point| point.point_type.as_deref()))
        .push(text(|point| point.engineering_units.as_deref()))
        .push(text(|point| point.digital_set_name.as_deref()))
        .push(flag(|point| point.step))
        .push(flag(|point| point.future))
        .push(number(|point| point.zero))
        .push(number(|point| point.span))
        .finish()
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
        let rows = rows(&[&point]).unwrap();
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
