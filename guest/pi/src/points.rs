//! The tag catalogue: one row a point.

use arrow::array::RecordBatch;
use tidegate_sdk::{
    Fault, ipc,
    snapshot::Snapshot,
    tables::points::{self, PointRow},
};

use crate::{api::Point, manifest::POINTS};

/// Replaces the catalogue by these points.
pub(crate) fn emit(points: &[Point]) -> Result<(), Fault> {
    let mut snapshot = Snapshot::new(POINTS, |points: &[&Point]| ipc::batch(&rows(points)?));
    snapshot.push(points)?;
    snapshot.complete()
}

fn rows(points: &[&Point]) -> Result<RecordBatch, Fault> {
    let rows: Vec<PointRow<'_>> = points.iter().map(|point| row(point)).collect();
    points::batch(&rows)
}

fn row(point: &Point) -> PointRow<'_> {
    PointRow {
        tag_webid: &point.web_id,
        tag_name: &point.name,
        path: &point.path,
        descriptor: point.descriptor.as_deref().unwrap_or_default(),
        point_type: point.point_type.as_deref().unwrap_or_default(),
        units: point.engineering_units.as_deref().unwrap_or_default(),
        digital_set: point.digital_set_name.as_deref().unwrap_or_default(),
        step: point.step,
        future: point.future,
        zero: point.zero,
        span: point.span,
    }
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
        assert_eq!(rows.num_columns() + 1, points::schema().fields().len());
    }

    #[test]
    fn no_point_is_a_batch_without_rows() {
        assert_eq!(rows(&[]).unwrap().num_rows(), 0);
    }
}
