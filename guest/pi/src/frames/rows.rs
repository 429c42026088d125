//! The columns of `event_frames`.

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};
use tidegate_sdk::{
    Fault,
    columns::{Columns, flags, instants, lists, maps, numbers, text_list, text_map, texts, utc_micros},
    events::{field, host_field},
    micros,
};

use super::{life::Life, values::Map};
use crate::{
    api::Frame,
    web_id::{alike, in_link},
};

/// All columns.
pub(crate) fn schema() -> Schema {
    let text = |name: &str, comment: &str| field(name, DataType::Utf8, true, comment);
    Schema::new(vec![
        field("event_frame_id", DataType::Utf8, false, "WebId of the event frame; outlives its name"),
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
        field("database_id", DataType::Utf8, false, "WebId of the AF database that holds it"),
        host_field("event_date", DataType::Date32, false, "event-date", "Date of start_time, UTC"),
    ])
}

/// One event frame.
#[derive(Clone, Debug)]
pub(super) struct FrameRow {
    frame: Frame,
    life: Life,
    attributes: Option<Map>,
    primary: Option<String>,
    parent: Option<String>,
    referenced: Vec<String>,
    database: String,
}

/// The row of a frame. Elements and frames that it points to are named in the form of its own WebId: that is how their
/// own rows name them.
pub(super) fn row(frame: Frame, life: Life, attributes: Option<Map>, database: &str) -> FrameRow {
    let own = frame.web_id.as_str();
    let links = frame.links.clone().unwrap_or_default();
    let primary = links.primary_referenced_element.as_deref().and_then(|link| in_link(link, "elements"));
    let primary = primary.or(frame.primary_referenced_element_web_id.as_deref()).filter(|id| !id.is_empty());
    let parent = links.parent.as_deref().and_then(|link| in_link(link, "eventframes"));
    let referenced = frame.ref_element_web_ids.as_deref().or(frame.referenced_element_web_ids.as_deref());
    FrameRow {
        primary: primary.map(|id| alike(own, id)),
        parent: parent.map(|id| alike(own, id)),
        referenced: referenced.unwrap_or_default().iter().map(|id| alike(own, id)).collect(),
        database: database.to_owned(),
        frame,
        life,
        attributes,
    }
}

/// The rows as a batch.
pub(super) fn batch(rows: &[FrameRow]) -> Result<RecordBatch, Fault> {
    let text =
        |of: fn(&FrameRow) -> Option<&str>| texts(rows.iter().map(|row| of(row).filter(|text| !text.is_empty())));
    Columns::new(&schema())
        .push(text(|row| Some(&row.frame.web_id)))
        .push(text(|row| row.frame.name.as_deref()))
        .push(text(|row| row.frame.template_name.as_deref()))
        .push(instants(rows.iter().map(|row| Some(micros(row.life.start)))))
        .push(instants(rows.iter().map(|row| row.life.end.map(micros))))
        .push(numbers(rows.iter().map(|row| row.life.minutes())))
        .push(text(|row| row.primary.as_deref()))
        .push(maps(rows.iter().map(|row| row.attributes.as_deref()))?)
        .push(lists(rows.iter().map(|row| Some(row.referenced.as_slice()))))
        .push(lists(rows.iter().map(|row| Some(row.frame.category_names.as_deref().unwrap_or_default()))))
        .push(text(|row| row.frame.description.as_deref()))
        .push(text(|row| row.frame.severity.as_deref()))
        .push(flags(rows.iter().map(|row| row.frame.is_acknowledged)))
        .push(text(|row| row.parent.as_deref()))
        .push(text(|row| Some(&row.database)))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Float64Type, TimestampMicrosecondType};

    const OWN: &str = "I1FmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g";
    const ELEMENT: &str = "I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g";

    fn rows(json: &str, attributes: Option<Map>) -> RecordBatch {
        let frame: Frame = serde_json::from_str(json).unwrap();
        let life = Life::of(&frame).unwrap();
        batch(&[row(frame, life, attributes, "I1RD")]).unwrap()
    }

    fn text(batch: &RecordBatch, name: &str) -> Option<String> {
        let column = batch.column_by_name(name).unwrap().as_string::<i32>();
        column.is_valid(0).then(|| column.value(0).to_owned())
    }

    fn list(batch: &RecordBatch, name: &str) -> Vec<String> {
        let values = batch.column_by_name(name).unwrap().as_list::<i32>().value(0);
        values.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
    }

    #[test]
    fn a_frame_fills_its_row_and_names_others_as_their_rows_do() {
        let full = format!("F{}U0lURQ", &ELEMENT[1..]);
        let json = format!(
            r#"{{"WebId":"{OWN}","Name":"EF-1","TemplateName":"DowntimeT","StartTime":"2024-03-01T07:00:00Z",
            "EndTime":"2024-03-01T08:30:00Z","Severity":"Minor","IsAcknowledged":true,"CategoryNames":["Loss"],
            "RefElementWebIds":["{full}"],
            "Links":{{"Parent":"https://h/piwebapi/eventframes/{OWN}","PrimaryReferencedElement":"https://h/piwebapi/elements/{full}"}}}}"#
        );
        let batch = rows(&json, Some(vec![("Product".into(), Some("Oil".into())), ("Operator".into(), None)]));
        assert_eq!(text(&batch, "primary_element_id").as_deref(), Some(ELEMENT));
        assert_eq!(list(&batch, "referenced_elements"), [ELEMENT]);
        assert_eq!(text(&batch, "parent_event_id").as_deref(), Some(OWN));
        assert_eq!(
            (text(&batch, "severity"), text(&batch, "database_id")),
            (Some("Minor".into()), Some("I1RD".into()))
        );
        let start = batch.column_by_name("start_time").unwrap().as_primitive::<TimestampMicrosecondType>().value(0);
        assert_eq!(start, 1_709_276_400_000_000);
        assert_eq!(batch.column_by_name("duration_minutes").unwrap().as_primitive::<Float64Type>().value(0), 90.0);
        assert_eq!(batch.column_by_name("event_attributes").unwrap().as_map().value_length(0), 2);
        assert_eq!(batch.num_columns() + 2, schema().fields().len());
    }

    #[test]
    fn an_open_frame_without_template_or_attributes_has_nulls_where_they_belong() {
        let json = format!(
            r#"{{"WebId":"{OWN}","TemplateName":"","StartTime":"2024-03-01T07:00:00Z","EndTime":"9999-12-31T23:59:59Z",
            "PrimaryReferencedElementWebId":"E","ReferencedElementWebIds":["E","F"]}}"#
        );
        let empty = rows(&json, Some(Vec::new()));
        assert_eq!((text(&empty, "template_name"), text(&empty, "parent_event_id")), (None, None));
        assert_eq!(text(&empty, "primary_element_id").as_deref(), Some("E"));
        assert_eq!(list(&empty, "referenced_elements"), ["E", "F"]);
        for column in ["end_time", "duration_minutes", "acknowledged"] {
            assert!(empty.column_by_name(column).unwrap().is_null(0), "{column}");
        }
        let attributes = |batch: &RecordBatch| batch.column_by_name("event_attributes").unwrap().is_null(0);
        assert!(!attributes(&empty) && attributes(&rows(&json, None)));
    }
}
