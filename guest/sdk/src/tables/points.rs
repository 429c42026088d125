//! The tag catalogue: one row a tag.

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};

use crate::{
    Fault,
    columns::{Columns, flags, numbers, texts, utc_micros},
    events::{field, host_field},
};

/// One tag; an empty text is NULL.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "documented by the comments of the columns")]
pub struct PointRow<'a> {
    pub tag_webid: &'a str,
    pub tag_name: &'a str,
    pub path: &'a str,
    pub descriptor: &'a str,
    pub point_type: &'a str,
    pub units: &'a str,
    pub digital_set: &'a str,
    pub step: Option<bool>,
    pub future: Option<bool>,
    pub zero: Option<f64>,
    pub span: Option<f64>,
}

/// All columns.
#[must_use]
pub fn schema() -> Schema {
    let text = |name: &str, comment: &str| field(name, DataType::Utf8, true, comment);
    let number = |name: &str, comment: &str| field(name, DataType::Float64, true, comment);
    Schema::new(vec![
        field("tag_webid", DataType::Utf8, false, "Identity of the tag, as the historian gives it"),
        text("tag_name", "Name of the tag"),
        text("path", "Path of the tag within the historian"),
        text("descriptor", "What the tag measures, in the words of the site"),
        text("point_type", "Type of the values: Float32, Int32, Digital, String, Timestamp…"),
        text("units", "Engineering units"),
        text("digital_set", "Set of states of a digital tag"),
        field("step", DataType::Boolean, true, "Values hold until the next one instead of being interpolated"),
        field("future", DataType::Boolean, true, "The tag holds events ahead of now"),
        number("zero", "Low end of the expected range"),
        number("span", "Width of the expected range"),
        host_field("last_updated", utc_micros(), true, "ingested-at", "When the catalogue was refreshed, UTC"),
    ])
}

/// The rows as a batch.
///
/// # Errors
/// A fault `ipc` when Arrow cannot hold so much text in one batch.
pub fn batch(rows: &[PointRow<'_>]) -> Result<RecordBatch, Fault> {
    let text = |of: for<'a> fn(&PointRow<'a>) -> &'a str| {
        texts(rows.iter().map(|row| Some(of(row)).filter(|text| !text.is_empty())))
    };
    Columns::new(&schema())
        .push(text(|row| row.tag_webid))
        .push(text(|row| row.tag_name))
        .push(text(|row| row.path))
        .push(text(|row| row.descriptor))
        .push(text(|row| row.point_type))
        .push(text(|row| row.units))
        .push(text(|row| row.digital_set))
        .push(flags(rows.iter().map(|row| row.step)))
        .push(flags(rows.iter().map(|row| row.future)))
        .push(numbers(rows.iter().map(|row| row.zero)))
        .push(numbers(rows.iter().map(|row| row.span)))
        .finish()
}
