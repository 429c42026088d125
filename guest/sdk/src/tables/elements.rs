//! The elements of an asset model: one row each.

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};

use crate::{
    Fault,
    columns::{Columns, integers, lists, text_list, texts, utc_micros},
    events::{field, host_field},
    ipc,
};

/// All columns.
#[must_use]
pub fn schema() -> Schema {
    let text = |name: &str, comment: &str| field(name, DataType::Utf8, true, comment);
    let texts = |name: &str, comment: &str| field(name, text_list(), true, comment);
    Schema::new(vec![
        field("element_id", DataType::Utf8, false, "Identity of the element, as the historian gives it"),
        text("element_name", "Name of the element"),
        text("element_path", r"Primary path, from the top; a slash inside a name is written \/"),
        text("parent_id", "element_id of the parent on the primary path; NULL at the top"),
        text("template_name", "Template of the element; NULL without one"),
        text("element_type", "Element, Measurement, Transfer…; NULL where the server does not say"),
        text("description", "Description of the element"),
        texts("categories", "Categories of the element"),
        field("depth", DataType::Int32, true, "Levels below the top on the primary path; 0 at the top"),
        host_field("last_updated", utc_micros(), true, "ingested-at", "When the hierarchy was refreshed, UTC"),
        text("element_guid", "Identity of the element within the asset model"),
        texts("paths", "All paths of an element that has several parents"),
    ])
}

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented by the comments of the columns")]
pub struct ElementRow {
    pub element_id: String,
    pub name: Option<String>,
    pub path: Option<String>,
    pub parent_id: Option<String>,
    pub template: Option<String>,
    pub element_type: Option<String>,
    pub description: Option<String>,
    pub categories: Vec<String>,
    pub depth: Option<i32>,
    pub guid: Option<String>,
    pub paths: Vec<String>,
}

/// The rows as a stream for the host.
///
/// # Errors
/// As [`batch`].
pub fn encode(rows: &[ElementRow]) -> Result<Vec<u8>, Fault> {
    ipc::batch(&batch(rows)?)
}

/// The rows as a batch.
///
/// # Errors
/// A fault `ipc` when Arrow cannot hold so much text in one batch.
pub fn batch(rows: &[ElementRow]) -> Result<RecordBatch, Fault> {
    let text = |of: fn(&ElementRow) -> Option<&str>| texts(rows.iter().map(of));
    Columns::new(&schema())
        .push(text(|row| Some(&row.element_id)))
        .push(text(|row| row.name.as_deref()))
        .push(text(|row| row.path.as_deref()))
        .push(text(|row| row.parent_id.as_deref()))
        .push(text(|row| row.template.as_deref()))
        .push(text(|row| row.element_type.as_deref()))
        .push(text(|row| row.description.as_deref()))
        .push(lists(rows.iter().map(|row| Some(row.categories.as_slice()))))
        .push(integers(rows.iter().map(|row| row.depth)))
        .push(text(|row| row.guid.as_deref()))
        .push(lists(rows.iter().map(|row| Some(row.paths.as_slice()))))
        .finish()
}
