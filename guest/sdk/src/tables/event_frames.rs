//! Event frames: one row for each, with the values of its attributes.

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};

use crate::{
    Fault,
    columns::{Columns, flags, instants, lists, maps, numbers, text_list, text_map, texts, utc_micros},
    events::{field, host_field},
    life::Life,
    micros,
};

/// Names and values of attributes; the names differ.
pub type Map = Vec<(String, Option<String>)>;

/// One event frame; an empty text is NULL.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "documented by the comments of the columns")]
pub struct FrameRow {
    pub id: String,
    pub name: Option<String>,
    pub template: Option<String>,
    pub life: Life,
    pub primary: Option<String>,
    pub attributes: Option<Map>,
    pub referenced: Vec<String>,
    pub categories: Vec<String>,
    pub description: Option<String>,
    pub severity: Option<String>,
    pub acknowledged: Option<bool>,
    pub parent: Option<String>,
    pub database: String,
}

/// All columns.
#[must_use]
pub fn schema() -> Schema {
    let text = |name: &str, comment: &str| field(name, DataType::Utf8, true, comment);
    Schema::new(vec![
        field("event_frame_id", DataType::Utf8, false, "Identity of the event frame, as the historian gives it"),
        text("event_name", "Name of the event frame; not unique"),
        text("template_name", "Template of the event frame; NULL without one"),
        field("start_time", utc_micros(), false, "When it began, UTC"),
        field("end_time", utc_micros(), true, "When it ended, UTC; NULL while it is open"),
        field("duration_minutes", DataType::Float64, true, "From start to end; NULL while it is open"),
        text("primary_element_id", "The element it is about: asset_hierarchy.element_id"),
        field(
            "event_attributes",
            text_map(),
            true,
            "Values of its attributes as text, Parent|Name for a nested one; NULL where they could not be read",
        ),
        field("referenced_elements", text_list(), true, "All elements it refers to"),
        field("category", text_list(), true, "Categories of the event frame"),
        text("description", "Description of the event frame"),
        text("severity", "None, Information, Warning, Minor, Major or Critical"),
        field("acknowledged", DataType::Boolean, true, "Somebody has acknowledged it"),
        text("parent_event_id", "The event frame that it is a part of; NULL at the top"),
        host_field("last_updated", utc_micros(), true, "ingested-at", "When the row was read, UTC"),
        field("database_id", DataType::Utf8, false, "Identity of what holds it: an AF database, a view"),
        host_field("event_date", DataType::Date32, false, "event-date", "Date of start_time, UTC"),
    ])
}

/// The rows as a batch.
///
/// # Errors
/// A fault `ipc` when Arrow cannot hold so much text in one batch.
pub fn batch(rows: &[FrameRow]) -> Result<RecordBatch, Fault> {
    let text =
        |of: fn(&FrameRow) -> Option<&str>| texts(rows.iter().map(|row| of(row).filter(|text| !text.is_empty())));
    Columns::new(&schema())
        .push(text(|row| Some(&row.id)))
        .push(text(|row| row.name.as_deref()))
        .push(text(|row| row.template.as_deref()))
        .push(instants(rows.iter().map(|row| Some(micros(row.life.start)))))
        .push(instants(rows.iter().map(|row| row.life.end.map(micros))))
        .push(numbers(rows.iter().map(|row| row.life.minutes())))
        .push(text(|row| row.primary.as_deref()))
        .push(maps(rows.iter().map(|row| row.attributes.as_deref()))?)
        .push(lists(rows.iter().map(|row| Some(row.referenced.as_slice()))))
        .push(lists(rows.iter().map(|row| Some(row.categories.as_slice()))))
        .push(text(|row| row.description.as_deref()))
        .push(text(|row| row.severity.as_deref()))
        .push(flags(rows.iter().map(|row| row.acknowledged)))
        .push(text(|row| row.parent.as_deref()))
        .push(text(|row| Some(&row.database)))
        .finish()
}
