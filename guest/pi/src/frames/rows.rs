//! An event frame as the server describes it → a row of `event_frames`.

use tidegate_sdk::{
    life::Life,
    tables::event_frames::{FrameRow, Map},
};

use crate::{
    api::Frame,
    web_id::{alike, in_link},
};

/// The row of a frame. Elements and frames that it points to are named in the form of its own WebId: that is how their
/// own rows name them.
pub(super) fn row(frame: Frame, life: Life, attributes: Option<Map>, database: &str) -> FrameRow {
    let own = frame.web_id.as_str();
    let links = frame.links.unwrap_or_default();
    let primary = links.primary_referenced_element.as_deref().and_then(|link| in_link(link, "elements"));
    let primary = primary.or(frame.primary_referenced_element_web_id.as_deref()).filter(|id| !id.is_empty());
    let parent = links.parent.as_deref().and_then(|link| in_link(link, "eventframes"));
    let referenced = frame.ref_element_web_ids.as_deref().or(frame.referenced_element_web_ids.as_deref());
    FrameRow {
        primary: primary.map(|id| alike(own, id)),
        parent: parent.map(|id| alike(own, id)),
        referenced: referenced.unwrap_or_default().iter().map(|id| alike(own, id)).collect(),
        id: frame.web_id,
        name: frame.name,
        template: frame.template_name,
        life,
        attributes,
        categories: frame.category_names.unwrap_or_default(),
        description: frame.description,
        severity: frame.severity,
        acknowledged: frame.is_acknowledged,
        database: database.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::life::life;
    use arrow::array::RecordBatch;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
    use tidegate_sdk::tables::event_frames::{batch, schema};

    const OWN: &str = "I1FmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g";
    const ELEMENT: &str = "I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g";

    fn rows(json: &str, attributes: Option<Map>) -> RecordBatch {
        let frame: Frame = serde_json::from_str(json).unwrap();
        let life = life(&frame).unwrap();
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
